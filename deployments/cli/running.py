"""Runs a flow in this process for a command, and tells how it ended."""

import asyncio
import csv
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import aget_state_exception

from deployments.cli.leaving import Ending
from deployments.cli.lifeline import PrefectGone, check_api
from deployments.cli.local_server import LocalServer
from deployments.cli.notes import warnings_to
from deployments.cli.options import data_option
from deployments.cli.supervising import Flowing, Watch, kill_pool, supervised
from deployments.cli.wishes import AS_BEFORE, CrawlOptions, NewLimits, RunOptions
from flows.batch_scan import batch_scan
from flows.crawl_site import crawl_site
from flows.scan_page import scan_page as scan_page_flow
from tasks.errors import InputError, SeoScanError, UnknownRun
from tasks.report.next_steps import fetched_pages, goes_on
from tasks.scan.memory import collect_rarely, give_memory_back
from tasks.scan.pool_task import process_pool
from tasks.scan.settings import ScanOptions
from tasks.scan.task import load_settings
from tasks.store import Limits, Run, RunState, Store, new_run_id
from tasks.store.runs import check_whole
from tasks.store.sweeping import LISTS_FOLDER
from tasks.urls import host_port, nameable, parse


class PipelineFailed(SeoScanError):
    """The flow itself failed; pages that were committed are kept."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended.

    Attributes:
        resume_command: where it can be continued.
        failure: what went wrong after the run itself was complete.
    """

    run: Run
    resume_command: str | None
    resumed: bool
    failure: str = ""


def scan_page(url: str, options: RunOptions, watch: Watch) -> Finished:
    """Scans one page that a person named: its host:port is allowed by that.

    Raises:
        StoreError: the data folder cannot be used.
    """
    Store.open(options.data).close()
    typed = parse(url)
    allowed = options.for_flow().model_copy(update={"allow": (*options.allow, host_port(typed))})
    run_id = new_run_id()

    async def flow() -> State[Any]:
        state: State[Any] = await scan_page_flow.with_options(timeout_seconds=options.timeout)(
            typed,
            options.project_id,
            options.user_id,
            run_id=run_id,
            analyze=options.analyze != "none",
            options=allowed,
            return_state=True,
        )
        return state

    return _run(flow, run_id, options, watch, resumed=False)


def scan_batch(urls: Sequence[str], options: RunOptions, watch: Watch) -> Finished:
    """Scans a list of any length; continues the unfinished run of the same list where there is one.

    Raises:
        StoreError: the data folder cannot be used.
    """
    Store.open(options.data).close()
    wishes = options.for_flow()

    async def prepared() -> tuple[str, bool]:
        settings = await load_settings(wishes)
        batch_id = settings.batch_id(options.project_id, _keyable(urls))
        with Store.open(options.data) as store:
            unfinished = _left_alone(store, batch_id)
        if unfinished is not None:
            watch.note(f"continuing run {unfinished.run_id}, unfinished since {unfinished.started_at:%Y-%m-%d %H:%M}")
            return unfinished.run_id, True
        return new_run_id(), False

    _wait_for_server(watch)
    run_id, resumed = _loop_run(prepared())
    with _saved_list(options.data, run_id, urls) as listed:
        return _run(lambda: _batch(options, wishes, run_id, listed), run_id, options, watch, resumed=resumed)


