"""The room's Prefect tasks, and what flows need around them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext, TaskRunContext
from prefect.runtime import flow_run
from prefect.tasks import Task, exponential_backoff
from pydantic import BaseModel, ConfigDict

from blocks import Crawler, ResultStore
from tasks.crawl.lists import read_list
from tasks.errors import InputError, StaleEpoch, StoreError
from tasks.fetch.chromium import require_browser
from tasks.host_ports import parse_host_port
from tasks.logs import step
from tasks.model import FetchOptions, RenderOptions, sendable_agent
from tasks.scan import site
from tasks.scan.access_task import load_access, named_access
from tasks.scan.chunk import Chunk, ChunkJob, ChunkReport
from tasks.scan.pool_task import ChunkPool, Runner, WorkerDied, check_cluster, chunk_pool
from tasks.scan.process import IN_PROCESS_PAGES
from tasks.scan.records import RunRef, begin_run, begun_run, chunk_deadline, end_run, jobs_of, resume_run, targets_of
from tasks.scan.settings import ScanOptions, ScanSettings
from tasks.scan.tidy_task import tidy
from tasks.store import Run, RunKind, RunSpec, RunState, Store, Target
from tasks.urls import nameable

POOL_ATTEMPTS = 4
NAME_LENGTH = 200
SIGN_EVERY = 30.0
"""Well within the two minutes after which other machines take its process for gone."""


class Plan(BaseModel):
    """A run under way and what all its pages share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: RunRef
    settings: ScanSettings
    project_id: str
    user_id: str


def page_name() -> str:
    """A flow run's name: the page, and no password that a wrong address may hold."""
    return f"scan-{nameable(flow_run.parameters.get('url', ''), NAME_LENGTH)}"


def batch_name() -> str:
    """A flow run's name: project and run, or what the list came from."""
    given = flow_run.parameters
    listed = given.get("run_id") or given.get("batch_id") or Path(given.get("urls_file") or "").stem
    return "-".join(filter(None, ("batch", given.get("project_id", "default"), listed)))


async def load_settings(
    options: ScanOptions, typed: Sequence[str] = (), *, request_id: str | None = None
) -> ScanSettings:
    """Blocks, then environment, then ``options``; the host:port of ``typed`` URLs is allowed.

    ``request_id``: of the request from outside that is answered, if one is.

    Raises:
        InputError: no such block, an environment variable of no use, or what is wanted is not to be had, or not from
            outside.
    """
    if options.access is not None and request_id is not None:
        raise InputError("a request from outside uses nobody's credentials: leave access out of its options")
    try:
        crawler = await Crawler.named(options.crawler)
        store = await ResultStore.named(options.result_store)
        folder = store.folder_of_run(options.data)
        await check_cluster(options.cluster)
        allow = tuple(sorted(map(parse_host_port, {*crawler.allow, *options.allow})))
        agent = sendable_agent(crawler.user_agent) if options.user_agent is None else options.user_agent
    except ValueError as error:
        raise InputError(str(error)) from error
    render = _rendering(options, crawler, outside=request_id is not None) if options.render else None
    fetching = FetchOptions(
        user_agent=agent,
        allow=allow,
        concurrency=options.concurrency or crawler.concurrency,
        rate=crawler.rate if options.rate is None else options.rate,
        deadline=crawler.deadline,
        max_body=crawler.max_body,
    )
    return ScanSettings(
        data=folder,
        options=fetching.allowing(typed) if typed else fetching,
        profile=options.profile,
        keep_html=store.keep_html if options.keep_html is None else options.keep_html,
        max_age=0 if options.refresh else options.max_age,
        cluster=options.cluster,
        revalidate=not options.refresh and render is None,  # scripts and data may change where the page does not
        access=await named_access(options.access, folder) if options.access is not None else None,
        render=render,
    )


def _rendering(options: ScanOptions, crawler: Crawler, *, outside: bool) -> RenderOptions:
    if outside and not crawler.render_from_outside:
        raise InputError(
            "a request from outside has no page rendered: leave render out of its options, or let it by "
            "`render_from_outside` of the SEO Crawler block (SEO_RENDER_FROM_OUTSIDE)"
        )
    if options.access is not None:
        raise InputError("pages are rendered without credentials and proxy: leave out render, or access")
    require_browser(crawler.browser)
    return RenderOptions(browser=crawler.browser)


