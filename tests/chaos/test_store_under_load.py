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
SIZES = (1, 100, 1000)


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
    """Figures of ``commits`` of each writer and size; ``folder_of`` is the data folder of a process."""
    runs = {}
    with Store.open(folder_of("starter")) as store:
        for size in SIZES:
            run = store.start_run(RunSpec(kind="batch", recipe="r", batch_id=str(size)))
            urls = [f"https://e.com/{size}/{n}" for n in range(writers * commits * size)]
            store.add_targets(run, [Target(url, page_id("default", url)) for url in urls])
            store.assign_chunks(run, commits * size)
            runs[run.run_id] = size
    stop = tmp_path / "STOP"
    stop.unlink(missing_ok=True)
    with ExitStack() as stack:
        around = [stack.enter_context(started(verb, folder_of(f"{verb}-{n}"), stop)) for n, verb in enumerate(others)]
        working = [
            stack.enter_context(started("write", folder_of(f"writer-{n}"), n, *(f"{run}:{runs[run]}" for run in runs)))
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
    times = {size: list(zip(*(one for writer in written for one in writer[str(size)]), strict=True)) for size in SIZES}
    assert {size: len(whole) for size, (_, whole) in times.items()} == dict.fromkeys(SIZES, writers * commits)
    wrong = [error for look in looks for error in look["wrong"]]
    rows, distinct = counted(folder_of("another"))
    expected = writers * commits * sum(SIZES)
    assert (wrong, distinct, rows) == ([], expected, expected)
    assert_whole(folder_of("starter"), runs, writers * commits)
    return {
        "commits": writers * commits * len(SIZES),
        **{f"p95_ms_of_{size}": round(share(taken[1], 0.95)) for size, taken in times.items()},
        **{f"transaction_p95_ms_of_{size}": round(share(taken[0], 0.95)) for size, taken in times.items()},
        "lost": expected - distinct,
        "doubled": rows - distinct,
        "looks": sum(len(look["times"]) for look in looks),
        "reader_errors": len(wrong),
        "slowest_look_ms": round(max((share(look["times"], 1) for look in looks), default=0)),
        "parts_merged": merged,
    }


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
        for run_id, size in runs.items():
            store.finish_run(run_id, 1, RunState.COMPLETED)
            assert store.progress(run_id).failed == commits * size
        store.upkeep.compact(above=1)
        store.upkeep.sweep(grace_s=0)
        assert store.upkeep.check() == []
