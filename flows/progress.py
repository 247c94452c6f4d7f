"""Where a batch or a crawl stands, told while it runs and at its end: events for systems, pushes for people."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from prefect import get_run_logger

from flows.records import record
from tasks.events import BatchProgressed
from tasks.notify.channels import ChannelNames
from tasks.notify.task import load_channel, send_pending
from tasks.notify.telling import broadcast_progress
from tasks.scan.task import Plan
from tasks.scan.telling import batch_complete, batch_finished, batch_progressed
from tasks.store import OutboxRequest, Progress, Store

TELL_EVERY = 2.0
"""Seconds between two words on one run."""

Tell = Callable[[Progress], Awaitable[None]]


@asynccontextmanager
async def announced(plan: Plan) -> AsyncIterator[Tell]:
    """Yields what takes the run's counts while the body runs; at its end the outcome is told, whatever it is.

    The body ends the run in the catalogue. The user hears the counts through the outbox, of a failure from the flow.
    """
    store = await asyncio.to_thread(Store.open, plan.settings.data)
    announcer = _Announcer(plan, store)
    try:
        await announcer.begin()
        try:
            yield announcer.tell
        except BaseException:
            await announcer.end(in_time=False)
            raise
        await announcer.end(in_time=True)
    finally:
        await asyncio.to_thread(store.close)


class _Announcer:
    def __init__(self, plan: Plan, store: Store) -> None:
        self._run_id, self._epoch = plan.run.run_id, plan.run.epoch
        self._data = plan.settings.data
        self._store = store
        self._naming: ChannelNames | None = None
        self._told = 0
        self._told_at = time.monotonic()
        self._last: BatchProgressed | None = None
        self._pace = Pace()

    async def begin(self) -> None:
        channel = await load_channel(get_run_logger().warning)
        if not channel.missing:
            self._naming = ChannelNames(public=channel.public_names)

    async def tell(self, progress: Progress) -> None:
        """Tells the counts where they are news, the last word is long enough ago, and the outcome not near."""
        now = time.monotonic()
        if self._pace.ends_within(TELL_EVERY, progress, now) or now - self._told_at < TELL_EVERY:
            return
        run = await asyncio.to_thread(self._store.get_run, self._run_id)
        await self._tell(batch_progressed(run, progress))

    async def end(self, *, in_time: bool) -> None:
        """Tells the outcome; ``in_time`` waits for the end of the present two seconds, if need be."""
        if self._told and in_time:
            await asyncio.sleep(TELL_EVERY - (time.monotonic() - self._told_at))
        run = await asyncio.to_thread(self._store.get_run, self._run_id)
        if run.epoch != self._epoch:
            return  # resumed elsewhere: that run tells
        progress = await asyncio.to_thread(self._store.progress, self._run_id)
        finished = batch_finished(run, progress)
        if finished.status != "failed":
            told = batch_complete(run, progress)
            request = OutboxRequest(f"{self._run_id}:{self._epoch}:ended", told.name, told.model_dump(mode="json"))
            await asyncio.to_thread(self._store.outbox.add, [request], self._run_id)
        await self._tell(batch_progressed(run, progress), push=in_time)
        record(finished)

    async def _tell(self, event: BatchProgressed, *, push: bool = True) -> None:
        if event == self._last:
            return
        self._last, self._told_at = event, time.monotonic()
        self._told += 1
        record(event)
        if self._naming is None:
            return
        key = f"{self._run_id}:{self._epoch}:progress:{self._told}"
        await asyncio.to_thread(broadcast_progress, self._store, event, key=key, naming=self._naming)
        if push:
            await send_pending(self._data)


class Pace:
    """How fast pages get done: what is told shortly before the outcome would have the outcome wait."""

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None

    def ends_within(self, seconds: float, progress: Progress, now: float) -> bool:
        """True where all pages are done in ``seconds`` at the pace since the last call, at ``now`` seconds."""
        left = progress.total - progress.held_back - progress.done
        done, since = self._last or (progress.done, now)
        self._last = progress.done, now
        return left * (now - since) <= seconds * (progress.done - done)
