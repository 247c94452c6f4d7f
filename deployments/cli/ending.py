"""From a run to what its command prints and how it exits."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.cli import screen
from deployments.cli.exits import Exit, exit_of, nothing_reached
from deployments.cli.options import RunShown, data_option
from deployments.cli.watching import watch

if TYPE_CHECKING:
    from deployments.cli.running import Finished
    from deployments.cli.supervising import Watch
    from tasks.model import Severity
    from tasks.store import Progress, Run, Store


def watched(work: Callable[["Watch"], "Finished"], data: Path, shown: RunShown, *, changed_only: bool = False) -> Exit:
    """Does ``work`` under a display, then shows the run it was."""
    with watch() as display:
        finished = work(display)
    return show(finished, data, shown, changed_only=changed_only)


def show(finished: "Finished", data: Path, shown: RunShown, *, changed_only: bool = False) -> Exit:
    """Writes the run's pages to stdout as ``shown`` says, and how it ended to stderr.

    ``changed_only`` leaves out pages that did not change since the last crawl: from what is shown, and from the
    issues that count.
    """
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        run, progress = finished.run, store.progress(finished.run.run_id)
        if shown.format == "table":
            commands = _for_people(store, run, progress, changed_only=changed_only)
        else:
            commands = _for_programs(store, run, shown, changed_only=changed_only)
        if changed_only:
            if run.earlier_run_id is None:
                screen.say("no earlier crawl from here in this data folder: all pages are new")
            progress = replace(progress, issues=_issues_of_changed(run.run_id, data))
    sys.stdout.flush()
    _tell_end(finished, progress, commands, data_option(data))
    return Exit.FAILED if finished.failure else exit_of(run, progress, shown.fail_on)


def _issues_of_changed(run_id: str, data: Path) -> "dict[Severity, int]":
    from tasks.report.found import Wanted, issue_counts  # noqa: PLC0415 - imports the engines

    return issue_counts(Wanted(run_id=run_id, changed=True), data)


def _for_people(store: "Store", run: "Run", progress: "Progress", *, changed_only: bool) -> Sequence[str]:
    """Prints the run and what is advised; returns the commands to look into it."""
    from deployments.cli.advice import beside_issues, best_view  # noqa: PLC0415 - imports the engines
    from deployments.cli.rules import fix_of  # noqa: PLC0415 - imports every rule
    from tasks.report.next_steps import ADVICE, next_commands  # noqa: PLC0415 - imports the engines
    from tasks.report.summary import summarise  # noqa: PLC0415 - imports the engines
    from tasks.report.terminal import page_view, summary_view  # noqa: PLC0415

    console = screen.out()
    advice = store.recommendations.of_run(run.run_id)
    if run.kind == "scan" and progress.total == 1:
        console.print(page_view(next(store.iter_page_objects(run.run_id)), fix_of), *beside_issues(advice), sep="\n")
        return ()
    summary = summarise(run.run_id, store.path, changed_only=changed_only)
    console.print(summary_view(summary))
    commands = next_commands(run, summary.fixes, changed_only=changed_only)
    if advice:
        console.print("", best_view(advice), sep="\n")
        return (*commands, ADVICE.format(run.run_id))
    return commands


def _for_programs(store: "Store", run: "Run", shown: RunShown, *, changed_only: bool) -> Sequence[str]:
    """Writes the run's pages; returns the commands to look into it."""
    from tasks.report.formats import PAGE_COLUMNS, page_row, write  # noqa: PLC0415
    from tasks.report.found import pages_changed  # noqa: PLC0415 - imports the engines
    from tasks.report.next_steps import next_commands  # noqa: PLC0415

    pages = store.iter_page_objects(run.run_id, all_results=shown.all_results)
    if changed_only:
        wanted = pages_changed(run.run_id, store.path)
        pages = (page for page in pages if page["page_id"] in wanted)
    if shown.format == "csv":
        write(map(page_row, pages), "csv", sys.stdout, tuple(PAGE_COLUMNS))
    elif shown.format != "table":
        write(pages, shown.format, sys.stdout)
    return next_commands(run)


def _tell_end(finished: "Finished", progress: "Progress", commands: Sequence[str], place: str) -> None:
    from tasks.report.next_steps import goes_on  # noqa: PLC0415 - imports the engines

    run = finished.run
    screen.say(_last_line(run, progress))
    if command := goes_on(run, progress):
        screen.say(f"incomplete: {run.incomplete_reason}. Go on with: {command}{place}")
    if finished.resume_command:
        screen.say(f"{_why(run)}; what is done is kept. Continue with: {finished.resume_command}")
    elif finished.failure:
        screen.say(
            f"the run is complete, but {finished.failure}: its summary there, advice and notifications may be missing"
        )
    elif nothing_reached(progress):
        reasons = ", ".join(f"{reason} × {count:,}" for reason, count in progress.by_reason.items())
        screen.say(f"nothing reachable: {reasons}")
    if progress.total > 1 and run.state == "completed":
        for command in commands:
            screen.say(f"  {command}{place}")


def _why(run: "Run") -> str:
    return f"{run.state.value}: {run.error or run.incomplete_reason or 'pages are left'}"


def _last_line(run: "Run", progress: "Progress") -> str:
    words = [f"{progress.done:,}/{progress.total:,} pages"]
    if progress.linked:
        words.append(f"{progress.linked:,} cached")
    if progress.not_modified:
        words.append(f"{progress.not_modified:,} not modified")
    if progress.failed + progress.quarantined:
        words.append(f"{progress.failed + progress.quarantined:,} failed")
    if run.pages_per_second is not None:
        words.append(f"{run.pages_per_second:,.1f} pages/s")
    if run.finished_at:
        words.append(f"{(run.finished_at - run.started_at).total_seconds():.1f} s wall time")
    return f"run {run.run_id} {run.state.value}: {', '.join(words)}"
