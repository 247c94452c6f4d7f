"""The readers' side: DuckDB views over the parts that are live. Never a glob, never a lock, no extension."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import duckdb
import polars as pl
from sqlalchemy import Connection

from tasks.errors import StoreError
from tasks.store.catalogue import Catalogue
from tasks.store.catalogue_views import CATALOGUE_VIEWS, CatalogueView, copy_catalogue
from tasks.store.columns import FACT_TABLES, ISSUES, LINKED, PAGES, RAISED_FROM
from tasks.store.location import locate
from tasks.store.migrations import check_version
from tasks.store.page_columns import REVALIDATION
from tasks.store.part_folder import PartFolder
from tasks.store.parts import shape_of
from tasks.store.registry import live_parts, live_rows, site_parts
from tasks.store.site_columns import DEPTH, GRAPH
from tasks.store.takes import Column, FactTable, PageTable, dtype_of

MEMORY = 224_000_000
MEMORY_OF_PAGE = 1_000

SPILL_FOLDER = "tmp"
"""In the data folder: what a query needs beside memory is facts as well, and nobody else's to read or to place."""

SITE_PAGES = "site_pages"
SITE_PAGES_DOC = "The pages with how each hangs together with the others of its crawl; null where that is not known."
_TYPES: Mapping[type[pl.DataType], str] = {
    pl.String: "VARCHAR",
    pl.Boolean: "BOOLEAN",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.UInt32: "UINTEGER",
    pl.Float64: "DOUBLE",
    pl.Binary: "BLOB",
    pl.Datetime: "TIMESTAMP",
}


@dataclass(frozen=True, slots=True)
class LiveFacts:
    """Absolute paths of live parts: ``files`` by table, ``sources`` those of runs that linked pages come from.

    ``site_issues`` are those of ``files`` that speak of runs as a whole.
    """

    files: Mapping[str, list[str]]
    sources: Mapping[str, list[str]]
    site_issues: Sequence[str] = ()


