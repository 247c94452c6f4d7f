"""Runs in the catalogue: ids, epochs, ends."""

import pytest

from tasks.errors import InputError, StaleEpoch, StoreError, UnknownRun
from tasks.store import RunSpec, RunState, new_run_id
from tasks.store.part_folder import PartFolder


def test_ids_sort_by_time():
    assert new_run_id(1_795_447_801.0)[:16] == "20261123-153001-"
    assert new_run_id(1_795_447_801.0) < new_run_id(1_795_447_802.0)


def test_run_is_kept_as_given(store):
    spec = RunSpec(
        kind="batch", project_id="p", user_id="u", batch_id="b", recipe="r", options='{"a": 1}', parent_pid=7
    )
    run = store.start_run(spec)
    assert store.get_run(run.run_id) == run
    assert (run.project_id, run.user_id, run.batch_id, run.recipe, run.options, run.parent_pid) == (
        "p", "u", "b", "r", '{"a": 1}', 7,
    )  # fmt: skip
    assert (run.epoch, run.state, run.total, run.finished_at) == (1, RunState.RUNNING, 0, None)


def test_a_run_is_found_by_the_beginning_of_its_id(store):
    first = store.start_run(RunSpec(kind="scan", run_id="20261123-153001-aaaaaa"))
    second = store.start_run(RunSpec(kind="scan", run_id="20261123-153001-aabbbb"))
    assert store.get_run("20261123-153001-aaa").run_id == first.run_id
    assert store.get_run(second.run_id).run_id == second.run_id
    with pytest.raises(InputError, match="several runs begin"):
        store.get_run("20261123")
    for unknown in ("2025", "", "%"):
        with pytest.raises(UnknownRun):
            store.get_run(unknown)
    assert (store.has_run(first.run_id), store.has_run("20261123")) == (True, False)


@pytest.mark.parametrize("bad", ["../../../out/x", "..", ".x", "a/b", "a\\b", "-r", "a b", "a\n", "ä", "x" * 129])
def test_ids_that_would_name_another_folder_are_refused(store, bad):
    with pytest.raises(InputError, match=r"the run id .* cannot be: at most 128 letters, digits and"):
        store.start_run(RunSpec(kind="scan", run_id=bad))
    with pytest.raises(InputError, match="the run id"):
        store.requests.claim("q1", bad, flow="scan-page", user_id="ann")
    assert (store.list_runs(), store.requests.get("q1")) == ([], None)
    for good in ("run-1", "20261123-153001-aaaaaa", "a..b", "A@b=c_d", "x" * 128):
        assert store.start_run(RunSpec(kind="scan", run_id=good)).run_id == good


@pytest.mark.parametrize("outside", ["../x", "/x", "facts/../x", "results/x", "facts/pages/../../../x"])
def test_no_part_lies_outside_the_folder_of_all_parts(tmp_path, outside):
    folder = PartFolder(tmp_path / "data")
    for use in (
        lambda: folder.add(outside, lambda file: file.write(b"x")),
        lambda: folder.remove([outside]),
        lambda: folder.files([outside]),
        lambda: folder.has(outside),
    ):
        with pytest.raises(StoreError, match="is no part: parts lie in"):
            use()
    assert list(tmp_path.iterdir()) == []


def test_newest_run_comes_first(store):
    assert store.latest_run() is None
    ids = [store.start_run(RunSpec(kind="scan")).run_id for _ in range(3)]
    assert [run.run_id for run in store.list_runs()] == ids[::-1]
    assert store.latest_run().run_id == ids[-1]
    assert len(store.list_runs(2)) == 2


@pytest.mark.parametrize("state", RunState)
def test_only_runs_that_did_not_end_are_unfinished(store, begin, state):
    run = begin("https://e.com/")
    if state != RunState.RUNNING:
        store.finish_run(run.run_id, 1, state)
    found = store.find_unfinished("b1")
    expected = state in {RunState.RUNNING, RunState.INTERRUPTED, RunState.FAILED}
    assert (found is not None) == expected
    assert store.find_unfinished("other") is None


