"""Chunks on a real Ray cluster of three worker processes. Ray takes 800 MB, so that this is run by command:

uv run --extra ray pytest -n0 -m world tests/world/on_ray.py
"""

import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.loopback import free_port
from tests.world.clusters import assert_equal_despite_a_loss

pytestmark = pytest.mark.world

WORKERS = 3


@pytest.fixture
def ray(environment, seo):
    command, port = Path(seo).parent / "ray", free_port()
    ports = ("--port", str(free_port()), "--ray-client-server-port", str(port))
    line = ("start", "--head", "--num-cpus", str(WORKERS), "--include-dashboard", "false", "--disable-usage-stats")
    with tempfile.TemporaryDirectory(prefix="ray") as folder:  # short: sockets lie in it
        subprocess.run([command, *line, *ports, "--temp-dir", folder], env=environment, check=True)
        try:
            yield f"ray://127.0.0.1:{port}"
        finally:
            subprocess.run([command, "stop", "--force"], env=environment, check=True)


def all_busy():
    """Process ids of the workers, when each has a chunk in hand: Ray names its processes for what they do."""
    pids = [
        int(process.parent.name)
        for process in Path("/proc").glob("[0-9]*/cmdline")
        if process.read_bytes().startswith(b"ray::scan-chunk")
    ]
    return pids if len(pids) == WORKERS else None


def test_a_batch_that_loses_a_worker_equals_one_on_the_process_pool(tmp_path, docs_site, ray, seo, served_environment):
    assert_equal_despite_a_loss(tmp_path, docs_site, seo, served_environment, ray, all_busy)