@asynccontextmanager
async def recorded(plan: Plan) -> AsyncIterator[None]:
    """Shows signs of life; writes a failure or an interruption of the flow into its run, and raises it again."""
    signs = asyncio.create_task(_show_signs(plan))
    try:
        yield
    except BaseException as error:
        failed = isinstance(error, Exception)
        state = RunState.FAILED if failed else RunState.INTERRUPTED
        message = f"{type(error).__name__}: {error}".splitlines()[0][:500] if failed else "stopped"
        get_run_logger().error("run %s %s: %s", plan.run.run_id, state.value, message)
        await asyncio.to_thread(_record_end, plan, state, message)
        raise
    finally:
        signs.cancel()
        await asyncio.wait([signs])


async def _show_signs(plan: Plan) -> None:
    while True:
        try:
            await asyncio.to_thread(_show_sign, plan)
        except StoreError as error:
            get_run_logger().warning("no sign of life was written: %s", error)
        await asyncio.sleep(SIGN_EVERY)


def _show_sign(plan: Plan) -> None:
    with Store.open(plan.settings.data) as store:
        store.show_sign(plan.run.run_id, plan.run.epoch)


def _record_end(plan: Plan, state: RunState, message: str) -> None:
    with Store.open(plan.settings.data) as store:
        store.finish_run(plan.run.run_id, plan.run.epoch, state, error=message)
        store.publish(final=True)


class Wanted(BaseModel):
    """Which pages a run is to scan: ``urls``, the lines of ``urls_file``, or the list of the batch ``batch_id``.

    A ``run_id`` that exists is continued, whatever else is given; a new one is given to the run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RunKind = "batch"
    project_id: str = "default"
    user_id: str = "local"
    urls: tuple[str, ...] | None = None
    urls_file: str | None = None
    batch_id: str | None = None
    run_id: str | None = None
    page_id: str | None = None


@task(name="create-page-records", retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def create_page_records(wanted: Wanted, settings: ScanSettings) -> Plan:
    """One pending record a URL; an unfinished run is taken over instead."""
    plan = await asyncio.to_thread(_create_page_records, wanted, settings, flow_run.id)
    run = plan.run
    linked = f", {run.linked:,} of them taken from earlier runs" if run.linked else ""
    begun = "resumed" if run.resumed else "started"
    get_run_logger().info("run %s %s: %s pages%s", run.run_id, begun, f"{run.total:,}", linked)
    return plan


def _create_page_records(wanted: Wanted, settings: ScanSettings, flow_run_id: str | None) -> Plan:
    with Store.open(settings.data) as store:
        if begun := begun_run(store, wanted.run_id, flow_run_id):
            run, settings = resume_run(store, begun, flow_run_id=flow_run_id)
            known = store.get_run(run.run_id)
            wanted = wanted.model_copy(update={"project_id": known.project_id, "user_id": known.user_id})
        else:
            targets = _targets(store, wanted)
            spec = RunSpec(
                run_id=wanted.run_id or "",
                kind=wanted.kind,
                project_id=wanted.project_id,
                user_id=wanted.user_id,
                batch_id=settings.batch_id(wanted.project_id, (target.url for target in targets)),
                prefect_flow_run_id=flow_run_id,
            )
            run = begin_run(store, spec, targets, settings)
    return Plan(run=run, settings=settings, project_id=wanted.project_id, user_id=wanted.user_id)


def _targets(store: Store, wanted: Wanted) -> list[Target]:
    if len([source for source in (wanted.urls, wanted.urls_file, wanted.batch_id) if source is not None]) > 1:
        raise InputError("give one of urls, urls_file and batch_id: several lists were named")
    if wanted.batch_id is not None:
        return store.targets_of_batch(wanted.batch_id)
    if wanted.urls_file is not None:
        return targets_of(wanted.project_id, read_list(wanted.urls_file).urls)
    targets = targets_of(wanted.project_id, wanted.urls or ())
    if wanted.page_id is not None:
        return [replace(target, page_id=wanted.page_id) for target in targets]
    return targets


def chunk_cache_key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    job: ChunkJob = parameters["job"]
    return job.cache_key


async def is_the_chunks_fault(_: Task[..., Any], __: object, state: State[Any]) -> bool:
    """Retries faults of ours, never a run that was taken over."""
    return not isinstance(state.data, StaleEpoch | InputError) and not isinstance(
        getattr(state.data, "exception", None), StaleEpoch | InputError
    )


@task(
    name="scan-chunk",
    task_run_name="scan-chunk-{job.index:05d}",
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_the_chunks_fault,
    persist_result=True,
    result_serializer="json",
    cache_key_fn=chunk_cache_key,
)
async def scan_chunk(job: ChunkJob) -> ChunkReport:
    """Scans what is open of a chunk; pages go to the store, only counts come back."""
    log = get_run_logger()
    log.info("chunk %d of run %s begins", job.index, job.run_id)
    access = await load_access(job.settings)
    with Store.open(job.settings.data) as store:
        try:
            report = await Chunk(job, store, access).run()
        except Exception:
            log.exception("chunk %d of run %s", job.index, job.run_id)
            raise
    log.info(
        "chunk %d: %d pages, %d failed, %d retries%s",
        *(report.index, report.pages, report.failed, report.retries),
        f", ended early: {report.stopped}" if report.stopped else "",
    )
    return report


async def scan_chunks(plan: Plan, *, deadline: float, only: Collection[int] | None = None) -> str:
    """Scans the run's chunks, or ``only`` some, in this process or in the flow's task runner.

    Returns why it ended early, if it did. ``deadline``: seconds since the epoch, handed to each chunk.
    """
    context = FlowRunContext.get()
    if context is None:
        raise RuntimeError("scan_chunks runs inside a flow")
    jobs = await asyncio.to_thread(_jobs, plan, deadline, only)
    if sum(open_pages for _, open_pages in jobs) <= IN_PROCESS_PAGES:
        reports = [await chunk_task(plan, has_work=open_pages > 0)(job) for job, open_pages in jobs]
    else:
        reports = await _scan_in_pool(plan, jobs, context.task_runner)
    stopped = next((report.stopped for report in reports if report.stopped), "")
    if stopped and not any(left for _, left in await asyncio.to_thread(_jobs, plan, deadline, only)):
        return ""  # it was stopped with its last pages in flight, or it was before, and the chunk's report was kept
    return stopped


def deadline_of(started: float) -> float:
    """When chunks of the surrounding flow, which began at ``started``, have to end; seconds since the epoch."""
    return chunk_deadline(started, timeout_of(FlowRunContext.get()))


def timeout_of(context: FlowRunContext | None) -> float | None:
    """The flow's timeout, seconds."""
    return context.flow.timeout_seconds if context is not None and context.flow is not None else None


