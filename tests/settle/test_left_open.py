"""Which run a failed or crashed run of Prefect left behind."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.settle.task import EndedRun, _is_open, _run_of
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
    return EndedRun(
        flow="crawl-site",
        name="crawl",
        state="crashed",
        user_id="ann",
        run_count=1,
        deployed=True,
        ended_at=at,
        **known,
    )


def test_it_is_the_one_that_it_drove(store, run):
    after = datetime.now(UTC) + timedelta(hours=1)
    assert _run_of(store, _ended(after)) == run
    assert _run_of(store, _ended(after, flow_run_id="f2", run_id=run.run_id)) == run
    assert _run_of(store, _ended(after, flow_run_id="f2")) is None


def test_what_nobody_works_on_any_more_is_open(run):
    assert _is_open(run, _ended(datetime.now(UTC) + timedelta(hours=1)))
    assert _is_open(run, _ended(None))


def test_a_run_that_was_resumed_since_is_left_to_who_resumed_it(store, run):
    ended = datetime.now(UTC)
    assert not _is_open(store.resume_run(run.run_id), _ended(ended))


def test_who_notices_the_end_after_another_took_the_run_leaves_it_to_that_one(store, run):
    noticed = datetime.now(UTC) + timedelta(hours=1)
    resumed = store.resume_run(run.run_id, flow_run_id="f2")
    assert not _is_open(resumed, _ended(noticed))
    assert not _is_open(resumed, _ended(noticed, flow_run_id="f3", run_id=run.run_id))
    assert _is_open(resumed, _ended(noticed, flow_run_id="f2"))


def test_what_has_ended_is_not_open(store, run):
    ended = _ended(datetime.now(UTC) + timedelta(hours=1))
    assert not _is_open(store.finish_run(run.run_id, 1, RunState.FAILED), ended)
