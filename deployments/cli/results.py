"""Commands that only read: ``issues``, ``page``, ``runs``, ``sql``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from deployments.cli import screen
from deployments.cli.choosing import known_page, known_run
from deployments.cli.leaving import ended_by_ctrl_c
from deployments.cli.options import PLACE, SHOWN, Place, Shown, at_least, data_option
from tasks.errors import InputError
from tasks.model import Severity
from tasks.urls import printable

if TYPE_CHECKING:
    from tasks.store import Run

EXAMPLES = 3
EXAMPLES_OF_ONE = 1000
ROWS_IN_TABLE = 1000
RUN_COLUMNS = (
    "run_id",
    "kind",
    "state",
    "project_id",
    "total",
    "linked",
    "not_modified",
    "started_at",
    "finished_at",
    "pages_per_second",
    "incomplete_reason",
    "error",
)
STARTED = "started (UTC)"
SHOWN_OF_RUNS = ("run", "kind", "state", "pages", "cached", "pages/s", STARTED)
LEFT_OUT_WHERE_NARROW = {"cached", "pages/s"}
WIDE = 100
"""Characters of a line that all columns of runs take."""


def issues(
    run: Annotated[str | None, Parameter(help="Run id, or how it begins. [default: the newest run]")] = None,
    /,
    *,
    rule: Annotated[str | None, Parameter(help="Only of this rule, with its first 1,000 addresses.")] = None,
    severity: Annotated[Severity | None, Parameter(help="Only of this severity.")] = None,
    url: Annotated[str | None, Parameter(help="Only on this page.")] = None,
    changed: Annotated[
        bool,
        Parameter(
            negative=(), show_default=False, help="Only on pages new, changed or gone since the last crawl of the site."
        ),
    ] = False,
    place: Place = PLACE,
    shown: Shown = SHOWN,
) -> int:
    """Show a run's issues, grouped by rule."""
    data = place.existing()
    found = known_run(data, run)
    if rule is not None:
        from tasks.audit.registry import find_rule  # noqa: PLC0415 - imports every rule

        find_rule(rule)
    from tasks.report.found import ISSUE_COLUMNS, Wanted, issue_groups, issue_rows  # noqa: PLC0415

    page = known_page(data, url, found.run_id)[1] if url else None
    wanted = Wanted(run_id=found.run_id, rule=rule, severity=severity, url=page, changed=changed)
    if shown.format != "table":
        from tasks.report.formats import write  # noqa: PLC0415 - not for tables

        write(issue_rows(wanted, data), shown.format, sys.stdout, ISSUE_COLUMNS)
        return 0
    from tasks.report.terminal import groups_view  # noqa: PLC0415

    screen.say(f"run {found.run_id} ({_state(found)}: {_pages_done(found.run_id, data)})")
    if rule or url:
        screen.out().print(groups_view(issue_groups(wanted, data, EXAMPLES_OF_ONE)))
    else:
        command = f"seo issues {found.run_id}{data_option(data)}{' --changed' if changed else ''}"
        screen.out().print(groups_view(issue_groups(wanted, data, EXAMPLES), command))
    return 0


def _pages_done(run_id: str, data: Path) -> str:
    from tasks.report.terminal import plural  # noqa: PLC0415
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        progress = store.progress(run_id)
    pages = plural(progress.total, "page")
    return pages if progress.done == progress.total else f"{progress.done:,} of {pages}"


