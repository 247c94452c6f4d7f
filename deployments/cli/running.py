"""Runs a flow in this process for a command: watches its progress, stops it on Ctrl-C, tells how it ended."""

import asyncio
import csv
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import aget_state_exception

from deployments.cli.local_server import LocalServer
from deployments.cli.notes import warnings_to
from deployments.cli.options import data_option
from deployments.cli.owner import is_alive
from deployments.cli.wishes import AS_BEFORE, CrawlOptions, NewLimits, RunOptions
from flows.batch_scan import batch_scan
from flows.crawl_site import crawl_site
from flows.scan_page import scan_page as scan_page_flow
from tasks.errors import InputError, SeoScanError, UnknownRun
from tasks.report.next_steps import goes_on
from tasks.report.phase import phase_of
from tasks.scan.memory import collect_rarely, give_memory_back
from tasks.scan.pool_task import process_pool
from tasks.scan.settings import ScanOptions
from tasks.scan.task import load_settings
from tasks.store import Limits, Progress, Run, RunState, Store, new_run_id
from tasks.urls import host_port, nameable, parse

LOOK_EVERY = 1.0


class PipelineFailed(SeoScanError):
    """The flow itself failed; pages that were committed are kept."""


class PrefectUnreachable(InputError):
    """The Prefect API that is configured does not answer."""


