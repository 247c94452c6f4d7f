"""docs/several-machines.md, followed: from one folder to PostgreSQL, S3 and two workers, with the same facts as before.

Names of servers alone are others: those of the page belong to nobody.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tasks.store import RunState, Store, connect
from tests.loopback import free_port, wait_for
from tests.world.facts import TABLES, counted
from tests.world.prefect_world import World, until
from tests.world.shared_store import servers

pytestmark = pytest.mark.world

PAGE = Path(__file__).parents[2] / "docs" / "several-machines.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVER, WORKER = "prefect server start", "prefect worker start"
COMMAND_SECONDS = 180
PAGES = 220  # more than the flow's own process takes


class Reader:
    """Someone at terminals, in one folder."""

    def __init__(self, world, names):
        self._world = world
        self._names = names

    def follow(self, block):
        """Does a block; of one that lasts, its beginning. Returns what it printed."""
        for name, value in self._names.items():
            assert name not in value
            block = block.replace(name, value)
        if block.startswith((SERVER, WORKER)):
            words = block.split()
            name = words[words.index("--name") + 1] if block.startswith(WORKER) else "server"
            self._world.start(name, *words, *(("--port", self._world.port) if name == "server" else ()))
            return ""
        if block.startswith("export "):
            for name, value in re.findall(r"(\w+)=(\S+)", block):
                self._world.environment[name] = value
            return ""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=self._world.folder,
            env={**self._world.environment, "PATH": f"{self._world.scripts}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{block}{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def world(tmp_path, docs_site, seo):
    port = free_port()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SEO_", "AWS_", "PG"))
    }
    environment = {
        **kept,
        "PREFECT_HOME": str(tmp_path / "home"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "SEO_ALLOW": docs_site.host_port,
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
    }
    world = World(folder=tmp_path, port=port, scripts=Path(seo).parent, environment=environment)
    try:
        yield world
    finally:
        for name in list(world.running):
            world.kill(name)


def test_the_page_leads_to_the_same_facts_on_several_machines(world, docs_site, monkeypatch):
    listed = docs_site.urls("pg")[:PAGES]
    start = f"{docs_site.base}/py/howto/index.html"
    (world.folder / "urls.txt").write_text("\n".join(docs_site.urls("py")[:10]))
    (world.folder / "list.txt").write_text("\n".join(listed))
    for command in (("batch", "list.txt"), ("crawl", start, "--check", "none")):
        done = world.run("seo", *command, "--data", "expected", timeout=COMMAND_SECONDS)
        assert done.returncode in {0, 1}, done.stderr
    expected = facts_by_kind(world.folder / "expected")
    with servers() as running:
        shared = running.variables()
        names = {
            "postgresql://seo@db.example/seo": shared["SEO_CATALOGUE_URL"],
            "postgresql+asyncpg://prefect@db.example/prefect": running.database.replace(":", "+asyncpg:", 1),
            "s3://facts/seo": shared["SEO_FACTS_URL"],
            "https://s3.example": shared["AWS_ENDPOINT_URL"],
            "=secret": f"={shared['AWS_SECRET_ACCESS_KEY']}",
            "/srv/seo": str(world.folder / "srv"),
            '["https://example.com/", "https://example.com/tea"]': json.dumps(listed),
            "https://example.org/": start,
        }
        reader = Reader(world, names)
        told = {}
        for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            if block.startswith("prefect deployment run"):
                until(lambda: "one" in world.running and ready(world, "one") and ready(world, "two"))
            if block.startswith("seo runs --data elsewhere"):
                until(lambda: ended(world, 2), COMMAND_SECONDS, what="the end of both runs")
            told[block] = reader.follow(block)
            if block.startswith(SERVER):
                world.environment["PREFECT_API_URL"] = world.api
                wait_for(f"{world.api}/health", 120)
        (moved,) = (said for block, said in told.items() if block.startswith("seo store migrate"))
        assert "moved" in moved.splitlines()[0]
        assert "canary" not in moved
        for name, value in shared.items():
            monkeypatch.setenv(name, value)
        with Store.open(world.folder / "another") as store:
            runs = store.list_runs()
            assert [(run.total, run.state) for run in runs][-1] == (10, RunState.COMPLETED)
            assert store.upkeep.check() == []
        found = facts_by_kind(world.folder / "another")
        assert set(found) == set(expected) == {"batch", "crawl"}
        for kind, tables in expected.items():
            for table, rows in tables.items():
                assert found[kind][table] == rows, (kind, table)
        assert expected["batch"]["pages"].total() == PAGES
        assert expected["crawl"]["site_pages"].total() > 10
    assert sum("for flow 'batch-scan'" in world.log(worker) for worker in ("one", "two")) == 1
    assert sum("for flow 'crawl-site'" in world.log(worker) for worker in ("one", "two")) == 1


def facts_by_kind(data):
    """Rows of each table by kind of run, of the newest of each kind."""
    with connect(data) as facts:
        newest = dict(facts.execute("SELECT kind, max(run_id) FROM runs GROUP BY kind").fetchall())
        return {kind: {table: counted(facts, table, run) for table in TABLES} for kind, run in newest.items()}


def ready(world, worker):
    found = world.post("/work_pools/seo-scan/workers/filter", {})
    return any(one["name"] == worker and one["status"] == "ONLINE" for one in found)


def ended(world, count):
    runs = [*world.flow_runs("batch-scan"), *world.flow_runs("crawl-site")]
    states = [run["state_type"] for run in runs if run["deployment_id"]]
    assert not {"FAILED", "CRASHED"} & set(states), states
    return states.count("COMPLETED") == count
