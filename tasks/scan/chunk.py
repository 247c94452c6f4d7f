"""A chunk of a run: leases pages, scans them, commits them, until none is left or it has to end."""

import asyncio
import os
import platform
import time
from dataclasses import replace
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import InputError
from tasks.fetch.access import NO_ACCESS, Access
from tasks.fetch.fetcher import OWN_USER_AGENT
from tasks.fetch.retry import delay, is_transient
from tasks.model import Answer, FetchFailure, PageState, ScannedPage
from tasks.scan.committer import Committer
from tasks.scan.memory import collect_cycles, spare_what_is_there
from tasks.scan.pipeline import PagePipeline
from tasks.scan.process import holder_name, is_gone
from tasks.scan.revalidating import Asked, EarlierPages, unchanged
from tasks.scan.robots import RobotsBook
from tasks.scan.settings import ScanSettings, code_digest
from tasks.scan.stop import FINISH_SECONDS, LOOK_EVERY, StopWatch
from tasks.scan.workers import HostWorkers
from tasks.store import LEASE_SECONDS, Lease, Retry, Staged, Store

CHUNK_PAGES = 500
LOW_WATER = 100
RENEW_EVERY = LEASE_SECONDS / 3
"""Pages of a slow host are in line for longer than a lease holds."""


class Home(BaseModel):
    """Where a run is at home.

    Attributes:
        store_id: identity of its data folder.
        code: identity of the code that reads and judges its pages.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_id: str
    code: str

    @classmethod
    def of(cls, store: Store) -> Self:
        return cls(store_id=store.store_id, code=code_digest())

    def check(self, store: Store) -> None:
        """Raises InputError where this process has another folder in the same place, or other code."""
        if self.store_id != store.store_id:
            raise InputError(f"{platform.node()} has another folder at {store.path}: all workers have to share one")
        if self.code != code_digest():
            raise InputError(f"{platform.node()} has other code of seo-scan: install the same release everywhere")


class ChunkJob(BaseModel):
    """One chunk of a run.

    Attributes:
        index: which chunk of the run.
        cache_key: identity of its work across runs.
        pages: budget of a crawl's chunk.
        deadline: seconds since the epoch after which nothing new is begun.
        parent_pid: the flow's process; 0 where a cluster works on the chunk, which outlives it.
        home: what a cluster's process has to share with the flow's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: ScanSettings
    run_id: str
    epoch: int
    index: int
    cache_key: str = ""
    deadline: float
    parent_pid: int
    pages: int = 500
    home: Home | None = None


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
    """One attempt at a chunk.

    Attributes:
        patience: seconds for which the last pages in flight are waited for before more work is asked for.
        obeys: robots.txt decides what is fetched and how fast; otherwise it is read beside the pages and told of.
        follows: what pages link to joins the run.
    """

    patience = LOOK_EVERY
    obeys = False
    follows = False

    def __init__(self, job: ChunkJob, store: Store, access: Access = NO_ACCESS) -> None:
        if job.home is not None:
            job.home.check(store)
        self._job = job
        self._store = store
        self._holder = holder_name()
        self._report = ChunkReport(run_id=job.run_id, index=job.index)
        parent = job.parent_pid if job.parent_pid != os.getpid() else 0
        self._stop = StopWatch(self._is_stopped, deadline=job.deadline, parent_pid=parent)
        self._committer = Committer(self.write, on_failure=lambda: self._stop.stop("commit failed"))
        options = job.settings.options
        hosts = store.hosts if self.obeys else store.hosts.without_crawl_delay()
        self._pipeline = PagePipeline(
            options,
            job.settings.profile,
            hosts,
            self._holder,
            access,
            render=job.settings.render,
            allows=self._allows if self.obeys else None,
        )
        self._earlier = EarlierPages(store, job.settings, job.run_id, links=self.follows)
        agent = options.user_agent or OWN_USER_AGENT
        self._robots = RobotsBook(store, self._pipeline.fetcher, agent, job.settings.realm)
        self._workers = HostWorkers(self.scan, per_host=options.concurrency)
        self._renewed_at = time.monotonic()

    async def run(self) -> ChunkReport:
        """Works until no page of the chunk is open.

        Raises:
            StaleEpoch: the run was resumed elsewhere.
        """
        spare_what_is_there()
        await asyncio.to_thread(self._store.hosts.give_back, is_gone)
        await asyncio.to_thread(self._store.mark_first_request, self._job.run_id)
        async with self._committer, self._stop, self._pipeline, self._robots, self._workers:
            await self._work_off()
        collect_cycles()
        return self._report.model_copy(update={"stopped": self._stop.reason})

    async def _work_off(self) -> None:
        while not self._stop.reason and not self.spent():
            await self._keep_leases()
            if self._workers.queued >= LOW_WATER or await self._lease_more():
                await self._workers.until(self._wants_more, seconds=LOOK_EVERY)
            elif not self._workers.idle:
                await self._workers.until(self._has_news, seconds=self.patience)
            else:
                await self._committer.flush()  # a page put back a moment ago is not seen as open before
                if not await self.more_is_due():
                    break
        await self._workers.finish(FINISH_SECONDS)

    async def _keep_leases(self) -> None:
        now = time.monotonic()
        if now - self._renewed_at > RENEW_EVERY:
            self._renewed_at = now
            await asyncio.to_thread(self._store.renew, self._job.run_id, self._job.epoch, self._holder)

    def spent(self) -> bool:
        """True where the chunk has done its share and begins nothing new."""
        return False

    async def more_is_due(self) -> bool:
        """Waits for the next page to become due; False where no page is open."""
        due = await asyncio.to_thread(self._store.next_due, self._job.run_id, self._job.index)
        if due is None:
            return False
        await self._stop.sleep(due - time.time())
        return True

    async def hand_on(self) -> None:
        """Brings about that what was done so far can be leased upon."""
        await self._committer.flush()

    def has_news(self) -> bool:
        """True where pages in flight have brought what may be leased."""
        return False

    def lease(self, *, suspects: bool) -> list[Lease]:
        """More work; called in a thread."""
        job = self._job
        return self._store.lease(
            job.run_id, job.epoch, self._holder, limit=CHUNK_PAGES, chunk=job.index, suspects=suspects
        )

    async def scan(self, lease: Lease) -> None:
        """One page, to its end or to its next try."""
        self._robots.begin(lease.url)
        asked = await self._earlier.ask(lease, self._pipeline, self.blocked)
        if not self.try_again(lease, asked.answer):
            self._committer.add(await self.read(lease, asked))

    async def blocked(self, url: str, answer: Answer) -> bool | None:
        """Whether robots.txt disallows to search engines what was fetched; None where that is not known."""
        return await self._robots.blocks(url, answer)

    async def _allows(self, url: str) -> bool:
        """Whether robots.txt lets what a rendered page loads be asked for."""
        return (await self._robots.of(url)).allows(self._robots.agent, url)

    async def read(self, lease: Lease, asked: Asked) -> ScannedPage:
        """What is stored of the page."""
        await self._committer.until_room()
        if asked.earlier is not None:
            return unchanged(lease, asked.answer, asked.earlier)
        blocked = await self.blocked(lease.url, asked.answer)
        page = await self._pipeline.judge(lease.page_id, lease.url, asked.answer, blocked=blocked)
        return page if asked.revalidation is None else replace(page, revalidation=asked.revalidation)

    def try_again(self, lease: Lease, answer: Answer) -> bool:
        """Puts a page that failed for a passing reason back; False where it has had its tries."""
        tries = answer.tries
        if tries >= self._job.settings.options.max_tries or not is_transient(answer, tries=tries):
            return False
        not_before = time.time() + delay(answer, tries=tries, now=time.time())
        reason = answer.reason if isinstance(answer, FetchFailure) else None
        self._report.retries += 1
        self._committer.retry(Retry(page_id=lease.page_id, tries=tries, not_before=not_before, reason=reason))
        return True

    def write(self, batch: int, pages: list[ScannedPage], retries: list[Retry]) -> None:
        """Stages and commits a batch; called in a thread."""
        job = self._job
        self._store.commit(job.run_id, job.epoch, self._holder, self.stage(batch, pages), retries)
        self.count(pages)

    def stage(self, batch: int, pages: list[ScannedPage]) -> Staged | None:
        if not pages:
            return None
        job = self._job
        key = f"c{job.index:05d}-{batch:05d}"
        staged = self._store.stage(job.run_id, key, pages, keep_html=job.settings.keep_html)
        self._report.parts.extend(part.path for part in staged.parts)
        return staged

    def count(self, pages: list[ScannedPage]) -> None:
        self._report.pages += len(pages)
        self._report.failed += sum(page.state is PageState.FAILED for page in pages)

    def _wants_more(self) -> bool:
        return self._workers.queued < LOW_WATER or bool(self._stop.reason)

    def _has_news(self) -> bool:
        return self._workers.idle or self.has_news() or bool(self._stop.reason)

    async def _lease_more(self) -> bool:
        idle = self._workers.idle
        if not self._workers.queued:
            await self.hand_on()
        leases = await asyncio.to_thread(self._lease, suspects=idle)
        self._workers.feed(leases)
        return bool(leases)

    def _lease(self, *, suspects: bool) -> list[Lease]:
        leases = self.lease(suspects=suspects)
        self._earlier.look_up(leases)
        return leases

    def _is_stopped(self) -> bool:
        return self._store.is_stopped(self._job.run_id, self._job.epoch)
