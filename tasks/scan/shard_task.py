"""A run worked on by several machines: each shard of its hosts is a run of a deployment, wherever a worker takes it.

The run stays one: its epoch, stop mark, deadline and counts in the catalogue hold for every shard, and who began it
waits, takes up again what a dead shard left, and ends it.
"""

import asyncio
import time
from collections.abc import Mapping
from uuid import UUID

import httpx
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State, StateType, WorkPoolStatus
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from pydantic import BaseModel, ConfigDict

from blocks import ResultStore
from tasks.errors import InputError, SeoScanError
from tasks.events import RunId
from tasks.scan.chunk import Home
from tasks.scan.process import is_gone
from tasks.scan.records import RunRef
from tasks.scan.settings import ScanSettings
from tasks.scan.stop import FINISH_SECONDS
from tasks.scan.task import Plan, is_the_chunks_fault, scan_chunks
from tasks.store import Left, Store
from tasks.urls import printable

LOOK_EVERY = 1.0
START_SECONDS = 300.0
"""For this long shards may wait for a worker while none of the run is under way."""
ATTEMPTS = 3
END_SECONDS = FINISH_SECONDS + 2
"""Less than what a flow's deadline leaves it for closing its run."""
REASON_LENGTH = 500


class ShardFailed(SeoScanError):
    """A shard failed, or died as often as it was started; what it committed is kept."""


class NoShardWorker(SeoScanError):
    """No worker has taken a shard for a long time."""


