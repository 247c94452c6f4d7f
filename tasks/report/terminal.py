"""Results for people at a terminal, as Rich renderables. Untrusted text is plain text without control characters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tasks.model import Severity
from tasks.report.escape import terminal as safe

if TYPE_CHECKING:  # both import the engines, which some who show things here do without
    from tasks.report.fixes import Fix
    from tasks.report.found import RuleGroup
    from tasks.report.summary import RunSummary

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}
LONG = 500
"""Characters of one value that are shown."""
GAP = 2
"""Spaces between two columns."""
FOLDED = 12
"""Characters of a line of a folded value that can be read."""


def page_view(page: Mapping[str, Any], fix_of: Callable[[str], str]) -> RenderableType:
    """A page object: its facts, then its issues with how to fix each; ``fix_of`` answers for a rule id."""
    issues = sorted(page["issues"], key=lambda issue: list(Severity).index(Severity(issue["severity"])))
    head = Text.assemble((safe(page["url"], LONG), "bold"))
    body: list[RenderableType] = [_pairs(_facts(page)), Text("")]
    if issues:
        body += [_counts_line(Severity(issue["severity"]) for issue in issues), *_issues(issues, fix_of)]
    elif page["outcome"] == "completed":
        body.append(Text("no issues", style="green"))
    return Group(head, Text(""), *body)


def _facts(page: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    status = page["status"]
    reason = f" ({page['reason']})" if page["reason"] else ""
    yield "status", f"{status if status is not None else 'no answer'}, {page['outcome']}{reason}"
    for hop in page["redirects"]:
        yield "redirect", f"{hop['status']} {hop['url']} → {hop['location']}"
    if page["final_url"] and page["final_url"] != page["url"]:
        yield "final URL", page["final_url"]
    facts = page["facts"]
    if facts["detail"]:
        yield "detail", facts["detail"]
    if facts["html_length"] is None:
        return
    yield "title", _measured(facts["title"], facts["title_px"])
    yield "description", _measured(facts["meta_description"], facts["description_px"])
    yield "canonical", _joined(facts["canonicals"])
    yield "robots", _joined(_robots(found) for found in facts["robots"])
    yield "h1", _joined(heading["text"] or "(empty)" for heading in facts["headings"] if heading["level"] == 1)
    yield "language", facts["lang"] or "–"
    internal = sum(bool(link["internal"]) for link in facts["links"])
    yield (
        "content",
        (
            f"{plural(facts['word_count'], 'word')}, {plural(len(facts['links']), 'link')} ({internal:,} internal), "
            f"{plural(len(facts['images']), 'image')}, {facts['html_length']:,} bytes of HTML"
        ),
    )
    if facts["cut"]:
        yield "cut", f"more than is kept: {', '.join(facts['cut'])}"
    if page.get("rendered"):
        yield from _rendered(page["rendered"])


def _rendered(seen: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if seen["reason"]:
        yield "rendered", f"not: {seen['reason']}" + (f" ({seen['detail']})" if seen["detail"] else "")
        return
    links = f"{plural(seen['links'], 'link')} ({seen['internal_links']:,} internal)"
    asked = f"{plural(seen['requests'], 'request')}, {seen['kept_back']:,} kept back"
    counts = f"{plural(seen['word_count'], 'word')}, {links}, {plural(seen['images'], 'image')}; {asked}"
    yield "rendered", counts if seen["settled"] else f"{counts}; still busy at the end"
    if seen["led_to"]:
        yield "", f"led on to {seen['led_to']}"
    yield "", f"title {seen['title'] or '–'}"
    for error in seen["errors"][:3]:
        yield "", f"script error: {error}"


def _measured(text: str | None, pixels: int | None) -> str:
    return f"{text} ({len(text)} characters, {pixels or 0} px)" if text else "–"


def _robots(found: Mapping[str, Any]) -> str:
    agent = "" if found["agent"] == "robots" else f"{found['agent']}: "
    return agent + ", ".join(found["directives"])


def _joined(values: Iterable[str | None]) -> str:
    shown = [value for value in values if value]
    more = f" … {len(shown) - 3} more" if len(shown) > 3 else ""  # noqa: PLR2004 - what fits a line
    return " | ".join(shown[:3]) + more if shown else "–"


def _issues(issues: Sequence[Mapping[str, Any]], fix_of: Callable[[str], str]) -> Iterable[RenderableType]:
    fixes_shown: set[str] = set()
    for issue in issues:
        severity = Severity(issue["severity"])
        yield Text.assemble((f"{severity.value:<8}", STYLES[severity]), (issue["rule"], "bold"))
        yield _indented(issue["message"])
        fix = "" if issue["rule"] in fixes_shown else fix_of(issue["rule"])
        fixes_shown.add(issue["rule"])
        if fix:
            yield _indented(f"→ {fix}", "dim")


def _indented(text: str, style: str = "") -> Padding:
    return Padding(Text(safe(text, LONG), style=style), (0, 0, 0, 8), expand=False)


def summary_view(summary: "RunSummary") -> RenderableType:
    """A run's counts, its slowest hosts, its issues by rule and what to fix first."""
    parts: list[RenderableType] = [_pairs(_run_facts(summary)), Text("")]
    if summary.rules:
        table = _table("severity", "rule", ("pages", "right"), ("issues", "right"), "first address")
        for found in summary.rules:
            severity = Text(found.severity.value, style=STYLES[found.severity])
            example = Text(safe(found.example, LONG))
            table.add_row(severity, Text(found.rule), f"{found.pages:,}", f"{found.issues:,}", example)
        parts += [_counts_line_of(summary.severities), table]
    elif summary.pages:
        parts.append(Text("no issues", style="green"))
    if summary.fixes:
        parts += [Text(""), Text("fix first (severity × PageRank × pages)", style="bold"), *_fixes(summary.fixes)]
    return Group(*parts)