def page(
    url: Annotated[str, Parameter(help="Address as it was scanned.")],
    /,
    *,
    run: Annotated[str | None, Parameter(help="As this run saw it. [default: the newest scan]")] = None,
    html: Annotated[bool, Parameter(negative=(), show_default=False, help="Print the stored source instead.")] = False,
    all_results: Annotated[
        bool, Parameter(negative=(), show_default=False, help="In json and jsonl, what every rule said.")
    ] = False,
    place: Place = PLACE,
    shown: Shown = SHOWN,
) -> int:
    """Show what is stored of a page."""
    data = place.existing()
    run_id, address = known_page(data, url, known_run(data, run).run_id if run else None)
    if html:
        _print_source(data, run_id, address)
        return 0
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        found = store.page_object(run_id, address, all_results=all_results)
        advice = store.recommendations.of_page(found["page_id"], run_id if run else None)
    if shown.format == "table":
        from deployments.cli.advice import beside_issues  # noqa: PLC0415 - imports the engines
        from deployments.cli.rules import fix_of  # noqa: PLC0415 - imports every rule
        from tasks.report.terminal import page_view  # noqa: PLC0415

        screen.out().print(page_view(found, fix_of), *beside_issues(advice), sep="\n")
        return 0
    from tasks.report.formats import PAGE_COLUMNS, page_row, write  # noqa: PLC0415

    row = page_row(found) if shown.format == "csv" else found
    write([row], shown.format, sys.stdout, tuple(PAGE_COLUMNS))
    return 0


def runs(
    *,
    limit: Annotated[int, Parameter(validator=at_least(1), help="How many, newest first.")] = 20,
    place: Place = PLACE,
    shown: Shown = SHOWN,
) -> int:
    """List the runs."""
    data = place.existing()
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        found = store.list_runs(limit)
    if shown.format != "table":
        from tasks.report.formats import write  # noqa: PLC0415 - not for tables

        write(
            ({name: getattr(run, name) for name in RUN_COLUMNS} for run in found), shown.format, sys.stdout, RUN_COLUMNS
        )
        return 0
    from tasks.report.terminal import rows_view  # noqa: PLC0415

    console = screen.out()
    columns = [name for name in SHOWN_OF_RUNS if console.width >= WIDE or name not in LEFT_OUT_WHERE_NARROW]
    rows = [[cells[name] for name in columns] for cells in map(_run_cells, found)]
    console.print(rows_view(columns, rows, limit, whole=("run", STARTED)))
    return 0


def _run_cells(run: "Run") -> dict[str, str | None]:
    values = (
        run.run_id,
        run.kind,
        _state(run),
        f"{run.total:,}",
        f"{run.linked:,}",
        None if run.pages_per_second is None else f"{run.pages_per_second:,.1f}",
        f"{run.started_at:%Y-%m-%d %H:%M:%S}",
    )
    return dict(zip(SHOWN_OF_RUNS, values, strict=True))


def _state(run: "Run") -> str:
    return f"{run.state.value}, incomplete" if run.incomplete else run.state.value


def sql(
    query: Annotated[str, Parameter(help="One SELECT on pages, issues, links, images, redirects, runs, …")],
    /,
    *,
    place: Place = PLACE,
    shown: Shown = SHOWN,
) -> int:
    """Ask the results in SQL (DuckDB); nothing can be changed.

    `seo sql "SHOW TABLES"` and `seo sql "DESCRIBE pages"` tell what there is.
    """
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(place.existing()) as store, ended_by_ctrl_c():
        answer = store.sql(query)
        if shown.format == "table":
            from tasks.report.terminal import rows_view  # noqa: PLC0415

            screen.out().print(rows_view(answer.columns, answer.rows, ROWS_IN_TABLE))
            return 0
        from tasks.report.formats import write  # noqa: PLC0415 - not for tables

        rows = (dict(zip(answer.columns, row, strict=True)) for row in answer.rows)
        write(rows, shown.format, sys.stdout, answer.columns)
    return 0


def _print_source(data: Path, run_id: str, address: str) -> None:
    from tasks.store import connect  # noqa: PLC0415 - imports the engines

    with connect(data, ("html",), [run_id]) as facts:
        row = facts.execute(
            "SELECT body, encoding FROM html WHERE run_id = ? AND url = ?", [run_id, address]
        ).fetchone()
    if row is None:
        raise InputError(
            f"run {run_id} keeps no source of {printable(address)}: it was no HTML, or --no-html was given"
        )
    body, encoding = row
    if sys.stdout.isatty():
        from tasks.fetch.charset import text_of  # noqa: PLC0415 - not for what only reads facts
        from tasks.report.escape import harmless  # noqa: PLC0415

        for line in text_of(body, encoding or "utf-8").splitlines():
            screen.line(harmless(line))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(body)