def test_resuming_begins_an_epoch_and_frees_leases_unblamed(store, begin):
    run = begin("https://e.com/")
    store.lease(run.run_id, 1, "a", 10, chunk=0)
    store.request_stop(run.run_id)
    assert store.is_stopped(run.run_id, 1)
    resumed = store.resume_run(run.run_id, parent_pid=9)
    assert (resumed.epoch, resumed.stop_requested, resumed.parent_pid) == (2, False, 9)
    assert store.is_stopped(run.run_id, 1)
    assert not store.is_stopped(run.run_id, 2)
    [lease] = store.lease(run.run_id, 2, "b", 10, chunk=0)
    assert lease.leases_lost == 0


def test_an_earlier_epoch_can_do_nothing(store, begin, scanned):
    run = begin("https://e.com/")
    store.lease(run.run_id, 1, "a", 10)
    staged = store.stage(run.run_id, "k", [scanned("https://e.com/")])
    store.resume_run(run.run_id)
    for act in (
        lambda: store.commit(run.run_id, 1, "a", staged),
        lambda: store.lease(run.run_id, 1, "a", 10),
        lambda: store.renew(run.run_id, 1, "a"),
        lambda: store.finish_run(run.run_id, 1, RunState.COMPLETED),
    ):
        with pytest.raises(StaleEpoch, match="epoch 2, this is 1"):
            act()
    assert store.progress(run.run_id).pending == 1


def test_rate_counts_the_pages_of_the_last_epoch(store, begin, scanned):
    run = begin("https://e.com/1", "https://e.com/2", "https://e.com/3")
    store.mark_first_request(run.run_id, 1000.0)
    store.write_commit(run.run_id, 1, "a", "k1", [scanned("https://e.com/1")])
    store.resume_run(run.run_id)
    store.write_commit(run.run_id, 2, "a", "k2", [scanned("https://e.com/2"), scanned("https://e.com/3")])
    last_commit = store.get_run(run.run_id).last_commit_at.timestamp()
    store.mark_first_request(run.run_id, last_commit - 3)
    store.mark_first_request(run.run_id, last_commit - 4)
    store.mark_first_request(run.run_id, last_commit - 1)
    ended = store.finish_run(run.run_id, 2, RunState.COMPLETED)
    assert ended.pages_per_second == pytest.approx(2 / 4, rel=1e-3)
    assert (ended.incomplete, ended.incomplete_reason) == (False, None)


@pytest.mark.parametrize("late", [RunState.INTERRUPTED, RunState.FAILED])
def test_a_cancelled_run_stays_so_when_its_process_ends_later(store, begin, late):
    run = begin("https://e.com/")
    cancelled = store.finish_run(run.run_id, 1, RunState.CANCELLED, incomplete_reason="cancelled")
    assert store.finish_run(run.run_id, 1, late, error="stopped") == cancelled
    assert store.resume_run(run.run_id).state == RunState.RUNNING
    assert store.finish_run(run.run_id, 2, late).state == late


def test_a_run_that_was_cancelled_with_its_last_page_in_flight_is_completed(store, begin, scanned):
    run = begin("https://e.com/")
    store.finish_run(run.run_id, 1, RunState.CANCELLED, incomplete_reason="cancelled")
    store.write_commit(run.run_id, 1, "a", "k", [scanned("https://e.com/")])
    ended = store.finish_run(run.run_id, 1, RunState.COMPLETED)
    assert (ended.state, ended.incomplete) == (RunState.COMPLETED, False)


def test_a_run_with_pages_left_is_incomplete(store, begin):
    run = begin("https://e.com/")
    ended = store.finish_run(run.run_id, 1, RunState.FAILED, error="disk full")
    assert (ended.incomplete, ended.incomplete_reason, ended.error) == (True, "1 page left", "disk full")
    assert ended.pages_per_second is None