class Watch(Protocol):
    """Who is shown what goes on."""

    def started(self, run: Run) -> None: ...

    def progress(self, progress: Progress, phase: str = "") -> None: ...

    def note(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended; ``resume_command`` where it can be continued."""

    run: Run
    resume_command: str | None
    resumed: bool


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

    async def prepared() -> tuple[str, bool, str]:
        settings = await load_settings(wishes)
        batch_id = settings.batch_id(options.project_id, _keyable(urls))
        with Store.open(options.data) as store:
            unfinished = store.find_unfinished(batch_id)
            listed = _save_list(store.path, batch_id, urls)
        if unfinished is not None and not is_alive(unfinished):
            watch.note(f"continuing run {unfinished.run_id}, unfinished since {unfinished.started_at:%Y-%m-%d %H:%M}")
            return unfinished.run_id, True, listed
        return new_run_id(), False, listed

    _wait_for_server(watch)
    run_id, resumed, listed = _loop_run(prepared())
    return _run(lambda: _batch(options, wishes, run_id, listed), run_id, options, watch, resumed=resumed)


def resume(run_id: str | None, options: RunOptions, watch: Watch, wanted: NewLimits = AS_BEFORE) -> Finished:
    """Continues an unfinished run, the newest where none is named, or a crawl that ended at a limit.

    Raises:
        UnknownRun: there is none.
        InputError: it is finished, ended at a limit that is not raised, or is still being worked on.
    """
    with Store.open(options.data) as store:
        run = store.get_run(run_id) if run_id else _newest_unfinished(store)
        limits = wanted.instead_of(run.limits)
        if wanted != AS_BEFORE and run.kind != "crawl":
            raise InputError(f"run {run.run_id} is a {run.kind}: only crawls have limits of pages, depth and time")
        if run.state == RunState.COMPLETED:
            _refuse_finished(store, run, limits, data_option(options.data))
        if is_alive(run):
            raise InputError(f"run {run.run_id} is being worked on by process {run.parent_pid}: stop that one first")
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


def _refuse_finished(store: Store, run: Run, limits: Limits, place: str) -> None:
    """Raises InputError where nothing is left to do within ``limits``."""
    if run.kind != "crawl" or not run.incomplete:
        raise InputError(f"run {run.run_id} is complete: `seo issues {run.run_id}` shows what it found")
    work = store.open_work(run.run_id)
    if limits == run.limits and work.over and not work.put_off:
        command = goes_on(run, store.progress(run.run_id))
        raise InputError(
            f"run {run.run_id} is done within its limits ({run.incomplete_reason}): `{command}{place}` goes on"
        )


def crawl(rules: CrawlOptions, options: RunOptions, watch: Watch) -> Finished:
    """Crawls a site; continues the unfinished crawl of the same command where there is one."""
    start = parse(rules.start_url)
    wishes = options.for_flow().model_copy(update={"allow": (*options.allow, host_port(start))})

    async def prepared() -> tuple[str, bool]:
        settings = (await load_settings(wishes)).model_copy(update={"crawl": rules.for_flow(options.project_id)})
        with Store.open(options.data) as store:
            unfinished = store.find_unfinished(settings.crawl_id())
        if unfinished is not None and not is_alive(unfinished):
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
        options=wishes,
        return_state=True,
    )
    return state


def _newest_unfinished(store: Store) -> Run:
    for run in store.list_runs(1000):
        if run.state not in {RunState.COMPLETED, RunState.CANCELLED} and not is_alive(run):
            return run
    raise UnknownRun("no unfinished run in this data folder: `seo runs` lists all")


def _keyable(urls: Sequence[str]) -> Iterator[str]:
    for url in urls:
        try:
            yield parse(url)
        except InputError:
            yield nameable(url)


def _save_list(data: Path, batch_id: str, urls: Sequence[str]) -> str:
    """Long lists never travel as a parameter."""
    folder = data / "lists"
    folder.mkdir(exist_ok=True)
    path = folder / f"{batch_id}.csv"
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    with beside.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("url",), *((url,) for url in urls)])
    beside.replace(path)
    return str(path.resolve())


def _wait_for_server(watch: Watch) -> None:
    server = LocalServer.current
    if server is None:
        _loop_run(check_api())
    elif not server.ready:
        watch.note("starting a temporary Prefect server")
        server.wait()


async def check_api() -> None:
    """Raises PrefectUnreachable where the configured API does not answer."""
    async with get_client() as client:
        error = await client.api_healthcheck()
    if error is not None:
        raise PrefectUnreachable(
            f"Prefect's API at {nameable(str(client.api_url))} does not answer ({error}): start it, or unset "
            "PREFECT_API_URL to have a temporary one"
        )


def _loop_run(work: Coroutine[Any, Any, Any]) -> Any:
    give_memory_back()
    collect_rarely()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.new_event_loop


Flowing = Callable[[], Coroutine[Any, Any, State[Any]]]


def _run(flow: Flowing, run_id: str, options: RunOptions, watch: Watch, *, resumed: bool) -> Finished:
    _wait_for_server(watch)
    with warnings_to(watch):
        state: State[Any] | None = _loop_run(_watched(flow, run_id, options, watch))
    with Store.open(options.data) as store:
        run = store.get_run(run_id) if store.has_run(run_id) else None
    if run is None:
        if state is None:
            raise KeyboardInterrupt
        failure = _loop_run(aget_state_exception(state)) if state.is_failed() else None
        if isinstance(failure, InputError):
            raise failure
        raise PipelineFailed(state.message or f"the flow ended as {state.name}")
    if run.state == RunState.COMPLETED:  # where a limit ended it, its summary says how to go on
        return Finished(run, None, resumed)
    return Finished(run, f"seo resume {run_id}{data_option(options.data)}", resumed)


async def _watched(flow: Flowing, run_id: str, options: RunOptions, watch: Watch) -> State[Any] | None:
    """The flow's final state; None where it was cancelled by Ctrl-C."""
    running = asyncio.ensure_future(flow())
    loop = asyncio.get_running_loop()
    interrupts = 0

    def interrupt() -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts == 1:
            watch.note("stopping: pages in flight are finished; once more to stop at once")
            loop.run_in_executor(None, _request_stop, options.data, run_id, running, loop)
        else:
            os._exit(3)

    def listen() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)

    listen()
    # Prefect's engine takes SIGTERM for itself when the flow begins
    showing = asyncio.create_task(_show(run_id, options.data, watch, on_start=listen))
    try:
        return await running
    except asyncio.CancelledError:
        if interrupts == 0:
            raise
        return None
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _request_stop(data: Path, run_id: str, running: "asyncio.Future[Any]", loop: asyncio.AbstractEventLoop) -> None:
    with Store.open(data) as store:
        if store.has_run(run_id) and store.get_run(run_id).kind != "scan":
            store.request_stop(run_id)
            return
    loop.call_soon_threadsafe(running.cancel)


def _is_under_way(store: Store, run_id: str) -> bool:
    if not store.has_run(run_id):
        return False
    run = store.get_run(run_id)
    if run.kind == "crawl":
        return run.parent_pid == os.getpid()  # taken over, with its new limits
    return bool(store.chunks(run_id))


async def _show(run_id: str, data: Path, watch: Watch, on_start: Callable[[], None]) -> None:
    store: Store | None = None
    started = False
    try:
        while True:
            await asyncio.sleep(LOOK_EVERY if started else LOOK_EVERY / 4)
            if store is None:
                store = await asyncio.to_thread(Store.open, data)
            # chunks are cut last: from here on the counts of the run are whole
            if not started and await asyncio.to_thread(_is_under_way, store, run_id):
                started = True
                on_start()
                watch.started(await asyncio.to_thread(store.get_run, run_id))
            if started:
                watch.progress(await asyncio.to_thread(store.progress, run_id), phase_of(run_id))
    finally:
        if store is not None:
            store.close()