def _jobs(plan: Plan, deadline: float, only: Collection[int] | None) -> list[tuple[ChunkJob, int]]:
    with Store.open(plan.settings.data) as store:
        return jobs_of(store, plan.run, plan.settings, deadline=deadline, only=only)


def chunk_task(plan: Plan, *, has_work: bool) -> "Task[[ChunkJob], Any]":
    """The chunk task with its results beside the data; with open pages a cached result is not taken."""
    return scan_chunk.with_options(result_storage=Path(plan.settings.data) / "results", refresh_cache=has_work)


async def _scan_in_pool(plan: Plan, jobs: list[tuple[ChunkJob, int]], runner: Runner) -> list[ChunkReport]:
    reports: list[ChunkReport] = []
    for attempt in range(POOL_ATTEMPTS):
        async with chunk_pool(plan.settings, runner) as pool:
            outcomes = await asyncio.gather(*_submitted(plan, jobs, pool), return_exceptions=True)
        reports += [outcome for outcome in outcomes if isinstance(outcome, ChunkReport)]
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        jobs = [job for job, outcome in zip(jobs, outcomes, strict=True) if isinstance(outcome, WorkerDied)]
        if not jobs or len(jobs) < len(failures) or attempt + 1 == POOL_ATTEMPTS:
            break
        get_run_logger().warning("a worker process died; %d chunks are taken up again", len(jobs))
    if failures:
        raise failures[0]
    return reports


def _submitted(plan: Plan, jobs: list[tuple[ChunkJob, int]], pool: ChunkPool) -> "list[Awaitable[ChunkReport]]":
    places = asyncio.Semaphore(pool.in_flight)

    async def submitted(job: ChunkJob, *, has_work: bool) -> ChunkReport:
        async with places:
            return await pool.run(chunk_task(plan, has_work=has_work), job)

    return [submitted(job, has_work=open_pages > 0) for job, open_pages in jobs]


@task(name="judge-list", retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def judge_list(plan: Plan) -> None:
    """Stores the robots.txt of the pages' hosts, and judges what it keeps out."""
    with step(get_run_logger(), "judge-list", run=plan.run.run_id):
        await tidy(plan.settings.data, plan.run.run_id)
        await asyncio.to_thread(_judge_list, plan)


def _judge_list(plan: Plan) -> None:
    with Store.open(plan.settings.data) as store:
        site.judge_list(plan.settings, store, plan.run.run_id, plan.run.epoch)


async def close_run(plan: Plan, stopped: str = "") -> Run:
    """Ends the run in the catalogue and publishes the views."""

    def close() -> Run:
        with Store.open(plan.settings.data) as store:
            return end_run(store, plan.run, stopped)

    return await asyncio.to_thread(close)
