"""A flow under way in this process: its progress is shown, Ctrl-C stops it, and it does not outlive its server."""

import asyncio
import multiprocessing
import multiprocessing.util
import os
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, NoReturn, Protocol

from prefect.client.schemas.objects import State

from deployments.cli.exits import Exit
from deployments.cli.lifeline import Lifeline, PrefectGone, api_name
from deployments.cli.options import data_option
from tasks.report.phase import phase_of
from tasks.store import Progress, Run, Store

LOOK_EVERY = 1.0
COMMIT_SECONDS = 11.0
"""A chunk that was told to stop has committed by then what it had in flight."""

Flowing = Callable[[], Coroutine[Any, Any, State[Any]]]


class Watch(Protocol):
    """Who is shown what goes on."""

    def started(self, run: Run) -> None: ...

    def progress(self, progress: Progress, phase: str = "") -> None: ...

    def note(self, text: str) -> None: ...

    def end(self, text: str) -> None: ...


async def supervised(flow: Flowing, run_id: str, data: Path, watch: Watch) -> State[Any] | None:
    """The flow's final state; None where it was cancelled by Ctrl-C.

    Raises:
        PrefectGone: Prefect's server did not come back in time, or is away when the run is to stop.
    """
    return await _Supervisor(run_id, data, watch).run(flow)


class _Supervisor:
    def __init__(self, run_id: str, data: Path, watch: Watch) -> None:
        self._run_id = run_id
        self._data = data
        self._watch = watch
        self._lifeline = Lifeline(watch.note)
        self._interrupts = 0
        self._interrupted = asyncio.Event()
        self._under_way = False

    async def run(self, flow: Flowing) -> State[Any] | None:
        running = asyncio.ensure_future(flow())
        listen = self._listening(running)
        listen()

        def begun() -> None:
            self._under_way = True
            listen()  # Prefect's engine takes SIGTERM for itself when the flow begins

        showing = asyncio.create_task(show(self._run_id, self._data, self._watch, on_start=begun))
        left = asyncio.create_task(self._until_given_up())
        try:
            await asyncio.wait({running, left}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                raise self._gone()
            return await self._outcome(running)
        finally:
            for task in (showing, left):
                task.cancel()
            await asyncio.gather(showing, left, return_exceptions=True)
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().remove_signal_handler(number)

    async def _outcome(self, running: "asyncio.Future[State[Any]]") -> State[Any] | None:
        """How the flow ended; what it fails with when the server is away is no news."""
        try:
            state = await running
        except asyncio.CancelledError:
            if self._interrupts == 0:
                raise
            return None
        except Exception as error:
            await self._lifeline.look()
            if self._lifeline.away:
                raise self._gone() from error
            raise
        if (state.is_failed() or state.is_crashed()) and self._lifeline.away:
            raise self._gone()
        return state

    def _listening(self, running: "asyncio.Future[Any]") -> Callable[[], None]:
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            self._interrupts += 1
            self._interrupted.set()
            if self._interrupts > 1:
                self._leave()
            self._watch.note("stopping: pages in flight are finished; once more to stop at once")
            loop.run_in_executor(None, self._stop, running, loop)

        def listen() -> None:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, interrupt)

        return listen

    def _leave(self) -> NoReturn:
        """Ends the process at once."""
        kill_pool()
        command = f"; what is done is kept. Continue with: seo resume {self._run_id}{data_option(self._data)}"
        self._watch.end(f"interrupted: stopped at once{command if self._under_way else ''}")
        os._exit(Exit.INTERRUPTED)

    def _stop(self, running: "asyncio.Future[Any]", loop: asyncio.AbstractEventLoop) -> None:
        with Store.open(self._data) as store:
            if store.has_run(self._run_id) and store.get_run(self._run_id).kind != "scan":
                store.request_stop(self._run_id)
                return
        loop.call_soon_threadsafe(running.cancel)

    async def _until_given_up(self) -> None:
        """Returns when the pages are committed of a flow that waits in vain."""
        while not self._lifeline.lost and not (self._lifeline.away and self._interrupts):
            await self._pause()
            await self._lifeline.look()
        if not self._interrupts:
            self._watch.note(f"{self._gone()}; pages in flight are finished")
        await asyncio.to_thread(self._wait_for_commits)

    async def _pause(self) -> None:
        if not self._interrupts:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._lifeline.pause):
                    await self._interrupted.wait()
        if self._interrupts:
            await asyncio.sleep(LOOK_EVERY)  # a flow that needs no server ends meanwhile

    def _gone(self) -> PrefectGone:
        if self._interrupts:
            return PrefectGone(f"stopped while {api_name()} did not answer", stopped=True)
        return PrefectGone(f"{api_name()} has not answered for {self._lifeline.away_for:.0f} s", stopped=False)

    def _wait_for_commits(self) -> None:
        end = time.monotonic() + COMMIT_SECONDS
        with Store.open(self._data) as store:
            if not store.has_run(self._run_id):
                return
            store.request_stop(self._run_id)
            time.sleep(LOOK_EVERY)  # chunks look as often whether to go on
            while store.progress(self._run_id).leased and time.monotonic() < end:
                time.sleep(LOOK_EVERY / 4)


def is_under_way(store: Store, run_id: str) -> bool:
    """True where the flow in this process has taken the run over, with its new limits, and its counts are whole."""
    if not store.has_run(run_id):
        return False
    run = store.get_run(run_id)
    if run.parent_pid != os.getpid():
        return False
    return run.kind == "crawl" or bool(store.chunks(run_id))  # which are cut last


async def show(run_id: str, data: Path, watch: Watch, on_start: Callable[[], None]) -> None:
    """Shows the run's progress until it is cancelled; ``on_start`` is called once the flow is under way."""
    store: Store | None = None
    started = False
    try:
        while True:
            await asyncio.sleep(LOOK_EVERY if started else LOOK_EVERY / 4)
            if store is None:
                store = await asyncio.to_thread(Store.open, data)
            if not started and await asyncio.to_thread(is_under_way, store, run_id):
                started = True
                on_start()
                watch.started(await asyncio.to_thread(store.get_run, run_id))
            if started:
                watch.progress(await asyncio.to_thread(store.progress, run_id), phase_of(run_id))
    finally:
        if store is not None:
            store.close()


def kill_pool() -> None:
    """Ends the processes of this one, and what would complain on stderr of their semaphores."""
    for child in multiprocessing.active_children():
        child.kill()
    multiprocessing.util._run_finalizers(0)  # type: ignore[attr-defined]  # noqa: SLF001 - has no other name
    tracker = resource_tracker._resource_tracker._pid  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    if tracker is not None:
        os.kill(tracker, signal.SIGKILL)
