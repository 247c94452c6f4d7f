"""Four writers, two readers and the compactor at once: nothing lost, nothing twice, no error, short commits."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.store import RunSpec, RunState, Store, Target, connect

pytestmark = pytest.mark.chaos

LOAD = Path(__file__).with_name("store_load.py")
WRITERS = 4
READERS = 2
SIZES = (1, 100, 1000)
PROMISED_MS = 100
"""What the 95th percentile of commits is to stay below; told, since a busy machine proves nothing."""


def start(*arguments):
    return subprocess.Popen([sys.executable, LOAD, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def ended(process):
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return json.loads(out)


def share(times, part):
    """Milliseconds that ``part`` of the times stay within."""
    return 1000 * sorted(times)[min(int(part * len(times)), len(times) - 1)]


def test_writers_readers_and_the_compactor_at_once(tmp_path, pytestconfig, capsys):
    commits = 10 if pytestconfig.getoption("--short") else 50
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        runs = {}
        for size in SIZES:
            run = store.start_run(RunSpec(kind="batch", recipe="r", batch_id=str(size)))
            count = WRITERS * commits * size
            store.add_targets(run, [Target(f"https://e.com/{size}/{n}", f"{size}-{n}") for n in range(count)])
            store.assign_chunks(run, commits * size)
            runs[run.run_id] = size
    named = [f"{run_id}:{size}" for run_id, size in runs.items()]
    around = [start("compact", folder), *(start("read", folder) for _ in range(READERS))]
    writers = [start("write", folder, chunk, *named) for chunk in range(WRITERS)]
    try:
        times = [ended(writer) for writer in writers]
    finally:
        (folder / "STOP").touch()
    compacted, *looks = map(ended, around)
    figures = []
    for size in SIZES:
        taken = [one for writer in times for one in writer[str(size)]]
        assert len(taken) == WRITERS * commits
        assert max(taken) < 30
        p50, p95, most = (share(taken, part) for part in (0.5, 0.95, 1))
        figures.append(f"{size:>5} rows: p50 {p50:.1f} ms, p95 {p95:.1f} ms (≤ {PROMISED_MS}), most {most:.0f} ms")
    for look in looks:
        assert look["wrong"] == []
        assert look["times"]
        figures.append(
            f"reader: {len(look['times'])} looks, p50 {share(look['times'], 0.5):.0f} ms, "
            f"most {share(look['times'], 1):.0f} ms"
        )
    assert compacted["made"]
    figures.append(f"compactor: {compacted['merged']} parts became {compacted['made']}, {compacted['deleted']} deleted")
    with connect(folder) as db:
        for run_id, size in runs.items():
            counts = db.execute("SELECT count(*), count(DISTINCT page_id) FROM pages WHERE run_id = ?", [run_id])
            assert counts.fetchone() == (WRITERS * commits * size,) * 2
    with Store.open(folder) as store:
        for run_id, size in runs.items():
            store.finish_run(run_id, 1, RunState.COMPLETED)
            assert store.progress(run_id).failed == WRITERS * commits * size
        store.upkeep.compact(above=1)
        store.upkeep.sweep(grace_s=0)
        assert store.upkeep.check() == []
    with capsys.disabled():
        print("", f"{WRITERS} writers × {commits} commits, {READERS} readers, compactor", *figures, sep="\n  ")  # noqa: T201 - to be quoted
