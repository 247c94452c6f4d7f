"""compose.yaml on a real Docker: what containers may do, a run whose container dies, shards in containers of their own.

By command, as root, with Docker and Compose of this machine and 127.0.0.1:4200 free; the image is built:

    uv run --with prefect-docker pytest -n0 -m containers
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from flows.registry import SHARD_POOL
from tests.numbered_site import PAGES, numbered_sites
from tests.world.prefect_world import World, processes_with, until

pytestmark = pytest.mark.containers

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
NAME = "seo-scan-test"
IN_FLIGHT = 16
RATE = 2


@dataclass
class Compose(World):
    """The services of compose.yaml, under a name of their own; ``seo`` and ``prefect`` of the host run against them."""

    def __call__(self, *arguments):
        return docker(
            *("compose", "--file", DEPLOYMENTS / "compose.yaml", "--env-file", self.folder / "compose.env"),
            *("--project-name", NAME, *arguments),
        )

    def flow_runs(self, flow, **parameters):
        listed = self.run("prefect", "flow-run", "ls", "--flow-name", flow, "--limit", 200, "-o", "json")
        assert listed.returncode == 0, listed.stderr
        found = json.loads(listed.stdout or "[]")
        return [run for run in found if all(run["parameters"].get(name) == value for name, value in parameters.items())]

    def workers(self):
        return self("ps", "--quiet", "worker").split()

    @property
    def gateway(self):
        """This machine, as containers reach it."""
        return docker("network", "inspect", f"{NAME}_default", "--format", "{{(index .IPAM.Config 0).Gateway}}").strip()


def docker(*arguments):
    done = subprocess.run(
        ["docker", *map(str, arguments)],
        env={name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SEO_"))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def secrets():
    """As compose.env.example asks for."""
    given = {"POSTGRES_PASSWORD": "tea1", "REDIS_PASSWORD": "tea2", "PREFECT_AUTH": "seo:tea3"}
    return {**given, "PREFECT_ENCRYPTION_KEY": Fernet.generate_key().decode()}


def template(folder):
    """docker.json for a pool beside Compose, as docs/deploying.md says."""
    text = json.loads((DEPLOYMENTS / "docker.json").read_text())
    variables = text["variables"]["properties"]
    variables["networks"]["default"] = [f"{NAME}_default"]
    variables["volumes"]["default"] = [f"{NAME}_data:/data"]
    variables["env"]["default"]["PREFECT_API_URL"] = "http://api:4200/api"
    path = folder / "docker.json"
    path.write_text(json.dumps(text))
    return path


@pytest.fixture(scope="module")
def compose(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compose")
    given = secrets()
    (folder / "compose.env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SEO_"))}
    environment = {
        **kept,
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_API_URL": "http://127.0.0.1:4200/api",
        "PREFECT_API_AUTH_STRING": given["PREFECT_AUTH"],
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
    }
    compose = Compose(folder=folder, port=4200, scripts=Path(sys.executable).parent, environment=environment)
    try:
        compose("up", "--build", "--detach", "api", "services")
        made = compose.run(
            *("prefect", "work-pool", "create", SHARD_POOL, "--type", "docker"),
            *("--base-job-template", template(folder)),
        )
        assert made.returncode == 0, made.stderr
        compose("up", "--detach", "--scale", "worker=2", "worker")
        yield compose
    finally:
        for name in list(compose.running):
            compose.kill(name)
        compose("down", "--volumes", "--remove-orphans")


@pytest.fixture
def sites():
    """Two, which are two hosts."""
    with numbered_sites(2) as sites:
        yield sites


TRIES = """
import json, os
def can_write(path):
    try:
        open(path, "w").close()
    except OSError:
        return False
    return True
places = {path: can_write(path + "/tried") for path in ("/data", "/tmp", "/home/seo", "/opt/seo", "/etc")}
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
rights = {name: int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd")}
print(json.dumps([os.getuid(), os.getgid(), status["NoNewPrivs"].strip(), rights, places]))
"""


def test_a_worker_may_write_its_data_and_nothing_else(compose):
    found = json.loads(compose("exec", "-T", "worker", "python", "-c", TRIES))
    nothing = {"CapPrm": 0, "CapEff": 0, "CapBnd": 0}
    writable = {"/data": True, "/tmp": True, "/home/seo": False, "/opt/seo": False, "/etc": False}  # noqa: S108 - of a container
    assert found == [10001, 10001, "1", nothing, writable]


def test_a_run_whose_container_dies_is_told_and_goes_on_in_another(compose, sites, record):
    port, host = sites.ports[0], compose.gateway
    options = {"allow": [f"{host}:{port}"], "rate": RATE}
    compose.ask_for("crawl-site", start_url=f"http://{host}:{port}/0", user_id="ann", options=options)
    [flow_run] = until(lambda: compose.flow_runs("crawl-site", user_id="ann"), what="the flow run")
    until(lambda: len(sites.asked) > PAGES // 4, 120, what="a quarter of the pages")
    process = processes_with(f"PREFECT__FLOW_RUN_ID={flow_run['id']}")[0]
    groups = Path(f"/proc/{process}/cgroup").read_text()
    [container] = [worker for worker in compose.workers() if worker in groups]
    docker("kill", container)
    before = len(sites.asked)
    assert compose.ended("crawl-site", 300, user_id="ann")["state_type"] == "CRASHED"

    def told(words):
        found = compose.flow_runs("send-notification", user_id="ann")
        return any(words in run["parameters"]["message"] for run in found)

    until(lambda: told("seo resume"), 60, what="word of the crash")
    [left] = compose.workers()
    assert left != container
    [run] = json.loads(compose("exec", "-T", "worker", "seo", "runs", "--format", "json"))
    assert run["state"] != "completed"
    resumed = json.loads(compose("exec", "-T", "worker", "seo", "resume", run["run_id"], "--format", "json"))
    assert resumed
    again = sum(sites.asked.values()) - PAGES
    assert len(sites.asked) == PAGES
    assert again <= IN_FLIGHT
    record("container-killed", pages=PAGES, before=before, fetched_again=again, lost=PAGES - len(sites.asked))


def test_shards_run_in_containers_of_their_own(compose, sites, record):
    host = compose.gateway
    compose.start("shards", "prefect", "worker", "start", "--pool", SHARD_POOL)
    urls = [f"http://{host}:{port}/{n}" for port in sites.ports for n in range(PAGES)]
    allowed = [f"{host}:{port}" for port in sites.ports]
    compose.ask_for("batch-scan", urls=urls, shards=2, user_id="bob", options={"allow": allowed, "rate": 0})
    run = compose.ended("batch-scan", 300, user_id="bob")
    assert run["state_type"] == "COMPLETED", run["state"]
    shards = compose.flow_runs("scan-shard")
    assert [shard["state_type"] for shard in shards] == ["COMPLETED"] * 2
    made = set(re.findall(r"Docker container '(\S+)' created", compose.log("shards")))
    assert made == {shard["name"] for shard in shards}
    assert sites.asked == sites.once
    record("container-shards", pages=len(urls), containers=len(shards), lost=len(urls) - len(sites.asked))
