"""Which run a failed or crashed run of Prefect left behind."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.settle.task import EndedRun, _left_open
from tasks.store import RunSpec, RunState, Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path) as store:
        yield store


@pytest.fixture
def run(store):
    return store.start_run(RunSpec(kind="crawl", prefect_flow_run_id="f1", start_url="https://e.com/"))


def _ended(at, **known):
    known = {"flow_run_id": "f1", "run_id": None} | known
    return EndedRun(name="crawl", state="crashed", user_id="ann", ended_at=at, **known)


def test_it_is_the_one_that_it_drove(store, run):
    after = datetime.now(UTC) + timedelta(minutes=1)
    assert _left_open(store, _ended(after)).run_id == run.run_id
    assert _left_open(store, _ended(None)).run_id == run.run_id
    assert _left_open(store, _ended(after, flow_run_id="f2", run_id=run.run_id)).run_id == run.run_id
    assert _left_open(store, _ended(after, flow_run_id="f2")) is None


def test_a_run_that_was_resumed_since_is_left_to_who_resumed_it(store, run):
    ended = datetime.now(UTC)
    store.resume_run(run.run_id)
    assert _left_open(store, _ended(ended)) is None


def test_what_has_ended_is_not_open(store, run):
    store.finish_run(run.run_id, 1, RunState.FAILED)
    assert _left_open(store, _ended(datetime.now(UTC) + timedelta(minutes=1))) is None
