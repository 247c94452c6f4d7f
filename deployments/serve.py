"""``seo serve``: every flow of the registry but shards, their triggers and schedules, in one process."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.runner import Runner
from prefect.schedules import Schedule
from prefect.types.entrypoint import EntrypointType

from deployments.automations import HEARTBEAT_SECONDS, save_automations
from deployments.prefect_api import require_api, saved_folder, ui_address
from deployments.triggers import trigger_name, triggers_of
from flows.ending import SERVED
from flows.outbox import send_outbox
from flows.registry import DAILY, DEPLOYMENT, FLOWS, FlowEntry
from tasks.errors import SeoScanError
from tasks.logs import clean
from tasks.scan.process import interrupts_kept_back
from tasks.store import Store
from tasks.urls import printable

Tell = Callable[[str], None]

SEND_EVERY = 5.0
LISTEN_AGAIN_AFTER = 5.0
RUNS_AT_ONCE = 5
REASON_LENGTH = 600
SERVED_FLOWS = tuple(entry for entry in FLOWS.values() if entry.served)
ACTION_FAILED = "prefect.automation.action.failed"

_log = logging.getLogger("prefect.seo_scan.serve")  # below Prefect's own, whose handlers and level hold for it


class ServingEnded(SeoScanError):
    """The process can serve no longer."""


async def serve(*, limit: int, tell: Tell) -> None:
    """Serves until SIGINT or SIGTERM; runs under way are cancelled then, and can be resumed.

    Args:
        limit: runs at once, each a process of its own.
        tell: takes lines for people.

    Raises:
        PrefectAbsent: no Prefect API answers.
        InputError: the Result Store block is missing or has a relative folder.
        StoreError: the data folder cannot be used.
        ServingEnded: Prefect's API went away for good.
    """
    address = await require_api()
    folder = await saved_folder()
    await asyncio.to_thread(lambda: Store.open(folder).close())
    os.environ[SERVED] = "1"
    runner = Runner(name="seo-scan", limit=limit, heartbeat_seconds=HEARTBEAT_SECONDS, pause_on_shutdown=True)
    for entry in SERVED_FLOWS:
        await runner.aadd_deployment(await deployment_of(entry))
    await save_automations()
    lines = opening(folder, limit, ui_address() or address)
    beside = [asyncio.create_task(_keep_sending(folder)), asyncio.create_task(_keep_hearing_refusals())]
    try:
        with _interrupts_kept_from_runs():
            await _until_told(runner, lines, tell)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    tell("stopped; `seo serve` goes on with what is still queued")


async def deployment_of(entry: FlowEntry) -> RunnerDeployment:
    """The flow as it is served; a worker's deployment of the same name is taken over."""
    deployment = await entry.load().ato_deployment(
        name=DEPLOYMENT,
        description=entry.description,
        tags=list(entry.tags),
        triggers=list(triggers_of(entry)),
        schedules=[Schedule(cron=entry.cron, timezone="UTC", slug=DAILY)] if entry.cron else None,
        concurrency_limit=ConcurrencyLimitConfig(
            limit=entry.concurrency_limit, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE
        ),
        paused=False,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    # only what is set is sent, and so takes the deployment from its work pool
    deployment.work_pool_name = None
    deployment.work_queue_name = None
    return deployment


def opening(folder: Path, limit: int, address: str) -> list[str]:
    """What is served, where it is seen, and how to start something."""
    width = max(len(entry.deployment) for entry in SERVED_FLOWS)
    return [
        f"serving {len(SERVED_FLOWS)} flows, at most {limit} runs at once; results go to {folder}",
        "",
        *(f"  {entry.deployment:<{width}}  {_started_by(entry)}".rstrip() for entry in SERVED_FLOWS),
        "",
        f"see it:      {address}",
        "start a run: prefect deployment run 'scan-page/default' -p url=https://example.com/",
        "schedule:    seo schedule add https://example.com/ --cron '0 3 * * *'",
        "Ctrl-C ends it.",
    ]


def _started_by(entry: FlowEntry) -> str:
    starts = sorted(name for trigger in triggers_of(entry) for name in trigger.expect)
    if entry.cron:
        return f"at {entry.cron!r} UTC"
    return f"on {', '.join(starts)}" if starts else ""


async def _keep_sending(folder: Path) -> None:
    """Delivers what waits in the outbox, time and again."""
    while True:
        try:
            sent = await send_outbox(str(folder), deployed=True)
        except Exception:  # noqa: BLE001 - serving goes on whatever one request of the outbox does
            _log.exception("the outbox could not be sent; trying again in %.0f s", SEND_EVERY)
        else:
            if sent.delivered or sent.refused or sent.expired:
                _log.info("outbox: %d delivered, %d refused, %d expired", sent.delivered, sent.refused, sent.expired)
        await asyncio.sleep(SEND_EVERY)


async def _keep_hearing_refusals() -> None:
    """Writes into the log which of our triggers could start no run, and why."""
    ours = {trigger_name(entry) for entry in SERVED_FLOWS}
    refused = EventFilter(event=EventNameFilter(name=[ACTION_FAILED]))
    while True:
        try:
            async with get_events_subscriber(filter=refused) as events:
                async for event in events:
                    automation = event.resource.get("prefect.resource.name", "")
                    if automation in ours:
                        reason = str(event.payload.get("reason", "no reason given"))
                        _log.warning("no run: %s: %s", automation, printable(clean(reason), REASON_LENGTH))
        except Exception as error:  # noqa: BLE001 - a websocket's many faults; the runner tells of a server that is gone
            _log.debug("Prefect's events cannot be heard: %s", error)
        await asyncio.sleep(LISTEN_AGAIN_AFTER)


async def _until_told(runner: Runner, lines: Sequence[str], tell: Tell) -> None:
    """Runs what is queued until SIGINT or SIGTERM; a second one ends the process at once.

    ``lines`` are told when it serves and can be stopped.
    """
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def stop() -> None:
        if told.is_set():
            raise KeyboardInterrupt
        tell("stopping: runs under way are cancelled; once more to stop at once")
        told.set()

    running = asyncio.create_task(runner.start())
    while not runner.started and not running.done():  # noqa: ASYNC110 - the runner has no event for it
        await asyncio.sleep(0.05)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)  # the runner has taken SIGTERM for itself
    for line in lines:
        tell(line)
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        raise ServingEnded(f"serving ended: {running.exception() or 'the runner stopped'}; start `seo serve` again")
    await runner.astop()
    await running


@contextmanager
def _interrupts_kept_from_runs() -> Iterator[None]:
    """Keeps Ctrl-C, which a terminal sends to all processes, from those of runs: ``serve`` ends them.

    They inherit what this thread keeps back, and leave the group when they know their flow. This process hears of it by
    another thread.
    """
    over = threading.Event()
    threading.Thread(target=over.wait, name="interrupts", daemon=True).start()
    try:
        with interrupts_kept_back():
            yield
    finally:
        over.set()