def resume(run_id: str | None, options: RunOptions, watch: Watch, wanted: NewLimits = AS_BEFORE) -> Finished:
    """Continues an unfinished run, the newest where none is named, or a crawl that ended at a limit.

    Raises:
        UnknownRun: there is none.
        InputError: it is finished, was pruned, ended at a limit that is not raised, is still being worked on, or has as
            many pages as it may now have.
    """
    with Store.open(options.data) as store:
        run = store.get_run(run_id) if run_id else _newest_unfinished(store)
        check_whole(run)
        limits = wanted.instead_of(run.limits)
        if wanted != AS_BEFORE and run.kind != "crawl":
            raise InputError(f"run {run.run_id} is a {run.kind}: only crawls have limits of pages, depth and time")
        if options.timeout is not None and run.kind == "crawl":
            raise InputError(f"run {run.run_id} is a crawl: write --time-budget instead of --timeout")
        if options.shards is not None and run.kind != "batch":
            raise InputError(f"run {run.run_id} is a {run.kind}: only batches are divided into shards")
        _refuse_low_limit(wanted, fetched_pages(store.progress(run.run_id)))
        if run.state == RunState.COMPLETED:
            _refuse_finished(store, run, limits, data_option(options.data))
        if driver := store.driver_of(run.run_id):
            ends_it = f"`seo cancel {run.run_id}{data_option(options.data)}`"
            raise InputError(f"run {run.run_id} is being worked on by {driver}: {ends_it} ends it")
        only = store.targets_of(run.run_id)[0].url if run.kind == "scan" else ""
    wishes = options.for_flow()

    async def page() -> State[Any]:
        state: State[Any] = await scan_page_flow.with_options(timeout_seconds=options.timeout)(
            only, run.project_id, run.user_id, run_id=run.run_id, options=wishes, return_state=True
        )
        return state

    if run.kind == "crawl":
        rules = CrawlOptions(
            start_url=run.start_url or "",
            max_pages=limits.max_pages,
            max_depth=limits.max_depth,
            time_budget=wanted.time_budget,
        )
        return _run(lambda: _crawl(rules, options, wishes, run.run_id), run.run_id, options, watch, resumed=True)
    flow = page if only else lambda: _batch(options, wishes, run.run_id, None)
    return _run(flow, run.run_id, options, watch, resumed=True)


def _refuse_low_limit(wanted: NewLimits, fetched: int) -> None:
    if wanted.max_pages and wanted.max_pages <= fetched:
        done = "1 page is done" if fetched == 1 else f"{fetched:,} pages are done"
        raise InputError(f"--max-pages {wanted.max_pages}: {done}: write more than {fetched:,}, or 0 for no limit")


def _refuse_finished(store: Store, run: Run, limits: Limits, place: str) -> None:
    """Raises InputError where nothing is left to do within ``limits``."""
    if run.kind != "crawl" or not run.incomplete:
        raise InputError(f"run {run.run_id} is complete: `seo issues {run.run_id}` shows what it found")
    work = store.open_work(run.run_id)
    if limits == run.limits and work.over and not work.put_off:
        command = goes_on(run, store.progress(run.run_id))
        how = f"`{command}{place}` goes on" if command else "a crawl with --follow-traps fetches those, too"
        raise InputError(f"run {run.run_id} is done within its limits ({run.incomplete_reason}): {how}")


def crawl(rules: CrawlOptions, options: RunOptions, watch: Watch) -> Finished:
    """Crawls a site; continues the unfinished crawl of the same command where there is one."""
    start = parse(rules.start_url)
    wishes = options.for_flow().model_copy(update={"allow": (*options.allow, host_port(start))})

    async def prepared() -> tuple[str, bool]:
        settings = (await load_settings(wishes)).model_copy(update={"crawl": rules.for_flow(options.project_id)})
        with Store.open(options.data) as store:
            unfinished = _left_alone(store, settings.crawl_id())
        if unfinished is not None:
            watch.note(f"continuing run {unfinished.run_id}, unfinished since {unfinished.started_at:%Y-%m-%d %H:%M}")
            return unfinished.run_id, True
        return new_run_id(), False

    _wait_for_server(watch)
    run_id, resumed = _loop_run(prepared())
    return _run(lambda: _crawl(rules, options, wishes, run_id), run_id, options, watch, resumed=resumed)


async def _crawl(rules: CrawlOptions, options: RunOptions, wishes: ScanOptions, run_id: str) -> State[Any]:
    flow = crawl_site
    if options.workers:
        flow = flow.with_options(task_runner=process_pool(options.workers))
    state: State[Any] = await flow(
        start_url=rules.start_url,
        project_id=options.project_id,
        user_id=options.user_id,
        scope=rules.scope,
        max_pages=rules.max_pages,
        max_depth=rules.max_depth,
        include=list(rules.include),
        exclude=list(rules.exclude),
        sitemaps=rules.sitemaps,
        obey_robots=rules.obey_robots,
        cut_traps=rules.cut_traps,
        check=list(rules.check),
        time_budget=rules.time_budget,
        changed_only=rules.changed_only,
        run_id=run_id,
        analyze=options.analyze,
        options=wishes,
        return_state=True,
    )
    return state


