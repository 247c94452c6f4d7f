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
READERS = 2
SIZES = (1, 100, 1000)
PROMISED_MS = {1: 100, 100: 100, 1000: 300}
"""What the 95th percentile of commits of so many pages to one folder stays below, where nobody else needs the cores."""


def test_writers_readers_and_the_compactor_of_one_folder(tmp_path, short, record):
    figures, times = under_load(tmp_path, 10 if short else 50, folder_of=lambda _: tmp_path / "data")
    if not short:  # a short form is half over before all processes are warm
        p95 = {size: share(taken, 0.95) for size, taken in times.items()}
        assert {size: ms for size, ms in p95.items() if ms > PROMISED_MS[size]} == {}
    record("store-load", **figures)


def test_writers_readers_and_the_compactor_on_machines_of_their_own(tmp_path, short, record, monkeypatch):
    with servers(durable=not short) as running:
        for name, value in running.variables().items():
            monkeypatch.setenv(name, value)
        figures, _ = under_load(tmp_path, 4 if short else 50, folder_of=lambda name: tmp_path / name)
    record("store-load-shared", **figures)


def under_load(tmp_path, commits, *, folder_of):
    """Figures, and seconds of each commit by its number of pages; ``folder_of`` is the data folder of a process."""
    runs = {}
    with Store.open(folder_of("starter")) as store:
        for size in SIZES:
            run = store.start_run(RunSpec(kind="batch", recipe="r", batch_id=str(size)))
            count = WRITERS * commits * size
            urls = [f"https://e.com/{size}/{n}" for n in range(count)]
            store.add_targets(run, [Target(url, page_id("default", url)) for url in urls])
            store.assign_chunks(run, commits * size)
            runs[run.run_id] = size
    stop = tmp_path / "STOP"
    with ExitStack() as stack:
        around = [
            stack.enter_context(started(verb, folder_of(name), stop))
            for verb, name in (("compact", "compactor"), *(("read", f"reader-{n}") for n in range(READERS)))
        ]
        writers = [
            stack.enter_context(started("write", folder_of(f"writer-{n}"), n, *(f"{run}:{runs[run]}" for run in runs)))
            for n in range(WRITERS)
        ]
        try:
            written = begun_together(writers)
        finally:
            stop.touch()
        compacted, *looks = map(ended, around)
    assert compacted["made"]
    assert all(look["times"] for look in looks)
    times = {size: [one for writer in written for one in writer[str(size)]] for size in SIZES}
    assert {size: len(taken) for size, taken in times.items()} == dict.fromkeys(SIZES, WRITERS * commits)
    wrong = [error for look in looks for error in look["wrong"]]
    rows, distinct = counted(folder_of("another"))
    expected = WRITERS * commits * sum(SIZES)
    assert (wrong, distinct, rows) == ([], expected, expected)
    assert_whole(folder_of("starter"), runs, commits)
    p95 = {f"p95_ms_of_{size}": round(share(taken, 0.95)) for size, taken in times.items()}
    slowest = max(share(look["times"], 1) for look in looks)
    return {
        "commits": WRITERS * commits * len(SIZES),
        **p95,
        "lost": expected - distinct,
        "doubled": rows - distinct,
        "looks": sum(len(look["times"]) for look in looks),
        "reader_errors": len(wrong),
        "slowest_look_ms": round(slowest),
        "parts_merged": compacted["merged"],
    }, times


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
            assert store.progress(run_id).failed == WRITERS * commits * size
        store.upkeep.compact(above=1)
        store.upkeep.sweep(grace_s=0)
        assert store.upkeep.check() == []
