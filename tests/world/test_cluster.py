"""A batch and a crawl whose chunks are worked on by a real Dask cluster, one worker of it killed on the way."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributed import Client

from tests.world.conftest import free_port
from tests.world.facts import differing, rows, wait_for_pages
from tests.world.prefect_world import World, until

pytestmark = pytest.mark.world

WORKERS = 3
FAST = ("--rate", "0", "--concurrency", "32")


@dataclass(frozen=True)
class Dask:
    """A scheduler and workers in processes of their own; ``client`` looks at what they do."""

    address: str
    client: Client

    def busy(self):
        """Process ids of the workers that have a chunk in hand."""
        pids = self.client.run(os.getpid)
        return [pids[worker] for worker, keys in self.client.processing().items() if keys and worker in pids]

    def workers_of(self, chunk):
        """Addresses of the workers that ended chunks of that kind."""
        return {ended["worker"] for ended in self.client.get_task_stream() if ended["key"].startswith(chunk)}


@pytest.fixture(scope="module")
def dask(tmp_path_factory, environment, seo):
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    world = World(tmp_path_factory.mktemp("dask"), port, Path(seo).parent, environment)
    here = ("--host", "127.0.0.1", "--no-dashboard")
    world.start("scheduler", "dask", "scheduler", "--port", port, *here)
    world.start("workers", "dask", "worker", address, "--nworkers", WORKERS, "--nthreads", "1", *here)
    try:
        with Client(address, timeout=30, set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=60)
            client.get_task_stream()  # from now on it is recorded
            yield Dask(address, client)
    finally:
        ended = [world.stop(name, signal.SIGINT) for name in ("workers", "scheduler")]
    assert ended == [0, 0]
    assert "Traceback" not in world.log("workers")


def run(command, environment, **more):
    return subprocess.Popen(
        command, env={**environment, **more}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finished(command):
    _, errors = command.communicate(timeout=240)
    assert command.returncode == 0, errors
    return errors


def test_a_batch_on_a_cluster_that_loses_a_worker_equals_one_on_the_process_pool(
    tmp_path, docs_site, dask, seo, served_environment
):
    listed = tmp_path / "listed.txt"
    listed.write_text("\n".join(docs_site.urls("py", "dj")[:700]))

    def line(data):
        return [seo, "batch", str(listed), "--data", str(data), "--allow", docs_site.host_port, *FAST]

    here, there = tmp_path / "here", tmp_path / "there"
    finished(run(line(here), served_environment))
    begun = run(line(there), served_environment, SEO_CLUSTER=dask.address)
    wait_for_pages(there, 100)
    os.kill(until(dask.busy, what="a busy worker")[0], signal.SIGKILL)
    finished(begun)
    assert len(dask.workers_of("scan_chunk")) >= WORKERS
    assert rows(there, "SELECT count(*), count(DISTINCT url) FROM pages") == [(700, 700)]
    for table in ("pages", "links", "issues", "results", "images"):
        assert differing(there, here, table) == [], table
