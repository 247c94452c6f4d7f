"""What a deployment's run left behind that did not end well."""

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType

from flows.registry import FLOWS
from flows.settle_run import settle_run
from tasks.store import RunSpec, RunState, Store

pytestmark = pytest.mark.usefixtures("prefect_db")

OTHERS = flow(name="their-scan")(lambda: None)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
async def ended():
    """Makes a deployment's run that ended so; ``tried`` is how often it had begun."""

    async def make(name, state, tried=1, **parameters):
        kept = OTHERS if name == OTHERS.name else FLOWS[name].load()
        async with get_client() as client:
            deployment = await client.create_deployment(await client.create_flow(kept), "default")
            run = await client.create_flow_run_from_deployment(deployment, parameters=parameters)
            for _ in range(tried):
                await client.set_flow_run_state(run.id, State(type=StateType.RUNNING), force=True)
            await client.set_flow_run_state(run.id, State(type=StateType[state.upper()]), force=True)
        return str(run.id)

    return make


@pytest.fixture
def settled(store):
    """Settles the run; what its user was told."""

    async def settle(flow_run_id, user="ann"):
        before = len(store.notifications.list(user))
        await settle_run(flow_run_id, data=str(store.path))
        told = store.notifications.list(user)
        return [(one.title, one.type, one.message) for one in told[: len(told) - before]]

    return settle


async def test_a_queued_run_that_was_cancelled_waits_no_longer_and_its_user_is_told(store, ended, settled):
    store.requests.claim("api:ann:1", "r1", flow="batch-scan", user_id="ann", origin="api")
    flow_run = await ended("batch-scan", "cancelled", tried=0, user_id="ann", run_id="r1", request_id="api:ann:1")
    store.requests.confirm("api:ann:1", flow_run)
    assert store.requests.waiting("ann") == 1
    ((title, kind, message),) = await settled(flow_run)
    assert (title, kind, message.partition(" ")[2]) == (
        "Run Cancelled", "info", "cancelled: it had not begun and will not"
    )  # fmt: skip
    assert store.requests.waiting("ann") == 0
    assert await settled(flow_run) == []


async def test_a_cancelled_run_that_closed_its_own_is_not_told_of_twice(store, ended, settled):
    run = store.start_run(RunSpec(kind="batch", user_id="ann"))
    store.finish_run(run.run_id, 1, RunState.INTERRUPTED)
    assert await settled(await ended("batch-scan", "cancelled", user_id="ann", run_id=run.run_id)) == []


async def test_a_cancelled_run_whose_process_was_killed_is_closed(store, ended, settled):
    run = store.start_run(RunSpec(kind="batch", user_id="ann"))
    ((title, kind, message),) = await settled(await ended("batch-scan", "cancelled", user_id="ann", run_id=run.run_id))
    assert (title, kind) == ("Run Cancelled", "info")
    assert message.endswith(f"cancelled: its process was ended; `seo resume {run.run_id}` continues it")
    assert store.get_run(run.run_id).state == RunState.INTERRUPTED


async def test_each_try_that_fails_is_told_once(ended, settled):
    flow_run = await ended("crawl-site", "failed", tried=1, user_id="ann")
    ((title, kind, message),) = await settled(flow_run)
    assert (title, kind, message.partition(" ")[2]) == ("Run Failed", "error", "failed; its log in Prefect has more")
    assert await settled(flow_run) == []
    async with get_client() as client:
        for state in (StateType.RUNNING, StateType.FAILED):
            await client.set_flow_run_state(flow_run, State(type=state), force=True)
    assert len(await settled(flow_run)) == 1


@pytest.mark.parametrize("name", ["analyze-page", "cancel-run", "send-notification"])
async def test_what_only_belongs_to_a_run_does_not_end_it(store, ended, settled, name):
    run = store.start_run(RunSpec(kind="batch", user_id="ann"))
    (told,) = await settled(await ended(name, "failed", user_id="ann", run_id=run.run_id))
    assert told[0] == "Run Failed"
    assert store.get_run(run.run_id).state == RunState.RUNNING


@pytest.mark.parametrize(("name", "state"), [("their-scan", "failed"), ("scan-page", "running")])
async def test_runs_of_others_and_runs_that_are_tried_again_are_left_alone(store, ended, settled, name, state):
    run = store.start_run(RunSpec(kind="scan", user_id="ann"))
    assert await settled(await ended(name, state, user_id="ann", run_id=run.run_id)) == []
    assert store.get_run(run.run_id).state == RunState.RUNNING


@pytest.mark.parametrize("user", ["../ann", 7, {"a": 1}, ""])
async def test_where_its_user_is_no_id_the_operator_is_told(ended, settled, user):
    flow_run = await ended("scan-page", "failed", user_id=user, run_id=["no id"])
    assert [told[0] for told in await settled(flow_run, "local")] == ["Run Failed"]
