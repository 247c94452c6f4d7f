"""A batch whose shards nobody takes, that is stopped while they wait, whose shards die or fail."""

import asyncio
import contextlib

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import ObjectAlreadyExists
from prefect.flow_engine import run_flow

from blocks import ResultStore
from flows.batch_scan import SHARD, batch_scan
from flows.registry import SHARD_POOL
from flows.scan_shard import scan_shard
from tasks.errors import InputError
from tasks.scan import shard_task
from tasks.store import RunState, Store, new_run_id
from tests.flows.conftest import PAGE

STORE = "shared"

pytestmark = pytest.mark.usefixtures("prefect_db")


@pytest.fixture
def urls(site):
    """Pages of two hosts; one serves both."""
    for number in range(12):
        site.pages[f"/{number}"] = PAGE.format(number)
    return [f"http://{name}:{site.port}/{number}" for name in ("127.0.0.1", "localhost") for number in range(12)]


@pytest.fixture
def wishes(site, options):
    allow = (site.host_port, f"localhost:{site.port}")
    return options.model_copy(update={"allow": allow, "data": None, "result_store": STORE})


@pytest.fixture
async def deployed(options, monkeypatch):
    """The deployment of shards in a work pool without a worker, and the block that says where the data is."""
    monkeypatch.setattr(shard_task, "LOOK_EVERY", 0.1)
    await ResultStore(path=options.data).save(STORE, overwrite=True)
    async with get_client() as client:
        with contextlib.suppress(ObjectAlreadyExists):
            await client.create_work_pool(WorkPoolCreate(name=SHARD_POOL, type="process"))
        flow_id = await client.create_flow(scan_shard)
        deployment_id = await client.create_deployment(
            flow_id, "default", work_pool_name=SHARD_POOL, entrypoint="flows.scan_shard.scan_shard"
        )
        yield
        await client.delete_deployment(deployment_id)
    await ResultStore.adelete(STORE)


def key(run_id, number, attempt=0):
    return f"{run_id}:1:{number}{f':{attempt}' if attempt else ''}"


async def shard(run_id, number, attempt=0):
    """Prefect's run of the shard, once it is there."""
    wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[key(run_id, number, attempt)]))
    async with get_client() as client:
        while True:
            found = await client.read_flow_runs(flow_run_filter=wanted)
            if found:
                return found[0]
            await asyncio.sleep(0.1)


async def state_of(flow_run, kind, message=""):
    async with get_client() as client:
        await client.set_flow_run_state(flow_run.id, State(type=kind, message=message), force=True)


async def worked_on(flow_run):
    await run_flow(scan_shard, flow_run=flow_run, parameters=flow_run.parameters, return_type="state")


async def test_without_the_deployment_nothing_begins(urls, options):
    with pytest.raises(InputError, match=f"no deployment {SHARD} for workers: `seo deploy` makes it"):
        await batch_scan(urls=urls, shards=2, options=options)
    with Store.open(options.data) as store:
        assert store.list_runs() == []


@pytest.mark.usefixtures("deployed")
async def test_without_a_worker_it_ends_and_says_what_to_start(urls, wishes, options, monkeypatch):
    monkeypatch.setattr(shard_task, "START_SECONDS", 1.0)
    run_id = new_run_id()
    with pytest.raises(shard_task.NoShardWorker, match=f"`prefect worker start --pool {SHARD_POOL}`"):
        await batch_scan(urls=urls, shards=2, run_id=run_id, options=wishes)
    with Store.open(options.data) as store:
        assert store.get_run(run_id).state == RunState.FAILED
    assert [(await shard(run_id, number)).state.type for number in (0, 1)] == [StateType.CANCELLED] * 2


@pytest.mark.usefixtures("deployed")
async def test_a_stopped_batch_withdraws_what_nobody_began_and_goes_on_here(urls, wishes, options, site):
    run_id = new_run_id()
    batch = asyncio.create_task(batch_scan(urls=urls, shards=2, run_id=run_id, options=wishes, return_state=True))
    waiting = await shard(run_id, 1)
    with Store.open(options.data) as store:
        store.request_stop(run_id)
        assert (await batch).is_cancelled()
        assert store.get_run(run_id).state == RunState.INTERRUPTED
    assert (await shard(run_id, 1)).state.type == StateType.CANCELLED
    late = await worked_late(waiting)
    assert (late.is_cancelled(), site.page_paths()) == (True, [])
    await batch_scan(run_id=run_id, shards=1, options=wishes)
    with Store.open(options.data) as store:
        assert (store.get_run(run_id).state, store.progress(run_id).completed) == (RunState.COMPLETED, len(urls))


async def worked_late(flow_run):
    """The state in which a shard ends that a worker had taken a moment before it was withdrawn."""
    state = await scan_shard(flow_run.parameters["job"], return_state=True)
    assert isinstance(state, State)
    return state


@pytest.mark.usefixtures("deployed")
async def test_a_shard_that_dies_is_started_again_and_one_that_keeps_dying_fails_the_run(urls, wishes, options):
    run_id = new_run_id()
    batch = asyncio.create_task(batch_scan(urls=urls, shards=2, run_id=run_id, options=wishes, return_state=True))
    jobs = [(await shard(run_id, number)).parameters["job"] for number in (0, 1)]
    for attempt in range(shard_task.ATTEMPTS):
        await state_of(await shard(run_id, 0, attempt), StateType.CRASHED)
    await worked_on(await shard(run_id, 1))
    state = await batch
    assert f"shard 0 of run {run_id} died 3 times; 12 pages are left" in state.message
    with Store.open(options.data) as store:
        assert (store.get_run(run_id).state, store.progress(run_id).completed) == (RunState.FAILED, 12)
        assert store.left(run_id, jobs[1]["chunks"]).pages == 0
    again = asyncio.create_task(batch_scan(run_id=run_id, options=wishes, return_state=True))  # as it was started
    assert (await again).is_completed()  # one host is left: nothing to divide


@pytest.mark.usefixtures("deployed")
async def test_a_shard_with_another_folder_or_release_fails_the_run_and_says_so(urls, wishes, tmp_path):
    run_id = new_run_id()
    batch = asyncio.create_task(batch_scan(urls=urls, shards=2, run_id=run_id, options=wishes, return_state=True))
    job = shard_task.ShardJob.model_validate((await shard(run_id, 0)).parameters["job"])
    with Store.open(tmp_path / "elsewhere") as other, pytest.raises(InputError, match="another folder at"):
        job.home.check(other)
    await state_of(await shard(run_id, 0), StateType.FAILED, "InputError: two has another folder at /srv/seo")
    await state_of(await shard(run_id, 1), StateType.CANCELLED)
    assert f"shard 0 of run {run_id} failed: InputError: two has another folder at /srv/seo" in (await batch).message
