"""Workers that die at the worst moment, for real."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest

from tasks.model import FetchOptions
from tasks.scan.records import begin_run, jobs_of, targets_of
from tasks.scan.settings import ScanSettings
from tasks.store import RunSpec, Store, connect

pytestmark = pytest.mark.chaos

WORKER = """
import asyncio, os, sys
from tasks.scan.chunk import Chunk, ChunkJob
from tasks.scan.pipeline import PagePipeline
from tasks.store import Store

judge = PagePipeline.judge

async def deadly(self, page_id, url, answer, **more):
    if url.endswith("/poison"):
        os._exit(9)
    return await judge(self, page_id, url, answer, **more)

PagePipeline.judge = deadly
job = ChunkJob.model_validate_json(sys.argv[1])
with Store.open(job.settings.data) as store:
    asyncio.run(Chunk(job, store).run())
"""


@pytest.fixture
def work(tmp_path, site):
    """A data folder with a run of ``count`` pages, and a way to start a worker on its one chunk."""

    def begin(paths):
        site.pages = {path: f"<title>{path} of the test site, for everybody</title><h1>{path}</h1>" for path in paths}
        options = FetchOptions(allow=(site.host_port,))
        settings = ScanSettings(data=str(tmp_path / "data"), options=options, max_age=0)
        with Store.open(settings.data) as store:
            run = begin_run(store, RunSpec(kind="batch"), targets_of("default", map(site.url, paths)), settings)
            [(job, _)] = jobs_of(store, run, settings, deadline=time.time() + 300)
        # A worker of this process, not of the flow's: its parent is who started it.
        alone = {**json.loads(job.model_dump_json()), "parent_pid": 0}
        return lambda: subprocess.Popen([sys.executable, "-c", WORKER, json.dumps(alone)], stderr=subprocess.DEVNULL)

    return begin


def outcomes(tmp_path):
    with connect(tmp_path / "data") as facts:
        return facts.execute("select url, outcome, reason from pages order by url").fetchall()


def test_a_page_that_kills_its_worker_dies_alone(work, tmp_path, site):
    paths = [f"/{n:02}" for n in range(30)]
    start = work([*paths[:15], "/poison", *paths[15:]])
    codes = []
    for _ in range(6):
        codes.append(start().wait(60))
        if codes[-1] == 0:
            break
    assert codes[-1] == 0
    assert set(codes[:-1]) == {9}
    assert outcomes(tmp_path) == [
        *((site.url(path), "completed", None) for path in paths),
        (site.url("/poison"), "quarantined", "leases-lost"),
    ]


def test_workers_killed_at_random_lose_and_double_nothing(work, tmp_path, site, pytestconfig):
    kills = 5 if pytestconfig.getoption("--short") else 50
    paths = [f"/{n:04}" for n in range(200)]  # one chunk
    dice = random.Random(7)
    start = work(paths)
    for _ in range(kills):
        worker = start()
        time.sleep(dice.uniform(0.8, 1.6))
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
    assert start().wait(120) == 0
    found = outcomes(tmp_path)
    assert [url for url, _, _ in found] == [site.url(path) for path in paths]