def _fixes(fixes: Iterable["Fix"]) -> Iterable[RenderableType]:
    for number, fix in enumerate(fixes, 1):
        share = f"{fix.share:.0%}" if round(fix.share, 2) else "under 1%"
        yield Text.assemble(
            f"{number}. ",
            (fix.rule, STYLES[fix.severity]),
            f" on {plural(fix.pages, 'page')} with {share} of the PageRank, such as {safe(fix.example, LONG)}",
        )
        if fix.how:
            yield Padding(Text(f"→ {fix.how}", style="dim"), (0, 0, 0, 3), expand=False)


def _run_facts(summary: "RunSummary") -> Iterable[tuple[str, str]]:
    run = summary.run
    yield "run", f"{run.run_id} ({run.kind}, {run.state.value})"
    for reason in filter(None, (run.incomplete_reason, run.error)):
        yield "incomplete", reason
    states = ", ".join(f"{count:,} {state.value}" for state, count in summary.states.items())
    cached = f"; {summary.cached:,} of them from an earlier run" if summary.cached else ""
    yield "pages", f"{states or 'none'}{cached}"
    if summary.changes:
        counts = ", ".join(f"{count:,} {change}" for change, count in summary.changes.items())
        only = "; issues of the new, changed and gone ones follow" if summary.changed_only else ""
        yield f"since {run.earlier_run_id}", f"{counts}{only}"
    if summary.score is not None:
        yield "score", f"{summary.score} of 100"
    if summary.statuses:
        yield "HTTP status", ", ".join(f"{status} × {count:,}" for status, count in summary.statuses.items())
    if summary.reasons:
        yield "reasons", ", ".join(f"{reason} × {count:,}" for reason, count in summary.reasons.items())
    for cut in summary.cuts:
        yield "left out", cut
    if summary.wall_seconds is not None:
        rate = f"{run.pages_per_second:,.1f} pages/s, " if run.pages_per_second is not None else ""
        yield "speed", f"{rate}{summary.wall_seconds:,.1f} s wall time"
    if summary.hosts:
        slowest = (f"{found.host} {found.median_ms:,.0f} ms" for found in summary.hosts[:3])
        yield "slowest", f"{', '.join(slowest)} (median time to first byte)"


