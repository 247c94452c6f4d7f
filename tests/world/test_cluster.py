"""Chunks on a real Dask cluster of three worker processes."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributed import Client

from tests.loopback import free_port
from tests.world.clusters import assert_equal_despite_a_loss
from tests.world.prefect_world import World

pytestmark = pytest.mark.world

WORKERS = 3


@dataclass(frozen=True)
class Dask:
    """A scheduler and workers in processes of their own; ``client`` looks at what they do."""

    address: str
    client: Client

    def all_busy(self):
        """Process ids of the workers, when each has a chunk in hand."""
        busy = [worker for worker, keys in self.client.processing().items() if any("chunk" in key for key in keys)]
        return list(self.client.run(os.getpid, workers=busy).values()) if len(busy) == WORKERS else None


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
            yield Dask(address, client)
    finally:
        ended = [world.stop(name, signal.SIGINT) for name in ("workers", "scheduler")]
    assert ended == [0, 0]
    assert "Traceback" not in world.log("workers")


def test_a_batch_that_loses_a_worker_equals_one_on_the_process_pool(tmp_path, docs_site, dask, seo, served_environment):
    assert_equal_despite_a_loss(tmp_path, docs_site, seo, served_environment, dask.address, dask.all_busy)