def connect(
    data: Path | str | None = None, tables: Collection[str] | None = None, runs: Sequence[str] | None = None
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with a view for each table of docs/data.md, as of now.

    Args:
        data: data folder; None for ``SEO_DATA`` or ``./data``.
        tables: the views that are read, with little memory: what does not fit goes to disk. None for all of them, and
            as much memory as DuckDB likes.
        runs: what these runs show; None for all.

    Raises:
        StoreError: there is no data folder; it is never made by reading.
        SchemaTooNew: a later release wrote it.
    """
    location = locate(data)
    catalogue = location.catalogue()
    try:
        if not catalogue.exists:
            raise StoreError(f"no scans in {location.folder}: run `seo scan URL` first, or name the data folder")
        if check_version(catalogue) is None:
            raise StoreError(
                f"{catalogue.name} was written by an earlier release: run any `seo` command on it to bring it up"
            )
        if tables is None:
            return open_views(location.parts(), catalogue, runs)
        return open_limited(location.parts(), catalogue, runs, tables)
    finally:
        catalogue.close()


def open_views(
    root: PartFolder,
    catalogue: Catalogue,
    runs: Sequence[str] | None = None,
    tables: Collection[str] | None = None,
    settings: Iterable[str] = (),
) -> duckdb.DuckDBPyConnection:
    """The views of the whole folder, or of what ``runs`` show; of what is not in ``tables`` nothing is read."""
    connection = duckdb.connect(config={"temp_directory": str(root.folder / SPILL_FOLDER)})
    try:
        connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        # What a query has freed goes back to the system: left to itself, DuckDB keeps 60 MB of a run of 20,000 pages.
        connection.execute("SET allocator_bulk_deallocation_flush_threshold = '1MB'")
        for setting in settings:
            connection.execute(f"SET {setting}")
        create_views(connection, root, catalogue, runs=runs, tables=tables)
    except duckdb.Error as error:
        connection.close()
        raise StoreError(f"cannot read the facts in {root}: {str(error).splitlines()[0]}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_limited(
    root: PartFolder,
    catalogue: Catalogue,
    runs: Sequence[str] | None,
    tables: Collection[str],
    *,
    threads: int = 1,
) -> duckdb.DuckDBPyConnection:
    """The same with memory by the number of pages; what does not fit goes to disk.

    Threads share the memory: with two, what one can sort on disk may not be sorted at all.
    """
    with catalogue.read() as reader:
        pages = live_rows(reader, (PAGES.name, LINKED), runs)
    settings = [f"memory_limit = '{memory_for(pages)}B'", f"threads = {threads}", "preserve_insertion_order = false"]
    return open_views(root, catalogue, runs, tables, settings)


def memory_for(pages: int) -> int:
    """Bytes that DuckDB takes for a site of so many pages.

    96 MB were enough to judge 10,000 pages of 400 links, 160 MB for 100,000 of rust-doc, 1 GB for a million of 20.
    """
    return MEMORY + pages * MEMORY_OF_PAGE


def create_views(
    connection: duckdb.DuckDBPyConnection,
    root: PartFolder,
    catalogue: Catalogue,
    *,
    prefix: str = "",
    runs: Sequence[str] | None = None,
    tables: Collection[str] | None = None,
    of_catalogue: Sequence[CatalogueView] = CATALOGUE_VIEWS,
) -> None:
    """Creates the views in the schema that ``prefix`` names (with its dot), else in the connection's own.

    Where ``tables`` are given, the parts of others need not be had: their views have all columns and fail when read.
    """
    wanted = tables if tables is None else _tables_of_parts(tables)
    copied = [view for view in of_catalogue if tables is None or view.name in tables]
    with catalogue.read() as reader:
        live = _live_facts(reader, root, runs, wanted)
        copy_catalogue(reader, connection, copied, prefix)
    made = {PAGES.name: _with_graph(live, DEPTH_ONLY), ISSUES.name: _standing_issues(live)}
    views = {table.name: made.get(table.name) or _view_sql(table, live) for table in FACT_TABLES}
    views[SITE_PAGES] = _with_graph(live, _GRAPH_COLUMNS)
    columns = {**{table.name: shown_columns(table) for table in FACT_TABLES}, SITE_PAGES: shown_site_pages()}
    for name, sql in views.items():
        shown = sql if tables is None or name in tables else _unread_sql(name, columns[name])
        connection.execute(f"CREATE VIEW {prefix}{name} AS {shown}")
    for view in of_catalogue:
        if view not in copied:
            unread = _unread_sql(view.name, [(shown.name, shown.dtype, "") for shown in view.columns])
            connection.execute(f"CREATE VIEW {prefix}{view.name} AS {unread}")


_BESIDE = {PAGES.name: (GRAPH.name,), SITE_PAGES: (PAGES.name, GRAPH.name)}
"""Facts of other tables that a view shows."""


def _tables_of_parts(views: Collection[str]) -> set[str]:
    """What the views of these names are made of."""
    facts = {table.name for table in FACT_TABLES}
    read = {*views, *chain.from_iterable(_BESIDE.get(name, ()) for name in views)} & facts
    return read | {LINKED} if read else read


def _live_facts(
    reader: Connection, root: PartFolder, runs: Sequence[str] | None, tables: Collection[str] | None
) -> LiveFacts:
    files = _files(root, live_parts(reader, runs, tables))
    told = tables is None or ISSUES.name in tables
    site_issues = list(map(str, root.files(site_parts(reader, ISSUES.name, runs)))) if told else []
    linked = files.get(LINKED)
    if not linked:
        return LiveFacts(files, {}, site_issues)
    sources = pl.read_parquet(linked, columns=["source_run_id"], glob=False)["source_run_id"].unique().to_list()
    return LiveFacts(files, _files(root, live_parts(reader, sources, tables, of_pages=True)), site_issues)


def _files(root: PartFolder, parts: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {table: list(map(str, root.files(relative))) for table, relative in parts.items()}


DEPTH_ONLY = (DEPTH,)
_GRAPH_COLUMNS = GRAPH.columns[2:]


def _with_graph(live: LiveFacts, columns: Sequence[Column]) -> str:
    """Pages with ``columns`` of the graph; it costs nothing where no crawl has any."""
    if not live.files.get(GRAPH.name):
        others = (f"NULL::{duckdb_type(column.dtype)} AS {column.name}" for column in columns if column is not DEPTH)
        return f"SELECT {', '.join(('fact.*', *others))} FROM ({_view_sql(PAGES, live)}) fact"  # noqa: S608 - names of our own
    others = (f"graph.{column.name}" for column in columns if column is not DEPTH)
    chosen = ", ".join(("fact.* REPLACE (graph.depth AS depth)", *others))
    joined = "fact.run_id = graph.run_id AND fact.page_id = graph.page_id"
    return (
        f"SELECT {chosen} FROM ({_view_sql(PAGES, live)}) fact LEFT JOIN ({_view_sql(GRAPH, live)}) graph ON {joined}"  # noqa: S608 - the same
    )


def _standing_issues(live: LiveFacts) -> str:
    """Issues without those of pages that their crawl tells again with another severity."""
    told = _view_sql(ISSUES, live)
    if not live.site_issues:
        return told
    of_sites = f"{_empty_sql(ISSUES)} UNION ALL BY NAME SELECT * FROM {_parquet_sql(live.site_issues)}"  # noqa: S608 - quoted paths of our own
    raised = f"SELECT run_id, page_id, fingerprint FROM ({of_sites}) WHERE {RAISED_FROM} IS NOT NULL"  # noqa: S608 - the same
    same = " AND ".join(f"fact.{name} = raised.{name}" for name in ("run_id", "page_id", "fingerprint"))
    return f"SELECT * FROM ({told}) fact ANTI JOIN ({raised}) raised ON fact.{RAISED_FROM} IS NULL AND {same}"  # noqa: S608 - the same


def _view_sql(table: FactTable, live: LiveFacts) -> str:
    selects = [_empty_sql(table)]
    if files := live.files.get(table.name):
        selects.append(f"SELECT * FROM {_parquet_sql(files)}")  # noqa: S608 - quoted paths of our own
    if (sources := live.sources.get(table.name)) and isinstance(table, PageTable):
        selects.append(_linked_sql(table, sources, live.files[LINKED]))
    return " UNION ALL BY NAME ".join(selects)


def _linked_sql(table: PageTable, sources: Sequence[str], linked: Sequence[str]) -> str:
    """Facts of earlier runs under the run that shows them."""
    fact, shown = _parquet_sql(sources), _parquet_sql(linked)
    columns = "shown.run_id, fact.* EXCLUDE (run_id)"
    if table is PAGES:  # parts may be older than the columns
        fact = f"({_empty_sql(table)} UNION ALL BY NAME SELECT * FROM {fact})"  # noqa: S608 - of our own
        shown = f"(SELECT NULL::BOOLEAN AS not_modified WHERE false UNION ALL BY NAME SELECT * FROM {shown})"  # noqa: S608 - the same
        name = REVALIDATION.name
        columns = (
            f"shown.run_id, fact.* EXCLUDE (run_id) REPLACE (if(shown.not_modified, 'not-modified', NULL) AS {name})"
        )
    same = "fact.run_id = shown.source_run_id AND fact.page_id = shown.page_id"
    return f"SELECT {columns} FROM {fact} fact JOIN {shown} shown ON {same}"  # noqa: S608 - the same


def _empty_sql(table: FactTable) -> str:
    """No rows, all columns: parts may be missing, or older than a column."""
    return f"SELECT {_nulls(shown_columns(table))} WHERE false"


def _unread_sql(name: str, columns: Sequence[tuple[str, str, str]]) -> str:
    """All columns, for who asks what there is."""
    return f"SELECT {_nulls(columns)} WHERE error('the rows of {name} are read where the query names it')::BOOLEAN"


def _nulls(columns: Sequence[tuple[str, str, str]]) -> str:
    return ", ".join(f"NULL::{dtype} AS {name}" for name, dtype, _ in columns)


def shown_columns(table: FactTable) -> list[tuple[str, str, str]]:
    """Name, DuckDB type and meaning of each column that readers see."""
    shown = [_shown(column) for column in table.columns]
    if table is PAGES:
        after = next(n for n, column in enumerate(shown, 1) if column[0] == "reason")
        shown.insert(after, _shown(DEPTH))
    return shown


def shown_site_pages() -> list[tuple[str, str, str]]:
    """The same of ``site_pages``."""
    return [*shown_columns(PAGES), *(_shown(column) for column in _GRAPH_COLUMNS if column is not DEPTH)]


def _shown(column: Column) -> tuple[str, str, str]:
    return column.name, duckdb_type(column.dtype), column.doc


def duckdb_type(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.List):
        return f"{duckdb_type(dtype_of(dtype.inner))}[]"
    if isinstance(dtype, pl.Struct):
        fields = (f"{field.name} {duckdb_type(dtype_of(field.dtype))}" for field in dtype.fields)
        return f"STRUCT({', '.join(fields)})"
    return _TYPES[type(dtype)]


def _parquet_sql(files: Sequence[str]) -> str:
    """All rows of the files, whatever columns each has."""
    alike: dict[str, list[str]] = {}
    for file in files:
        alike.setdefault(shape_of(file), []).append(file)
    read = [_read_sql(some, mixed=not shape) for shape, some in alike.items()]
    return read[0] if len(read) == 1 else f"({' UNION ALL BY NAME '.join(f'SELECT * FROM {one}' for one in read)})"  # noqa: S608 - quoted paths of our own


def _read_sql(files: Sequence[str], *, mixed: bool) -> str:
    """``mixed`` has every file opened for its columns, before any is read: 150 kB of memory each."""
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{listed}], union_by_name = {str(mixed).lower()}, hive_partitioning = false)"
