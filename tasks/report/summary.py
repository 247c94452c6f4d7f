"""What a run found, in a few counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.model import PageState, Severity
from tasks.report.cuts import cuts_of
from tasks.report.fixes import Ask, Fix, first_fixes, score_of
from tasks.report.found import SEVERITY_RANK
from tasks.report.next_steps import goes_on, next_commands
from tasks.store import Progress, Run, Store, changed_pages, connect

_READ = ("pages", "site_pages", "issues", "robots", "sitemaps", "sitemap_entries", "changes", "runs")
TOP_RULES = 200
TOP_HOSTS = 10
WORST_PAGES = 200


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often one rule failed with one severity; ``example`` is the first address it failed on."""

    rule: str
    severity: Severity
    category: str
    issues: int
    pages: int
    example: str


@dataclass(frozen=True, slots=True)
class HostTime:
    """Median and slowest time to first byte of one host's pages, milliseconds."""

    host: str
    pages: int
    median_ms: float
    slowest_ms: float


@dataclass(frozen=True, slots=True)
class WorstPage:
    """A page with its issues counted by severity."""

    url: str
    status: int | None
    errors: int
    warnings: int
    notices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run in counts.

    Attributes:
        states: pages by state. statuses: pages by HTTP status. reasons: pages not completed, by reason.
        cached: pages shown from an earlier run.
        rules: worst severity first, then by pages.
        hosts: slowest first. worst: most severe first.
        wall_seconds: from the run's start to its end; None while it runs.
        changed_only: issues are those of pages that are new, changed or gone.
        changes: of a crawl that comes again, pages that are new, changed, gone and unchanged since the last one.
        score, fixes, cuts, goes_on: of a crawl: 0 to 100 (None where no page counts), what to fix first, what was left
            out and why, the command that goes on where a limit ended it.
    """

    run: Run
    states: Mapping[PageState, int]
    statuses: Mapping[int, int]
    reasons: Mapping[str, int]
    severities: Mapping[Severity, int]
    cached: int
    rules: tuple[RuleCount, ...]
    hosts: tuple[HostTime, ...]
    worst: tuple[WorstPage, ...]
    wall_seconds: float | None
    changed_only: bool = False
    changes: Mapping[str, int] = field(default_factory=dict)
    score: int | None = None
    fixes: tuple[Fix, ...] = ()
    cuts: tuple[str, ...] = ()
    goes_on: str = ""

    @property
    def pages(self) -> int:
        return sum(self.states.values())

    @property
    def next_commands(self) -> tuple[str, ...]:
        return (*filter(None, (self.goes_on,)), *next_commands(self.run, self.fixes, changed_only=self.changed_only))


def summarise(run_id: str, data: Path | str | None = None, *, changed_only: bool = False) -> RunSummary:
    """The summary of ``run_id``, finished or not.

    ``changed_only`` counts the issues of pages that are new, changed or gone since the last crawl of the site.

    Raises:
        UnknownRun: no such run.
        StoreError: the data folder cannot be read.
    """
    store = Store.open(data)
    try:
        run, progress = store.get_run(run_id), store.progress(run_id)
    finally:
        store.close()
    with connect(data, _READ, [run.run_id, *filter(None, [run.earlier_run_id])]) as facts:

        def ask(query: str, **values: Any) -> list[tuple[Any, ...]]:
            return facts.execute(query, {"run": run.run_id, **values}).fetchall()

        crawled = run.kind == "crawl"
        among = f"AND page_id IN ({changed_pages('run')})" if changed_only else ""
        rules = tuple(RuleCount(row[0], Severity(row[1]), *row[2:]) for row in ask(_RULES.format(among=among)))
        return RunSummary(
            run=run,
            states=_states(progress),
            statuses=dict(ask(_STATUSES)),
            reasons=dict(progress.by_reason),
            severities=_severities(rules) if changed_only else _known_severities(progress),
            cached=progress.linked,
            rules=rules,
            hosts=tuple(HostTime(*row) for row in ask(_HOSTS)),
            worst=tuple(WorstPage(*row) for row in ask(_WORST.format(among=among))),
            wall_seconds=_seconds(run.started_at, run.finished_at),
            changed_only=changed_only,
            changes=_changes(ask, run),
            score=score_of(ask) if crawled else None,
            fixes=first_fixes(ask) if crawled and not changed_only else (),
            cuts=cuts_of(progress, ask) if crawled else (),
            goes_on=goes_on(run, progress),
        )


def _changes(ask: Ask, run: Run) -> dict[str, int]:
    if run.earlier_run_id is None:
        return {}
    found: dict[str, int] = dict(ask(_CHANGES))
    [(unchanged,)] = ask(_UNCHANGED, earlier=run.earlier_run_id)
    return {**{change: found.get(change, 0) for change in ("new", "changed", "gone")}, "unchanged": unchanged}


def _known_severities(progress: Progress) -> dict[Severity, int]:
    return {severity: progress.issues.get(severity, 0) for severity in Severity}


def _severities(rules: Iterable[RuleCount]) -> dict[Severity, int]:
    return {severity: sum(rule.issues for rule in rules if rule.severity is severity) for severity in Severity}


def _states(progress: Progress) -> dict[PageState, int]:
    counts = {state: getattr(progress, state.value) for state in PageState}
    return {state: count for state, count in counts.items() if count}


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if end else None


_STATUSES = """
SELECT status, count(*) FROM pages WHERE run_id = $run AND status IS NOT NULL GROUP BY status ORDER BY status
"""

_CHANGES = "SELECT change, count(*) FROM changes WHERE run_id = $run GROUP BY change"

_UNCHANGED = """
WITH answered AS (
    SELECT run_id, page_id FROM pages WHERE status IS NOT NULL AND outcome IN ('completed', 'skipped'))
SELECT count(*) FROM answered
WHERE run_id = $run AND page_id IN (SELECT page_id FROM answered WHERE run_id = $earlier)
    AND page_id NOT IN (SELECT page_id FROM changes WHERE run_id = $run)
"""

_RULES = f"""
SELECT rule, severity, any_value(category), count(*), count(DISTINCT hash(page_id)) AS pages, min(url)
FROM issues WHERE run_id = $run {{among}} GROUP BY rule, severity
ORDER BY {SEVERITY_RANK}, pages DESC, rule LIMIT {TOP_RULES}
"""  # noqa: S608 - only constants of this room are put in

_HOSTS = rf"""
SELECT regexp_extract(final_url, '^https?://([^/?#]*)', 1) AS host, count(*), median(ttfb_ms), max(ttfb_ms)
FROM pages WHERE run_id = $run AND ttfb_ms IS NOT NULL
GROUP BY host ORDER BY median(ttfb_ms) DESC, host LIMIT {TOP_HOSTS}
"""  # noqa: S608 - as above

_WORST = f"""
WITH found AS (
    SELECT page_id, count(*) FILTER (severity = 'error') AS errors, count(*) FILTER (severity = 'warning') AS warnings,
           count(*) FILTER (severity = 'notice') AS notices
    FROM issues WHERE run_id = $run {{among}} GROUP BY page_id
)
SELECT url, status, errors, warnings, notices FROM found JOIN pages USING (page_id)
WHERE run_id = $run AND errors + warnings > 0
ORDER BY errors DESC, warnings DESC, notices DESC, url LIMIT {WORST_PAGES}
"""  # noqa: S608 - as above
