"""The Prefect tasks of a crawl."""

import asyncio
import os
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.tasks import exponential_backoff

from tasks.report.phase import phase, tell
from tasks.scan import seeds, site
from tasks.scan.access_task import load_access
from tasks.scan.chunk import ChunkJob, ChunkReport
from tasks.scan.crawl import CrawlChunk
from tasks.scan.own_process import in_own_process
from tasks.scan.pool_task import ChunkPool, WorkerDied, chunk_pool
from tasks.scan.process import IN_PROCESS_PAGES
from tasks.scan.records import NEVER, RunRef, begin_crawl, begun_run, chunk_deadline, resume_run
from tasks.scan.settings import CrawlRules, ScanSettings, rules_of
from tasks.scan.stop import ASKED_TO, StopWatch
from tasks.scan.task import POOL_ATTEMPTS, Plan, is_the_chunks_fault, timeout_of
from tasks.scan.tidy_task import tidy
from tasks.store import Limits, OpenWork, Store

MAX_TASK_RUNS = 1900
"""Prefect's server loses records of larger flows."""

CHECK_SECONDS = 1800.0
SITEMAP_SECONDS = 600.0
CHUNK_PAGES = 500
CHUNK_WORTH = 50
"""Due pages for which another process is worth its start."""

APART_PAGES = 5000
"""Up to this many pages, judging the site takes less memory than another process."""


def crawl_name() -> str:
    """A flow run's name: project and start URL."""
    given = flow_run.parameters
    return f"crawl-{given.get('start_url', '')}"


