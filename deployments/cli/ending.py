"""From a run to what its command prints and how it exits."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.cli import screen
from deployments.cli.exits import Exit, exit_of, nothing_reached
from deployments.cli.options import Place, RunShown
from deployments.cli.watching import watch

if TYPE_CHECKING:
    from deployments.cli.running import Finished, Watch
    from tasks.store import Progress, Run, Store


def watched(work: Callable[["Watch"], "Finished"], data: Path, shown: RunShown) -> Exit:
    """Does ``work`` under a display, then shows the run it was."""
    with watch() as display:
        finished = work(display)
    return show(finished, data, shown)


def show(finished: "Finished", data: Path, shown: RunShown) -> Exit:
    """Writes the run's pages to stdout as ``shown`` says, and how it ended to stderr."""
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        run, progress = finished.run, store.progress(finished.run.run_id)
        if shown.format == "table":
            _for_people(store, run, progress)
        else:
            _for_programs(store, run, shown)
    sys.stdout.flush()
    _tell_end(finished, progress, data)
    return exit_of(run, progress, shown.fail_on)


def _for_people(store: "Store", run: "Run", progress: "Progress") -> None:
    from deployments.cli.rules import fix_of  # noqa: PLC0415 - imports every rule
    from tasks.report.summary import summarise  # noqa: PLC0415 - imports the engines
    from tasks.report.terminal import page_view, summary_view  # noqa: PLC0415

    console = screen.out()
    if run.kind == "scan" and progress.total == 1:
        console.print(page_view(next(store.iter_page_objects(run.run_id)), fix_of))
    else:
        console.print(summary_view(summarise(run.run_id, store.path)))


def _for_programs(store: "Store", run: "Run", shown: RunShown) -> None:
    from tasks.report.formats import PAGE_COLUMNS, page_row, write  # noqa: PLC0415

    pages = store.iter_page_objects(run.run_id, all_results=shown.all_results)
    if shown.format == "csv":
        write(map(page_row, pages), "csv", sys.stdout, tuple(PAGE_COLUMNS))
    elif shown.format != "table":
        write(pages, shown.format, sys.stdout)


def _tell_end(finished: "Finished", progress: "Progress", data: Path) -> None:
    run = finished.run
    screen.say(_last_line(run, progress))
    if finished.resume_command:
        screen.say(f"{_why(run)}; what is done is kept. Continue with: {finished.resume_command}")
    elif nothing_reached(progress):
        reasons = ", ".join(f"{reason} × {count:,}" for reason, count in progress.by_reason.items())
        screen.say(f"nothing reachable: {reasons}")
    if progress.total > 1 and run.state == "completed":
        for command in ("issues", "page URL", 'sql "SELECT url, title FROM pages"'):
            screen.say(f"  seo {command}{data_option(data)}")


def data_option(data: Path) -> str:
    """What a further command needs to find ``data``."""
    return "" if data == Place().folder else f" --data {shlex.quote(str(data))}"


def _why(run: "Run") -> str:
    return f"{run.state.value}: {run.error or run.incomplete_reason or 'pages are left'}"


def _last_line(run: "Run", progress: "Progress") -> str:
    words = [f"{progress.done:,}/{progress.total:,} pages"]
    if progress.linked:
        words.append(f"{progress.linked:,} cached")
    if progress.failed + progress.quarantined:
        words.append(f"{progress.failed + progress.quarantined:,} failed")
    if run.pages_per_second is not None:
        words.append(f"{run.pages_per_second:,.1f} pages/s")
    if run.finished_at:
        words.append(f"{(run.finished_at - run.started_at).total_seconds():.1f} s wall time")
    return f"run {run.run_id} {run.state.value}: {', '.join(words)}"
