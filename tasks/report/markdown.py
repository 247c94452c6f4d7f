"""A run's summary as Markdown. Everything that came from pages is escaped."""

from collections.abc import Iterable, Sequence

from tasks.model import Severity
from tasks.report.escape import markdown as escaped
from tasks.report.summary import RunSummary
from tasks.store import Run

MAX_ROWS = 200


def summary_markdown(summary: RunSummary) -> str:
    """``summary`` as a document of a heading, the counts and tables of at most ``MAX_ROWS`` rows."""
    run = summary.run
    parts = [
        f"# {_heading(run)}",
        _warning(run),
        _table(("", ""), _identity(summary)),
        "## Fix first",
        _table(
            ("rule", "severity", "pages", "of the PageRank", "most important", "how"),
            (
                (fix.rule, fix.severity.value, fix.pages, f"{fix.share:.0%}", fix.example, fix.how)
                for fix in summary.fixes
            ),
        ),
        "## Pages",
        _table(("state", "pages"), ((state.value, count) for state, count in summary.states.items())),
        _table(("HTTP status", "pages"), summary.statuses.items()),
        _table(("failed or skipped", "pages"), _by_count(summary.reasons.items())),
        _table((f"since {summary.run.earlier_run_id}", "pages"), summary.changes.items()),
        "## Left out",
        _list(escaped(cut, 500) for cut in summary.cuts),
        "## Issues of new, changed and gone pages" if summary.changed_only else "## Issues",
        _severities(summary),
        _table(
            ("rule", "severity", "issues", "pages", "example"),
            ((found.rule, found.severity.value, found.issues, found.pages, found.example) for found in summary.rules),
        ),
        "## Slowest hosts",
        _table(
            ("host", "pages", "median to first byte (ms)", "slowest (ms)"),
            ((found.host, found.pages, round(found.median_ms), round(found.slowest_ms)) for found in summary.hosts),
        ),
        "## Next" if summary.pages else "",
        _list(f"`{command}`" for command in summary.next_commands) if summary.pages else "",
    ]
    return "\n\n".join(part for part in _without_empty_sections(parts)) + "\n"


def _heading(run: Run) -> str:
    return f"{run.kind.capitalize()} {escaped(run.run_id)}: {run.state.value}"


def _warning(run: Run) -> str:
    words = [escaped(text, 500) for text in (run.incomplete_reason, run.error) if text]
    return f"**Incomplete:** {' – '.join(words)}" if words else ""


def _identity(summary: RunSummary) -> Iterable[tuple[str, object]]:
    run = summary.run
    if run.start_url:
        yield "start", run.start_url
    if summary.score is not None:
        yield "score", f"{summary.score} of 100"
    yield "project", run.project_id
    yield "started", f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"
    if summary.wall_seconds is not None:
        yield "wall time", f"{summary.wall_seconds:.1f} s"
    yield "pages", f"{run.total:,}"
    if summary.cached:
        yield "shown from an earlier run", f"{summary.cached:,}"
    if run.pages_per_second is not None:
        yield "pages per second", f"{run.pages_per_second:,.1f}"


def _severities(summary: RunSummary) -> str:
    counts = (f"{summary.severities.get(severity, 0):,} {severity.value}s" for severity in Severity)
    return ", ".join(counts) if any(summary.severities.values()) else "None."


def _by_count(items: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(items, key=lambda item: (-item[1], item[0]))


def _table(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table; empty where there are no rows."""
    lines = [_row(row) for row in rows]
    if not lines:
        return ""
    left_out = len(lines) - MAX_ROWS
    more = f"\n\n…and {left_out:,} more." if left_out > 0 else ""
    return "\n".join([_row(header), "|" + " --- |" * len(header), *lines[:MAX_ROWS]]) + more


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(f"{value:,}" if isinstance(value, int) else escaped(str(value)) for value in cells) + " |"


def _without_empty_sections(parts: Sequence[str]) -> list[str]:
    """``parts`` without empty ones and without headings that nothing follows."""
    kept: list[str] = []
    for part in reversed([part for part in parts if part]):
        if not part.startswith("## ") or (kept and not kept[-1].startswith("## ")):
            kept.append(part)
    return kept[::-1]
