"""What a site rule sees."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Site:
    """One run in DuckDB: the store's views restricted to it, and the tables of ``tasks.audit.site.tables``.

    Attributes:
        complete: every address that was found has been dealt with, and read where search engines may.
        links_cut: pages have more links than are kept.
    """

    db: "duckdb.DuckDBPyConnection"
    start_url: str
    complete: bool
    links_cut: bool = False

    @property
    def gap(self) -> str:
        """Why not every link and page is known; empty where all are."""
        if not self.complete:
            return "the crawl is incomplete"
        return "pages have more links than are kept" if self.links_cut else ""

    def any(self, sql: str, **values: Any) -> bool:
        """True where the query has a row."""
        return bool(self.db.execute(f"SELECT EXISTS ({sql})", values).fetchall()[0][0])

    def count(self, sql: str, **values: Any) -> int:
        """Rows of the query."""
        return int(self.db.execute(f"SELECT count(*) FROM ({sql})", values).fetchall()[0][0])  # noqa: S608 - of our own
