"""The template of jobs on a real cluster: shards in pods of their own, and a run whose pod is gone goes on in another.

By command, as root, with `kubectl` on a cluster of this machine that has the image seo-scan:0.1.0 and gives claims a
volume, and this machine's address as pods reach it:

    SEO_TEST_ADDRESS=192.168.1.2 uv run --with prefect-kubernetes pytest -n0 -m kubernetes
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from flows.registry import SHARD_POOL, WORK_POOL
from tests.numbered_site import PAGES, numbered_sites
from tests.world.prefect_world import prefect_world, processes_with, until

pytestmark = pytest.mark.kubernetes

TEMPLATE = Path(__file__).parents[2] / "deployments" / "kubernetes.json"
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "seo-data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
IN_FLIGHT = 16
RATE = 2


@pytest.fixture(scope="module")
def address():
    return os.environ["SEO_TEST_ADDRESS"]


@pytest.fixture
def sites():
    """Two, which are two hosts."""
    with numbered_sites(2) as sites:
        yield sites


@pytest.fixture(scope="module")
def world(tmp_path_factory, address):
    kubectl("apply", "-f", "-", given=json.dumps(CLAIM))
    folder = tmp_path_factory.mktemp("kubernetes")
    with prefect_world(folder, PREFECT_SERVER_API_HOST="0.0.0.0", PREFECT_WORKER_QUERY_SECONDS="2") as world:
        world.environment["PREFECT_API_URL"] = f"http://{address}:{world.port}/api"
        as_documented = (
            ("prefect", "work-pool", "create", WORK_POOL, "--type", "kubernetes", "--base-job-template", TEMPLATE),
            ("seo", "blocks", "store", "/data"),
            ("seo", "deploy"),
        )
        for command in as_documented:
            done = world.run(*command)
            assert done.returncode == 0, done.stderr
        for pool in (WORK_POOL, SHARD_POOL):
            world.start(pool, "prefect", "worker", "start", "--pool", pool)
        yield world


def kubectl(*arguments, given=None):
    command = ("kubectl", *arguments)
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=120).stdout


def pod_of(flow_run):
    """The pod that runs it; None where none does."""
    pods = json.loads(kubectl("get", "pods", "-o", "json"))["items"]
    for pod in pods:
        [container] = pod["spec"]["containers"]
        variables = {one["name"]: one.get("value") for one in container.get("env", ())}
        running = pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        if running and variables.get("PREFECT__FLOW_RUN_ID") == flow_run:
            return pod["metadata"]["name"]
    return None


def test_shards_run_in_pods_of_their_own(world, address, sites):
    urls = [f"http://{address}:{port}/{n}" for port in sites.ports for n in range(PAGES)]
    allowed = [f"{address}:{port}" for port in sites.ports]
    world.ask_for("batch-scan", urls=urls, shards=2, user_id="ann", options={"allow": allowed, "rate": 0})
    run = world.ended("batch-scan", 400)
    assert run["state_type"] == "COMPLETED", run["state"]
    assert [shard["state_type"] for shard in world.flow_runs("scan-shard")] == ["COMPLETED"] * 2
    assert sites.asked == sites.once


@pytest.mark.parametrize("how", ["evicted", "killed"])
def test_a_run_whose_pod_is_gone_goes_on_in_another(how, world, address, sites, record):
    port = sites.ports[0]
    start = f"http://{address}:{port}/0"
    options = {"allow": [f"{address}:{port}"], "rate": RATE}
    world.ask_for("crawl-site", start_url=start, user_id=how, options=options)
    [flow_run] = until(lambda: world.flow_runs("crawl-site", user_id=how), what="the flow run")
    until(lambda: len(sites.asked) > PAGES // 4, 240, what="a quarter of the pages")
    first = pod_of(flow_run["id"])
    before = len(sites.asked)
    if how == "evicted":
        kubectl("delete", "pod", first, "--wait=false")
    else:
        for process in processes_with(f"PREFECT__FLOW_RUN_ID={flow_run['id']}"):
            os.kill(process, signal.SIGKILL)
    until(lambda: (pod_of(flow_run["id"]) or first) != first, 120, what="another pod")
    run = world.ended("crawl-site", 400, user_id=how)
    again = sum(sites.asked.values()) - PAGES
    assert run["state_type"] == "COMPLETED", run["state"]
    assert len(sites.asked) == PAGES
    assert again <= IN_FLIGHT

    def told():
        return [one["parameters"]["message"] for one in world.flow_runs("send-notification", user_id=how)]

    until(lambda: any(f"{PAGES} of {PAGES} pages scanned" in message for message in told()), what="the notification")
    record(f"pod-{how}", pages=PAGES, before=before, fetched_again=again, lost=PAGES - len(sites.asked))