async def _batch(options: RunOptions, wishes: ScanOptions, run_id: str, listed: str | None) -> State[Any]:
    flow = batch_scan.with_options(timeout_seconds=options.timeout)
    if options.workers:
        flow = flow.with_options(task_runner=process_pool(options.workers))
    state: State[Any] = await flow(
        project_id=options.project_id,
        user_id=options.user_id,
        urls_file=listed,
        run_id=run_id,
        analyze=options.analyze,
        shards=options.shards,
        options=wishes,
        return_state=True,
    )
    return state


def _newest_unfinished(store: Store) -> Run:
    for run in store.list_runs(1000):
        ended = run.is_pruned or run.state in {RunState.COMPLETED, RunState.CANCELLED}
        if not ended and not store.driver_of(run.run_id):
            return run
    raise UnknownRun("no unfinished run in this data folder that nobody works on: `seo runs` lists all")


def _left_alone(store: Store, batch_id: str) -> Run | None:
    """The unfinished run of the batch, where nobody works on it."""
    run = store.find_unfinished(batch_id)
    return None if run is None or store.driver_of(run.run_id) else run


def _keyable(urls: Sequence[str]) -> Iterator[str]:
    for url in urls:
        try:
            yield parse(url)
        except InputError:
            yield nameable(url)


@contextmanager
def _saved_list(data: Path, run_id: str, urls: Sequence[str]) -> Iterator[str]:
    """A file of the list while its run is under way: long ones never travel as a parameter."""
    folder = data / LISTS_FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{run_id}.csv"
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("url",), *((url,) for url in urls)])
        yield str(path.resolve())
    finally:
        path.unlink(missing_ok=True)


def _wait_for_server(watch: Watch) -> None:
    server = LocalServer.current
    if server is None:
        _loop_run(check_api())
    elif not server.ready:
        watch.note("starting a temporary Prefect server")
        server.wait()


def _loop_run(work: Coroutine[Any, Any, Any]) -> Any:
    give_memory_back()
    collect_rarely()
    with ExitStack() as closing:
        runner = closing.enter_context(asyncio.Runner(loop_factory=_loop_factory()))
        try:
            return runner.run(work)
        except PrefectGone:
            closing.pop_all()  # the loop would be closed when all has ended that waits for the server
            Ending.at_once = True
            kill_pool()
            raise


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.new_event_loop


def _run(flow: Flowing, run_id: str, options: RunOptions, watch: Watch, *, resumed: bool) -> Finished:
    _wait_for_server(watch)
    state: State[Any] | None = None
    gone: PrefectGone | None = None
    with warnings_to(watch):
        try:
            state = _loop_run(supervised(flow, run_id, options.data, watch))
        except PrefectGone as error:
            gone = error
    with Store.open(options.data) as store:
        run = store.get_run(run_id) if store.has_run(run_id) else None
        if run is not None and gone is not None and run.state != RunState.COMPLETED:
            ended = RunState.INTERRUPTED if gone.stopped else RunState.FAILED
            run = store.finish_run(run_id, run.epoch, ended, error=str(gone))
    if run is None:
        if gone is not None:
            raise gone
        if state is None:
            raise KeyboardInterrupt
        failure = _loop_run(aget_state_exception(state)) if state.is_failed() else None
        if isinstance(failure, InputError):
            raise failure
        raise PipelineFailed(state.message or f"the flow ended as {state.name}")
    if run.state == RunState.COMPLETED:  # where a limit ended it, its summary says how to go on
        return Finished(run, None, resumed, failure=str(gone or ""))
    return Finished(run, f"seo resume {run_id}{data_option(options.data)}", resumed)
