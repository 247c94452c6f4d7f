"""The commands that people need after a run."""

from collections.abc import Sequence

from tasks.model import Reason
from tasks.report.fixes import Fix
from tasks.store import Progress, Run, RunState

TITLES = "seo sql \"SELECT url, title FROM pages WHERE run_id = '{}'\""
RANKED = "seo sql \"SELECT url, depth, inlinks FROM site_pages WHERE run_id = '{}' ORDER BY pagerank DESC\""
ADVICE = "seo sql \"SELECT url, priority, title, description FROM recommendations WHERE run_id = '{}'\""
CHANGES = "seo sql \"SELECT url, change, fields FROM changes WHERE run_id = '{}'\""
NEVER_FETCHED = (Reason.BLOCKED_BY_ROBOTS, Reason.CRAWL_TRAP)
"""Reasons of pages that no limit counts."""


def next_commands(run: Run, fixes: Sequence[Fix] = (), *, changed_only: bool = False) -> tuple[str, ...]:
    """Commands that look into the run, the most urgent first; each names it, as others may follow."""
    issues, page = f"seo issues {run.run_id}", f"seo page URL --run {run.run_id}"
    if changed_only:
        return (f"{issues} --changed", CHANGES.format(run.run_id), page)
    urgent = (f"{issues} --rule {fixes[0].rule}",) if fixes else ()
    return (*urgent, issues, page, (RANKED if run.kind == "crawl" else TITLES).format(run.run_id))


def goes_on(run: Run, progress: Progress) -> str:
    """The command that goes on with a crawl which a limit ended; empty where none did."""
    if run.kind != "crawl" or run.state is not RunState.COMPLETED or not run.incomplete:
        return ""
    command, limits = f"seo resume {run.run_id}", run.limits
    if progress.pending + progress.leased > progress.held_back:
        return command  # its time was over: what is left is within its limits
    fetched = fetched_pages(progress)
    if limits.max_pages is not None and fetched >= limits.max_pages:
        return f"{command} --max-pages {2 * fetched}"
    return command if limits.max_depth is None else f"{command} --max-depth {limits.max_depth + 1}"


def fetched_pages(progress: Progress) -> int:
    """Pages done that count against a limit."""
    return progress.done - sum(progress.by_reason.get(reason, 0) for reason in NEVER_FETCHED)