class ShardJob(BaseModel):
    """What a shard is to do.

    Attributes:
        chunks: of the run, by index; ``pages`` of them are open.
        deadline: seconds since the epoch after which nothing new is begun.
        home: what the shard's machine has to share with the one where the run began.
        result_store: name of the block that says where the data is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: RunId
    epoch: int
    number: int
    chunks: tuple[int, ...]
    pages: int
    deadline: float
    home: Home
    result_store: str | None = None


async def check_shards(deployment: str) -> None:
    """Raises InputError where ``deployment`` is not there, or belongs to no work pool: nobody would take a shard."""
    async with get_client() as client:
        await _deployed(client, deployment)


async def _deployed(client: PrefectClient, name: str) -> DeploymentResponse:
    try:
        found = await client.read_deployment_by_name(name)
    except ObjectNotFound:
        found = None
    if found is None or found.work_pool_name is None:
        raise InputError(
            f"no deployment {name} for workers: `seo deploy` makes it, on the Prefect server that PREFECT_API_URL names"
        )
    return found


async def scan_shards(
    plan: Plan, count: int, *, deployment: str, deadline: float, result_store: str | None = None
) -> str:
    """Has the run's open pages scanned in up to ``count`` shards, each a run of ``deployment``.

    Where one is wanted, or nothing can be divided, such as the pages of one host, all are scanned here. Returns why it
    ended early, if it did. ``deadline``: seconds since the epoch, handed to each chunk.

    Raises:
        InputError: there is no such deployment.
        NoShardWorker: nobody takes the shards.
        ShardFailed: after all others have ended.
    """
    if count == 1:
        return await scan_chunks(plan, deadline=deadline)
    jobs = await asyncio.to_thread(_divided, plan, count, deadline, result_store)
    log = get_run_logger()
    if len(jobs) <= 1:
        log.info("run %s has no hosts to divide: its pages are scanned here", plan.run.run_id)
        return await scan_chunks(plan, deadline=deadline)
    pages = ", ".join(f"{job.pages:,}" for job in jobs)
    log.info("run %s goes on in %d shards of %s pages", plan.run.run_id, len(jobs), pages)
    async with get_client() as client:
        pool = (await _deployed(client, deployment)).work_pool_name or ""
        if (await client.read_work_pool(pool)).status != WorkPoolStatus.READY:
            log.warning("no worker of the work pool %s is there yet: `prefect worker start --pool %s`", pool, pool)
        running = _Shards(plan, client, deployment, pool)
        try:
            for job in jobs:
                await running.start(job, 0)
            return await running.ended(deadline)
        finally:
            await asyncio.to_thread(running.withdraw)


def _divided(plan: Plan, count: int, deadline: float, result_store: str | None) -> list[ShardJob]:
    run = plan.run
    with Store.open(plan.settings.data) as store:
        home = Home.of(store)
        return [
            ShardJob(
                run_id=run.run_id,
                epoch=run.epoch,
                number=shard.number,
                chunks=shard.chunks,
                pages=shard.pages,
                deadline=deadline,
                home=home,
                result_store=result_store,
            )
            for shard in store.shards(run.run_id, count)
        ]


class _Shards:
    """The shards under way, by Prefect's id of their run, and those that died, with how often they were started."""

    def __init__(self, plan: Plan, client: PrefectClient, deployment: str, pool: str) -> None:
        self._plan = plan
        self._client = client
        self._deployment = deployment
        self._pool = pool
        self._log = get_run_logger()
        self._under_way: dict[UUID, tuple[ShardJob, int]] = {}
        self._running: set[UUID] = set()
        self._died: list[tuple[ShardJob, int]] = []
        self._failures: list[ShardFailed] = []
        self._attended_at = time.monotonic()
        self._away = False

    async def start(self, job: ShardJob, attempt: int) -> None:
        """The same attempt again is the same run."""
        again = f":{attempt}" if attempt else ""
        flow_run = await arun_deployment(
            self._deployment,
            client=self._client,
            parameters={"job": job.model_dump(mode="json")},
            flow_run_name=f"shard-{job.run_id}-{job.number}",
            timeout=0,
            idempotency_key=f"{job.run_id}:{job.epoch}:{job.number}{again}",
        )
        self._under_way[flow_run.id] = (job, attempt)

    async def ended(self, deadline: float) -> str:
        """Waits for all of them, and for what is started in place of the dead; why they ended early, if they did."""
        while self._under_way or self._died:
            await asyncio.sleep(LOOK_EVERY)
            over = await asyncio.to_thread(self._over, deadline)
            await self._look(take_up=not over)
            if over:
                return await self._wound_up(over)
            if time.monotonic() - self._attended_at > START_SECONDS:
                raise NoShardWorker(
                    f"no worker took a shard of run {self._plan.run.run_id} for {START_SECONDS:.0f} s: start some with "
                    f"`prefect worker start --pool {self._pool}`, then `seo resume {self._plan.run.run_id}`"
                )
        if self._failures:
            raise self._failures[0]
        return ""

    def withdraw(self) -> None:
        """Has Prefect start none that nobody has begun; the others end by the run's stop mark, epoch or state.

        Called in a thread, which goes on where its caller is cancelled.
        """
        with get_client(sync_client=True) as client:
            for flow_run_id in self._under_way.keys() - self._running:
                try:
                    client.set_flow_run_state(flow_run_id, State(type=StateType.CANCELLING))
                except (httpx.HTTPError, ObjectNotFound) as error:
                    self._log.warning("a shard is still to be started: %s", error)

    def _over(self, deadline: float) -> str:
        run = self._plan.run
        with Store.open(self._plan.settings.data) as store:
            if store.is_stopped(run.run_id, run.epoch):
                return "stopped"
        return "deadline" if time.time() > deadline else ""

    async def _wound_up(self, over: str) -> str:
        """Waits for those that end by themselves."""
        until = time.monotonic() + END_SECONDS
        while self._running and time.monotonic() < until:
            await asyncio.sleep(LOOK_EVERY)
            await self._look(take_up=False)
        return over

    async def _look(self, *, take_up: bool) -> None:
        """What became of each; a server that is away for a while is waited for."""
        try:
            await self._take_in(await self._states())
            if take_up:
                await self._take_up()
        except (httpx.HTTPError, OSError) as error:
            if not self._away:
                self._log.warning("Prefect does not say how the shards are, they go on: %s", type(error).__name__)
            self._away = True
            self._attended_at = time.monotonic()
        else:
            self._away = False

    async def _states(self) -> Mapping[UUID, State | None]:
        """None for a run that somebody deleted."""
        if not self._under_way:
            return {}
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=list(self._under_way)))
        found = {run.id: run.state for run in await self._client.read_flow_runs(flow_run_filter=wanted)}
        return {flow_run_id: found.get(flow_run_id) for flow_run_id in self._under_way}

    async def _take_in(self, states: Mapping[UUID, State | None]) -> None:
        self._running = {each for each, state in states.items() if state is not None and state.is_running()}
        if self._running or self._died:
            self._attended_at = time.monotonic()
        for flow_run_id, state in states.items():
            if state is None or state.is_final():
                job, attempt = self._under_way.pop(flow_run_id)
                self._note_end(job, attempt, state)

    def _note_end(self, job: ShardJob, attempt: int, state: State | None) -> None:
        if state is not None and (state.is_completed() or state.is_cancelled()):
            self._log.info("shard %d: %s", job.number, (state.name or state.type.value).lower())
        elif state is not None and state.is_failed():
            why = printable(state.message or "", REASON_LENGTH)
            self._failures.append(ShardFailed(f"shard {job.number} of run {job.run_id} failed: {why}"))
        else:
            self._died.append((job, attempt + 1))

    async def _take_up(self) -> None:
        """Starts again what died, once no lease of it holds: a machine may only have been cut off from Prefect."""
        for dead in tuple(self._died):
            job, attempt = dead
            left = await asyncio.to_thread(self._left, job)
            if left.pages and left.held_until > time.time():
                continue
            if left.pages and attempt == ATTEMPTS:
                why = f"shard {job.number} of run {job.run_id} died {ATTEMPTS} times; {left.pages:,} pages are left"
                self._failures.append(ShardFailed(why))
            elif left.pages:
                self._log.warning("shard %d died; %s pages are taken up again", job.number, f"{left.pages:,}")
                await self.start(job, attempt)
            self._died.remove(dead)

    def _left(self, job: ShardJob) -> Left:
        with Store.open(self._plan.settings.data) as store:
            store.expire(job.run_id, job.epoch, is_gone)
            return store.left(job.run_id, job.chunks)


@task(
    name="take-shard",
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=is_the_chunks_fault,
    cache_policy=NO_CACHE,
)
async def take_shard(job: ShardJob) -> Plan | None:
    """The run as it is known here; None where it has ended, or was stopped or resumed, since the shard was asked for.

    Raises:
        InputError: this machine has another data folder or another release.
    """
    try:
        folder = (await ResultStore.named(job.result_store)).folder_of_run()
    except ValueError as error:
        raise InputError(str(error)) from error
    plan = await asyncio.to_thread(_taken, job, folder)
    begins = f"begins: {job.pages:,} pages" if plan else "has nothing to do"
    get_run_logger().info("shard %d of run %s %s", job.number, job.run_id, begins)
    return plan


def _taken(job: ShardJob, folder: str) -> Plan | None:
    with Store.open(folder) as store:
        job.home.check(store)
        if store.is_stopped(job.run_id, job.epoch):
            return None
        run = store.get_run(job.run_id)
        settings = ScanSettings.model_validate_json(run.options).model_copy(update={"data": folder})
        return Plan(
            run=RunRef(run_id=run.run_id, epoch=job.epoch, batch_id=run.batch_id, total=run.total, linked=run.linked),
            settings=settings,
            project_id=run.project_id,
            user_id=run.user_id,
        )