@task(name="create-crawl-records", retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def create_crawl_records(settings: ScanSettings, user_id: str, run_id: str | None) -> Plan:
    """The run with its start URL; one of that id is taken over instead, within the limits given now."""
    plan = await asyncio.to_thread(_create, settings, user_id, run_id, flow_run.id)
    begun = "resumed" if plan.run.resumed else "started"
    get_run_logger().info("crawl %s %s at %s", plan.run.run_id, begun, rules_of(plan.settings).start_url)
    return plan


def _create(settings: ScanSettings, user_id: str, run_id: str | None, flow_run_id: str | None) -> Plan:
    rules = rules_of(settings)
    with Store.open(settings.data) as store:
        if begun := begun_run(store, run_id, flow_run_id):
            limits = {"max_pages": rules.max_pages, "max_depth": rules.max_depth}
            run, earlier = resume_run(store, begun, Limits(**limits), flow_run_id=flow_run_id)
            settings = earlier.model_copy(update={"crawl": rules_of(earlier).model_copy(update=limits)})
            store.set_options(run.run_id, run.epoch, settings.model_dump_json())
        else:
            run = begin_crawl(store, rules, settings, user_id=user_id, run_id=run_id or "", flow_run_id=flow_run_id)
    return Plan(run=run, settings=settings, project_id=rules.project_id, user_id=user_id)


@task(name="prepare-crawl", retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE)
async def prepare_crawl(plan: Plan, deadline: float) -> tuple[Plan, str]:
    """Finds where the start URL leads, reads robots.txt and the sitemaps; why it ended early, if so."""
    log, run, settings = get_run_logger(), plan.run, plan.settings
    stopped = ""
    access = await load_access(settings)
    with Store.open(settings.data) as store, phase(run.run_id, "reading robots.txt and sitemaps"):
        rules = rules_of(settings)
        if not rules.root_url:
            rules = await site.find_root(job_of(plan, 0, deadline), store, rules, access)
            settings = settings.model_copy(update={"crawl": rules})
            await asyncio.to_thread(store.set_options, run.run_id, run.epoch, settings.model_dump_json())
        if rules.root_url != rules.start_url:
            log.warning("%s leads to %s: the crawl is scoped there", rules.start_url, rules.root_url)
        problem = await asyncio.to_thread(site.root_problem, store, run.run_id, rules, settings.realm)
        if problem:
            log.warning("%s", problem)
        if rules.sitemaps:
            until = min(deadline, time.time() + SITEMAP_SECONDS)
            async with stop_of(plan, store, until) as stop:
                cut = await seeds.read_sitemaps(settings, store, run.run_id, run.epoch, access, stop=stop)
            stopped = ASKED_TO if stop.reason == ASKED_TO else ""
            if cut:
                log.warning("sitemaps: %s; the rest was not read", cut)
        if known := await asyncio.to_thread(seeds.add_known, settings, store, run.run_id, run.epoch):
            log.info("%d addresses known from the last crawl", known)
    return plan.model_copy(update={"settings": settings}), stopped


def stop_of(plan: Plan, store: Store, deadline: float) -> StopWatch:
    """Tells when what is done around the pages has to end."""
    return StopWatch(partial(store.is_stopped, plan.run.run_id, plan.run.epoch), deadline=deadline)


def job_of(plan: Plan, index: int, deadline: float, pages: int = CHUNK_PAGES) -> ChunkJob:
    return ChunkJob(
        settings=plan.settings,
        run_id=plan.run.run_id,
        epoch=plan.run.epoch,
        index=index,
        deadline=deadline,
        parent_pid=os.getpid(),
        pages=pages,
    )


@task(
    name="crawl-chunk",
    task_run_name="crawl-chunk-{job.index:05d}",
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_the_chunks_fault,
    persist_result=False,
    cache_policy=NO_CACHE,
)
async def crawl_chunk(job: ChunkJob) -> ChunkReport:
    """Scans pages of the frontier until the chunk's budget is used; what they link to joins the frontier."""
    log = get_run_logger()
    access = await load_access(job.settings)
    with Store.open(job.settings.data) as store:
        try:
            report = await CrawlChunk(job, store, rules_of(job.settings), access).run()
        except Exception:
            log.exception("chunk %d of crawl %s", job.index, job.run_id)
            raise
    log.info("chunk %d: %d pages, %d failed, %d retries", job.index, report.pages, report.failed, report.retries)
    return report


async def crawl_chunks(plan: Plan, *, deadline: float) -> str:
    """Keeps chunks in flight until the frontier is empty; why it ended early, if it did."""
    context = FlowRunContext.get()
    if context is None:
        raise RuntimeError("crawl_chunks runs inside a flow")
    with Store.open(plan.settings.data) as store:
        crawling = _Crawling(plan, store, deadline)
        for attempts_left in reversed(range(POOL_ATTEMPTS)):
            async with chunk_pool(plan.settings, context.task_runner) as pool:
                try:
                    return await crawling.run(pool)
                except WorkerDied:
                    if not attempts_left:
                        raise
            get_run_logger().warning("a worker process died; its pages are taken up again")
            await asyncio.to_thread(store.expire, plan.run.run_id, plan.run.epoch)
    raise AssertionError("the last attempt returns or raises")


class _Crawling:
    """The chunks of one crawl: as many at once as there is work for, at most as many as workers."""

    def __init__(self, plan: Plan, store: Store, deadline: float) -> None:
        self._plan = plan
        self._store = store
        self._deadline = deadline
        self._begun = 0
        self._here: asyncio.Task[ChunkReport] | None = None
        self._is_elsewhere = False
        self._running: set[asyncio.Task[ChunkReport]] = set()
        self._stopped = ""

    async def run(self, pool: ChunkPool) -> str:
        """Begins in this process, which is enough for a small site, and goes on in those of ``pool``.

        Returns why it ended early, if it did.

        Raises:
            WorkerDied: one of them died.
        """
        try:
            return await self._run(pool)
        finally:
            await asyncio.gather(*self._running, return_exceptions=True)
            self._running = set()

    async def _run(self, pool: ChunkPool) -> str:
        while not self._stopped:
            work = await asyncio.to_thread(self._store.open_work, self._plan.run.run_id)
            if work.over and not self._running:
                return ""
            if self._begun >= MAX_TASK_RUNS and not self._running:
                return f"{MAX_TASK_RUNS:,} task runs"
            if self._is_due_here(work):
                self._here = self._begin(crawl_chunk(self._next(IN_PROCESS_PAGES)))
            while self._is_another_worth(work, pool):
                self._begin(pool.run(crawl_chunk, self._next()))
            await self._some_done()
        while self._running:
            await self._some_done()
        work = await asyncio.to_thread(self._store.open_work, self._plan.run.run_id)
        return "" if work.over else self._stopped  # it may be stopped with its last pages in flight

    def _is_due_here(self, work: OpenWork) -> bool:
        """True at first, and while the other processes are still starting: nobody works on what is due."""
        if self._here is None:
            return True
        if self._here.done():
            self._is_elsewhere = self._is_elsewhere or work.leased > 0
        return self._here.done() and not self._is_elsewhere and work.due > 0 and self._begun < MAX_TASK_RUNS

    def _is_another_worth(self, work: OpenWork, pool: ChunkPool) -> bool:
        if work.over or self._begun >= MAX_TASK_RUNS:
            return False
        is_here = self._here is not None and not self._here.done()
        if is_here and self._begun == 1 and work.due <= IN_PROCESS_PAGES:
            return False
        return len(self._running) - is_here < min(pool.workers, 1 + work.due // CHUNK_WORTH)

    def _next(self, pages: int = CHUNK_PAGES) -> ChunkJob:
        index, self._begun = self._begun, self._begun + 1
        return job_of(self._plan, index, self._deadline, pages)

    def _begin(self, chunk: Coroutine[Any, Any, ChunkReport]) -> asyncio.Task[ChunkReport]:
        begun = asyncio.create_task(chunk)
        self._running.add(begun)
        return begun

    async def _some_done(self) -> None:
        done, self._running = await asyncio.wait(self._running, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        reports = await asyncio.gather(*done)
        self._stopped = next((report.stopped for report in reports if report.stopped), self._stopped)


@task(name="judge-site", retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def judge_site(plan: Plan, check_until: float = NEVER) -> str:
    """Settles redirects, looks at what pages point at, and judges the site as a whole; why it did not, if so.

    Nothing is looked at after ``check_until``, seconds since the epoch.
    """
    log, run, settings = get_run_logger(), plan.run, plan.settings
    access = await load_access(settings)
    with Store.open(settings.data) as store, phase(run.run_id, "putting redirects together"):
        await tidy(settings.data, run.run_id)
        redirects = await asyncio.to_thread(site.settle, settings, store, run.run_id, run.epoch)
        log.info("%d redirects settled", redirects)
        async with stop_of(plan, store, min(check_until, time.time() + CHECK_SECONDS)) as stop:
            await stop.in_time(site.probe(settings, store, run.run_id, run.epoch, access))
            if rules_of(settings).check:
                tell(run.run_id, "looking at what pages point to")
                seen, left = await site.check_targets(settings, store, run.run_id, run.epoch, access, stop=stop)
                log.info("%d targets checked, %d left", seen, left)
                if left and stop.reason == ASKED_TO:
                    return ASKED_TO
        tell(run.run_id, "judging the site as a whole")
        progress = await asyncio.to_thread(store.progress, run.run_id)
        if progress.done > APART_PAGES:
            changed = await in_own_process(site.judge, settings, run.run_id, run.epoch)
        else:
            changed = await asyncio.to_thread(site.judge, settings, run.run_id, run.epoch)
        log.info("%d pages new, changed or gone", changed)
    return ""


__all__ = [
    "CrawlRules",
    "RunRef",
    "chunk_deadline",
    "crawl_chunks",
    "crawl_name",
    "create_crawl_records",
    "judge_site",
    "prepare_crawl",
    "timeout_of",
]