def groups_view(groups: Sequence["RuleGroup"], command: str = "") -> RenderableType:
    """Issues grouped by rule, each group with its first addresses.

    ``command`` shows more of a rule that is added to it; where it is empty only a file can have them all.
    """
    parts: list[RenderableType] = []
    for group in groups:
        counts = f"{group.issues:,} on {plural(group.pages, 'page')}"
        parts.append(
            Text.assemble((f"{group.severity.value:<8}", STYLES[group.severity]), (group.rule, "bold"), f"  {counts}")
        )
        for url, message in group.examples:
            parts += [
                Padding(Text(safe(url, LONG)), (0, 0, 0, 8), expand=False),
                Padding(Text(safe(message, LONG), "dim"), (0, 0, 0, 10), expand=False),
            ]
        if left := group.issues - len(group.examples):
            how = f"{command} --rule {group.rule}" if command else "--format csv or jsonl writes all"
            parts.append(_indented(f"… {left:,} more: {how}", "dim"))
    return Group(*parts) if parts else Text("no issues", style="green")


def rows_view(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], limit: int, *, whole: Sequence[str] = ()
) -> RenderableType:
    """A table of at most ``limit`` rows; says how to get all where there are more.

    Where the columns have no room beside each other, each row is a list of its values.
    ``whole``: columns whose values stay on one line, however narrow the table.
    """
    first = list(islice(rows, limit + 1))
    more = [Text(f"only the first {limit} rows: --format csv or jsonl writes all", style="dim")]
    cells = [[safe("–" if value is None else str(value), LONG) for value in row] for row in first[:limit]]
    return Group(_Rows(columns, cells, whole), *(more if len(first) > limit else ()))


@dataclass(frozen=True, slots=True)
class _Rows:
    columns: Sequence[str]
    cells: Sequence[Sequence[str]]
    whole: Sequence[str]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        if self._least_width() <= options.max_width:
            yield self._as_table()
            return
        for number, row in enumerate(self.cells):
            yield from [Text("")] if number else []
            yield _pairs(zip(self.columns, row, strict=True))
        yield from [] if self.cells else [Text("no rows", style="dim")]

    def _least_width(self) -> int:
        """Characters of a line that leave ``FOLDED`` to each column of longer values, and room for its heading."""
        widths = [cell_len(safe(name)) for name in self.columns]
        for row in self.cells:
            for number, (name, value) in enumerate(zip(self.columns, row, strict=True)):
                length = cell_len(value) if name in self.whole else min(cell_len(value), FOLDED)
                widths[number] = max(widths[number], length)
        return sum(widths) + GAP * (len(widths) - 1)

    def _as_table(self) -> Table:
        table = _table(*self.columns)
        for column, name in zip(table.columns, self.columns, strict=True):
            column.no_wrap = name in self.whole
        for row in self.cells:
            table.add_row(*map(Text, row))
        return table


def _table(*columns: str | tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for column in columns:
        name, justify = column if isinstance(column, tuple) else (column, "left")
        table.add_column(Text(safe(name)), justify="right" if justify == "right" else "left", overflow="fold")
    return table


def _pairs(pairs: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, Text(safe(value, LONG)))
    return table


def _counts_line(severities: Iterable[Severity]) -> Text:
    found = list(severities)
    return _counts_line_of({severity: found.count(severity) for severity in Severity})


def _counts_line_of(counts: Mapping[Severity, int]) -> Text:
    words = [
        Text(plural(counts[severity], severity.value), STYLES[severity])
        for severity in Severity
        if counts.get(severity)
    ]
    return Text(", ").join(words)


def plural(count: int, noun: str) -> str:
    """``1 page``, ``2,000 pages``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
