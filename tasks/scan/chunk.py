"""A chunk of a run: leases pages, scans them, commits them, until none is left or it has to end."""

import asyncio
import os
import time

from pydantic import BaseModel, ConfigDict, Field

from tasks.fetch.retry import delay, is_transient
from tasks.model import Answer, FetchFailure, ScannedPage
from tasks.scan.committer import Committer
from tasks.scan.pipeline import PagePipeline
from tasks.scan.process import holder_name, is_gone
from tasks.scan.settings import ScanSettings
from tasks.scan.stop import LOOK_EVERY, StopWatch
from tasks.scan.workers import HostWorkers
from tasks.store import Lease, Retry, Store

CHUNK_PAGES = 250
LOW_WATER = 100
FINISH_SECONDS = 10.0


class ChunkJob(BaseModel):
    """One chunk of a run.

    Attributes:
        index: which chunk of the run.
        cache_key: identity of its work across runs.
        deadline: seconds since the epoch after which nothing new is begun.
        parent_pid: the flow's process.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: ScanSettings
    run_id: str
    epoch: int
    index: int
    cache_key: str
    deadline: float
    parent_pid: int


class ChunkReport(BaseModel):
    """What a chunk did; ``stopped`` says why it ended early."""

    run_id: str
    index: int
    pages: int = 0
    failed: int = 0
    retries: int = 0
    parts: list[str] = Field(default_factory=list)
    stopped: str = ""


class Chunk:
    """One attempt at a chunk."""

    def __init__(self, job: ChunkJob, store: Store) -> None:
        self._job = job
        self._store = store
        self._holder = holder_name()
        self._report = ChunkReport(run_id=job.run_id, index=job.index)
        parent = job.parent_pid if job.parent_pid != os.getpid() else 0
        self._stop = StopWatch(self._is_stopped, deadline=job.deadline, parent_pid=parent)
        self._committer = Committer(self._write, on_failure=lambda: self._stop.stop("commit failed"))
        options = job.settings.options
        self._pipeline = PagePipeline(options, job.settings.profile, store.hosts, self._holder)
        self._workers = HostWorkers(self._scan, per_host=options.concurrency)

    async def run(self) -> ChunkReport:
        """Works until no page of the chunk is open.

        Raises:
            StaleEpoch: the run was resumed elsewhere.
        """
        await asyncio.to_thread(self._store.hosts.give_back, is_gone)
        await asyncio.to_thread(self._store.mark_first_request, self._job.run_id)
        async with self._committer, self._stop, self._pipeline, self._workers:
            await self._work_off()
        return self._report.model_copy(update={"stopped": self._stop.reason})

    async def _work_off(self) -> None:
        while not self._stop.reason:
            if self._workers.queued >= LOW_WATER or await self._lease_more():
                await self._workers.until(self._wants_more, seconds=LOOK_EVERY)
            elif not self._workers.idle:
                await self._workers.until(self._is_idle, seconds=LOOK_EVERY)
            else:
                await self._committer.flush()  # a page put back a moment ago is not seen as open before
                if not await self._retry_is_due():
                    break
        await self._workers.finish(FINISH_SECONDS)

    def _wants_more(self) -> bool:
        return self._workers.queued < LOW_WATER or bool(self._stop.reason)

    def _is_idle(self) -> bool:
        return self._workers.idle or bool(self._stop.reason)

    async def _lease_more(self) -> bool:
        if idle := self._workers.idle:
            await self._committer.flush()
        leases = await asyncio.to_thread(self._lease, suspects=idle)
        self._workers.feed(leases)
        return bool(leases)

    def _lease(self, *, suspects: bool) -> list[Lease]:
        job = self._job
        return self._store.lease(
            job.run_id, job.epoch, self._holder, limit=2 * CHUNK_PAGES, chunk=job.index, suspects=suspects
        )

    async def _retry_is_due(self) -> bool:
        """Waits for the next page to become due; False where no page is open."""
        due = await asyncio.to_thread(self._store.next_due, self._job.run_id, self._job.index)
        if due is None:
            return False
        await self._stop.sleep(due - time.time())
        return True

    async def _scan(self, lease: Lease) -> None:
        tries = lease.tries + 1
        answer = await self._pipeline.fetch(lease.url, tries)
        if tries < self._job.settings.options.max_tries and is_transient(answer, tries=tries):
            self._try_again(lease, answer)
            return
        page = await self._pipeline.judge(lease.page_id, lease.url, answer)
        await self._committer.add(page)

    def _try_again(self, lease: Lease, answer: Answer) -> None:
        wait = delay(answer, tries=answer.tries, now=time.time())
        reason = answer.reason if isinstance(answer, FetchFailure) else None
        self._report.retries += 1
        self._committer.retry(
            Retry(page_id=lease.page_id, tries=answer.tries, not_before=time.time() + wait, reason=reason)
        )

    def _is_stopped(self) -> bool:
        return self._store.is_stopped(self._job.run_id, self._job.epoch)

    def _write(self, batch: int, pages: list[ScannedPage], retries: list[Retry]) -> None:
        job = self._job
        staged = None
        if pages:
            key = f"c{job.index:05d}-{batch:05d}"
            staged = self._store.stage(job.run_id, key, pages, keep_html=job.settings.keep_html)
        self._store.commit(job.run_id, job.epoch, self._holder, staged, retries)
        self._report.pages += len(pages)
        self._report.failed += sum(1 for page in pages if page.state.value == "failed")
        if staged is not None:
            self._report.parts.extend(part.path for part in staged.parts)
