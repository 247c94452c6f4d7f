"""Issues of a run, one by one or grouped by rule."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.model import Severity
from tasks.store import changed_pages, connect

if TYPE_CHECKING:
    import duckdb

ISSUE_COLUMNS = ("run_id", "page_id", "url", "rule", "severity", "category", "message", "evidence", "fingerprint")
ROWS_AT_ONCE = 1000
_CHANGED = ("changes", "pages", "runs")
SEVERITY_RANK = "CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which issues of which run; what is unset does not narrow them.

    Attributes:
        changed: on pages that are new, changed or gone since the last crawl of the site.
    """

    run_id: str
    rule: str | None = None
    severity: Severity | None = None
    url: str | None = None
    changed: bool = False

    @property
    def condition(self) -> str:
        clauses = ["run_id = $run_id"]
        clauses += [f"{name} = ${name}" for name in ("rule", "severity", "url") if getattr(self, name)]
        clauses += [f"page_id IN ({changed_pages('run_id')})"] if self.changed else []
        return " AND ".join(clauses)

    @property
    def values(self) -> dict[str, str]:
        named = {"rule": self.rule, "severity": self.severity and self.severity.value, "url": self.url}
        return {"run_id": self.run_id} | {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """All issues of one rule and severity; ``examples`` are the first (url, message) of them."""

    rule: str
    severity: Severity
    category: str
    issues: int
    pages: int
    examples: tuple[tuple[str, str], ...]


def issue_groups(wanted: Wanted, data: Path | str, examples: int) -> list[RuleGroup]:
    """Groups with the most severe first, then by pages; at most ``examples`` addresses each."""
    with _read(wanted, data) as facts:
        rows = facts.execute(
            f"""
            SELECT rule, severity, any_value(category), count(*), count(DISTINCT hash(page_id)) AS pages,
                   arg_min({{'url': url, 'message': message}}, (url, message), {int(examples)})
            FROM issues WHERE {wanted.condition} GROUP BY rule, severity
            ORDER BY {SEVERITY_RANK}, pages DESC, rule
            """,  # noqa: S608 - column names of this module and a number
            wanted.values,
        ).fetchall()
    return [
        RuleGroup(
            rule=rule,
            severity=Severity(severity),
            category=category,
            issues=issues,
            pages=pages,
            examples=tuple((found["url"], found["message"]) for found in first),
        )
        for rule, severity, category, issues, pages, first in rows
    ]


def issue_rows(wanted: Wanted, data: Path | str) -> Iterator[dict[str, Any]]:
    """One row of ``ISSUE_COLUMNS`` for each issue, most severe rule first, then by address."""
    with _read(wanted, data) as facts:
        found = facts.execute(
            f"""
            SELECT {", ".join(ISSUE_COLUMNS)} FROM issues WHERE {wanted.condition}
            ORDER BY {SEVERITY_RANK}, rule, url, fingerprint
            """,  # noqa: S608 - column names of this module
            wanted.values,
        )
        while rows := found.fetchmany(ROWS_AT_ONCE):
            yield from (dict(zip(ISSUE_COLUMNS, row, strict=True)) for row in rows)


def issue_counts(wanted: Wanted, data: Path | str) -> dict[Severity, int]:
    """How many issues there are of each severity."""
    with _read(wanted, data) as facts:
        rows = facts.execute(
            f"SELECT severity, count(*) FROM issues WHERE {wanted.condition} GROUP BY severity",  # noqa: S608 - as above
            wanted.values,
        ).fetchall()
    return {Severity(severity): number for severity, number in rows}


def pages_changed(run_id: str, data: Path | str) -> frozenset[str]:
    """Ids of the pages that are new, changed or gone since the last crawl of the site; all where there was none."""
    with connect(data, _CHANGED, [run_id]) as facts:
        return frozenset(page_id for (page_id,) in facts.execute(changed_pages("run"), {"run": run_id}).fetchall())


def _read(wanted: Wanted, data: Path | str) -> "duckdb.DuckDBPyConnection":
    return connect(data, ("issues", *_CHANGED) if wanted.changed else ("issues",), [wanted.run_id])
