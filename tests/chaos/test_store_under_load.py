"""Four writers, two readers and the compactor at once: nothing lost, nothing twice, no error, short commits."""

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tasks.store import RunSpec, RunState, Store, Target, connect
from tasks.urls import page_id
from tests.world.shared_store import servers

pytestmark = pytest.mark.chaos

LOAD = Path(__file__).with_name("store_load.py")
WRITERS = 4
OTHERS = ("compact", "read", "read")
LOADS = {
    "1": (1, "failed"),
    "100": (100, "failed"),
    "1000": (1000, "failed"),
    "1_read": (1, "read"),
    "10_read": (10, "read"),
}
"""Pages of a commit, and what they are: failed ones have a row each, those that were read a hundred."""


def test_writers_readers_and_the_compactor_of_one_folder(tmp_path, short, record):
    commits = 10 if short else 50
    alone = under_load(tmp_path, commits, folder_of=lambda _: tmp_path / "alone", writers=1, others=())
    figures = under_load(tmp_path, commits, folder_of=lambda _: tmp_path / "data")
    record("store-load", **figures, **{f"alone_{name}": ms for name, ms in alone.items() if name.startswith("p95")})


def test_writers_readers_and_the_compactor_on_machines_of_their_own(tmp_path, short, record, monkeypatch):
    with servers(durable=not short) as running:
        for name, value in running.variables().items():
            monkeypatch.setenv(name, value)
        figures = under_load(tmp_path, 4 if short else 50, folder_of=lambda name: tmp_path / name)
    record("store-load-shared", **figures)


def under_load(tmp_path, commits, *, folder_of, writers=WRITERS, others=OTHERS):
    """Figures of ``commits`` of each writer and load; ``folder_of`` is the data folder of a process."""
    runs = {}
    with Store.open(folder_of("starter")) as store:
        for name, (size, _) in LOADS.items():
            run = store.start_run(RunSpec(kind="batch", recipe="r", batch_id=name))
            urls = [f"https://e.com/{name}/{n}" for n in range(writers * commits * size)]
            store.add_targets(run, [Target(url, page_id("default", url)) for url in urls])
            store.assign_chunks(run, commits * size)
            runs[run.run_id] = name
    stop = tmp_path / "STOP"
    stop.unlink(missing_ok=True)
    with ExitStack() as stack:
        around = [stack.enter_context(started(verb, folder_of(f"{verb}-{n}"), stop)) for n, verb in enumerate(others)]
        working = [
            stack.enter_context(started("write", folder_of(f"writer-{n}"), n, *map(spoken, runs.items())))
            for n in range(writers)
        ]
        try:
            written = begun_together(working)
        finally:
            stop.touch()
        seen = list(map(ended, around))
    looks = [one for verb, one in zip(others, seen, strict=True) if verb == "read"]
    merged = sum(one["merged"] for verb, one in zip(others, seen, strict=True) if verb == "compact")
    assert bool(merged) == ("compact" in others)
    assert all(look["times"] for look in looks)
    times = {
        name: list(zip(*(one for writer in written for one in writer[run]), strict=True)) for run, name in runs.items()
    }
    assert {name: len(whole) for name, (_, whole) in times.items()} == dict.fromkeys(LOADS, writers * commits)
    wrong = [error for look in looks for error in look["wrong"]]
    rows, distinct = counted(folder_of("another"))
    expected = writers * commits * sum(size for size, _ in LOADS.values())
    assert (wrong, distinct, rows) == ([], expected, expected)
    assert_whole(folder_of("starter"), runs, writers * commits)
    return {
        "commits": writers * commits * len(LOADS),
        **{f"p95_ms_of_{name}": round(share(taken[1], 0.95)) for name, taken in times.items()},
        **{f"transaction_p95_ms_of_{name}": round(share(taken[0], 0.95)) for name, taken in times.items()},
        "lost": expected - distinct,
        "doubled": rows - distinct,
        "looks": sum(len(look["times"]) for look in looks),
        "reader_errors": len(wrong),
        "slowest_look_ms": round(max((share(look["times"], 1) for look in looks), default=0)),
        "parts_merged": merged,
    }


def spoken(run):
    """A run and its load, as a writer takes it."""
    run_id, name = run
    size, kind = LOADS[name]
    return f"{run_id}:{size}:{kind}"


@contextmanager
def started(*arguments):
    command = [sys.executable, LOAD, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def begun_together(writers):
    """What the writers measured, who all have their pages before the first commits."""
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    return list(map(ended, writers))


def ended(process):
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    return json.loads(out)


def share(times, part):
    """Milliseconds that ``part`` of the times stay within."""
    return 1000 * sorted(times)[min(int(part * len(times)), len(times) - 1)]


def counted(folder):
    """Rows, and pages, of all runs."""
    with connect(folder) as db:
        return db.execute("SELECT count(*), count(DISTINCT (run_id, page_id)) FROM pages").fetchone()


def assert_whole(folder, runs, commits):
    with Store.open(folder) as store:
        for run_id, name in runs.items():
            store.finish_run(run_id, 1, RunState.COMPLETED)
            size, kind = LOADS[name]
            progress = store.progress(run_id)
            assert {"failed": progress.failed, "read": progress.completed}[kind] == commits * size
        store.upkeep.compact(above=1)
        store.upkeep.sweep(grace_s=0)
        assert store.upkeep.check() == []
