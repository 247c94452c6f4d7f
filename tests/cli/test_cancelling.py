"""`seo cancel`."""

from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client

from deployments.cli.start import needs_prefect
from tasks.store import RunSpec, RunState, Store, Target
from tests.cli.conftest import HOME, in_a_process

WAITING = "20260301-120000-abcdef"
ELSEWHERE = "20260301-120000-ghjkmn"


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "data") as store:
        yield store


def unfinished(store):
    run = store.start_run(RunSpec(kind="batch", recipe="r", batch_id="b", user_id="ann"))
    store.add_targets(run, [Target(HOME, "p1")])
    return run


def test_a_run_that_has_ended_is_not_cancelled(seo, store, tmp_path):
    run = unfinished(store)
    store.finish_run(run.run_id, run.epoch, RunState.COMPLETED)
    status, out, err = seo("cancel", run.run_id, "--data", tmp_path / "data")
    assert (status, out) == (2, "")
    assert err == f"seo: run {run.run_id} is completed: there is nothing to cancel\n"


def test_a_run_that_is_not_there_is_named_with_the_nearest(seo, store, tmp_path):
    run = unfinished(store)
    status, out, err = seo("cancel", "nonsense", "--data", tmp_path / "data")
    assert (status, out) == (2, "")
    assert f"no run nonsense in {tmp_path / 'data'}: did you mean {run.run_id}?" in err


def _queued():
    """A deployment's run that waits for its turn."""
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow_from_name("batch-scan"), "default")
        return str(client.create_flow_run_from_deployment(deployment).id)


@pytest.mark.usefixtures("prefect_db")
def test_an_interrupted_run_and_one_that_waits_are_cancelled_and_their_user_told(store, tmp_path):
    data = tmp_path / "data"
    run = unfinished(store)
    store.finish_run(run.run_id, run.epoch, RunState.INTERRUPTED)
    for request_id, run_id, made in (("r1", WAITING, _queued()), ("r2", ELSEWHERE, str(uuid4()))):
        store.requests.claim(request_id, run_id, flow="batch-scan", user_id="ann", flow_run_id=made, origin="api")
    goes_on = f"0 of 1 pages are done; `seo resume {run.run_id} --data {data}` goes on"
    assert in_a_process("cancel", run.run_id, "--data", data) == (0, f"run {run.run_id} cancelled: {goes_on}\n", "")
    assert in_a_process("cancel", WAITING, "--data", data) == (0, f"run {WAITING} had not begun and will not\n", "")
    status, out, err = in_a_process("cancel", ELSEWHERE, "--data", data)
    assert (status, out) == (2, "")
    assert err.startswith(f"seo: run {ELSEWHERE} waits at another server of Prefect than this one")
    assert store.get_run(run.run_id).state == RunState.CANCELLED
    titles = [told.title for told in store.notifications.list("ann")]
    assert titles == ["Cancellation Failed", "Run Cancelled", "Run Cancelled"]


def test_it_needs_prefect():
    assert needs_prefect(["cancel", WAITING])
