"""Whether the process that drives a run still does."""

import os
import subprocess
import sys
import time

import pytest

from tasks.store import RunSpec, RunState, Target, driver
from tasks.store.schema import runs


@pytest.fixture
def other():
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def begin(store, monkeypatch):
    """Starts a run that a process of another machine drives, or of this one."""

    def begin(pid, node=None):
        with monkeypatch.context() as there:
            if node:
                there.setattr(driver.platform, "node", lambda: node)
            driver.this_node.cache_clear()
            run = store.start_run(RunSpec(kind="batch", parent_pid=pid))
        driver.this_node.cache_clear()
        return run.run_id

    return begin


def _taken(store, run_id, seconds_ago):
    with store._catalogue.write() as connection:
        connection.execute(runs.update().where(runs.c.run_id == run_id).values(taken_at=time.time() - seconds_ago))


def test_a_process_of_this_machine_is_looked_for(store, begin, other):
    run_id = begin(other.pid)
    assert store.driver_of(run_id) == f"process {other.pid}"
    other.stdin.close()
    other.wait()
    assert store.driver_of(run_id) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a process began")
def test_a_process_that_began_after_the_run_was_taken_has_anothers_number(store, begin, other):
    run_id = begin(other.pid)
    _taken(store, run_id, 86400)
    assert store.driver_of(run_id) is None


def test_nobody_else_drives_ones_own_run_nor_one_that_has_ended(store, begin, other):
    assert store.driver_of(begin(os.getpid())) is None
    ended = begin(other.pid)
    store.finish_run(ended, 1, RunState.FAILED)
    assert store.driver_of(ended) is None
    assert store.driver_of("no such run") is None


@pytest.mark.parametrize("pid", [1, 2**22 + 1])
def test_a_process_of_another_machine_counts_for_two_minutes_after_its_last_sign(store, begin, pid):
    """Whatever process has its number here."""
    run_id = begin(pid, node="elsewhere")
    there = f"process {pid} of elsewhere (which counts as gone 120 seconds after its last sign)"
    assert store.driver_of(run_id) == there
    for seconds_ago in (121, -86400):  # or its clock was a day ahead
        _taken(store, run_id, seconds_ago)
        assert store.driver_of(run_id) is None


def test_a_sign_of_the_driver_counts_and_one_of_an_earlier_driver_does_not(store, begin):
    run_id = begin(7, node="elsewhere")
    _taken(store, run_id, 3600)
    store.show_sign(run_id, 2)
    assert store.driver_of(run_id) is None
    store.show_sign(run_id, 1)
    assert store.driver_of(run_id).startswith("process 7 of elsewhere")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a machine is told by its name")
@pytest.mark.parametrize("mark", ["BOOT", "PROCESSES"])
def test_machines_and_containers_of_one_name_are_told_apart(store, monkeypatch, tmp_path, other, mark):
    """Such as clones of one image, or containers that share their host's network: no process has that number here."""
    other.stdin.close()
    other.wait()
    there = tmp_path / "mark"
    there.write_text("another\n")
    link = tmp_path / "link"
    link.symlink_to("pid:[7]")
    with monkeypatch.context() as clone:
        clone.setattr(driver, mark, there if mark == "BOOT" else link, raising=False)
        driver.this_node.cache_clear()
        run_id = store.start_run(RunSpec(kind="batch", parent_pid=other.pid)).run_id
    driver.this_node.cache_clear()
    assert store.driver_of(run_id).startswith(f"process {other.pid} of {driver.platform.node()} (")


def test_leased_pages_are_a_sign_of_another_machine(store, begin):
    run_id = begin(7, node="elsewhere")
    run = store.get_run(run_id)
    store.add_targets(run, [Target("https://e.com/", "p")])
    store.assign_chunks(run, 1)
    _taken(store, run_id, 3600)
    store.lease(run_id, 1, "elsewhere/7/x", 1, chunk=0)
    assert store.driver_of(run_id).startswith("process 7 of elsewhere")
    store.release(run_id, 1, "elsewhere/7/x")
    assert store.driver_of(run_id) is None
