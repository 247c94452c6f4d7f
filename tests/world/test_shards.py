"""A list divided among two real workers: the facts of one machine, each host by one shard, a killed shard made good."""

import contextlib
import itertools
import os
import signal
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks.urls import host
from tests.loopback import free_port
from tests.world.facts import differing, rows, stored_urls
from tests.world.prefect_world import prefect_world, until
from tests.world.shared_store import postgresql

pytestmark = pytest.mark.world

PAGES = {"127.0.0.1": 210, "127.0.0.2": 100, "127.0.0.3": 80}
"""In two shards: one of more pages than a flow's own process takes, and one of fewer."""
FIRST = "127.0.0.1"
HELD_FROM = 40
"""Of the first host's requests: those after are held until its shard is killed."""
IN_FLIGHT = 16
HELD_SECONDS = 60
LOOKS = 4
"""For the process at the other end, which waits meanwhile: /proc/net/tcp may miss a connection."""
WORKERS = ("one", "two")
KNOWN: dict[int, str] = {}
"""Flow runs of processes that asked before: to look at all processes takes longer than some requests wait."""


class Handler(BaseHTTPRequestHandler):
    """Notes which flow run a connection comes from, by the environment of the process at its other end."""

    protocol_version = "HTTP/1.1"
    log: list[tuple[str, str, str]] = []  # noqa: RUF012 - of the whole test
    may_go_on = threading.Event()

    asks_who = False
    flow_run = ""

    def do_GET(self):
        if self.asks_who:
            self.flow_run = self.flow_run or flow_run_at(self.client_address)
        name = self.headers["Host"].partition(":")[0]
        self.log.append((name, self.path, self.flow_run))
        if name == FIRST and sum(asked == FIRST for asked, *_ in self.log) > HELD_FROM:
            self.may_go_on.wait(HELD_SECONDS)
        number = self.path.strip("/")
        known = number.isdigit()
        body = f'<!doctype html><html lang="en"><title>Page {number} of {name}</title><h1>Tea</h1><a href="/0">0</a>'
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Nothing on stderr."""


def flow_run_at(address):
    """Prefect's id of the flow run whose process has that end of a connection; empty where it is none's."""
    return next(filter(None, (_flow_run_at(address) for _ in range(LOOKS))), "")


def _flow_run_at(address):
    name, port = address
    end = f"{bytes(reversed([int(part) for part in name.split('.')])).hex().upper()}:{port:04X}"
    found = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    socket = next((f"socket:[{fields[9]}]" for fields in found if fields[1] == end), None)
    for process, flow_run in itertools.chain(list(KNOWN.items()), flow_run_processes()):
        with contextlib.suppress(OSError):
            for file in Path(f"/proc/{process}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):  # closed a moment ago
                    if str(file.readlink()) == socket:
                        KNOWN[process] = flow_run
                        return flow_run
    return ""


def flow_run_processes():
    """Processes that work for a flow run, with its id."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                found = [
                    item.partition(b"=")[2].decode()
                    for item in (entry / "environ").read_bytes().split(b"\0")
                    if item.startswith(b"PREFECT__FLOW_RUN_ID=")
                ]
                if found:
                    yield int(entry.name), found[0]


@pytest.fixture
def port():
    port = free_port()
    servers = [ThreadingHTTPServer((name, port), Handler) for name in PAGES]
    Handler.may_go_on.set()
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield port
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def world(tmp_path, port):
    allowed = ",".join(f"{name}:{port}" for name in PAGES)
    with prefect_world(tmp_path, database=postgresql(), PREFECT_WORKER_QUERY_SECONDS="1", SEO_ALLOW=allowed) as world:
        yield world


def shards_by_state(world):
    found = defaultdict(list)
    for run in world.flow_runs("scan-shard"):
        found[run["state_type"]].append(run)
    return found


def test_two_workers_find_what_one_machine_finds_though_one_of_them_is_killed(world, port):
    urls = [f"http://{name}:{port}/{n}" for name, count in PAGES.items() for n in range(count)]
    listed = world.folder / "list.txt"
    listed.write_text("\n".join(urls))
    alone = world.start("alone", "seo", "batch", listed, "--data", "alone", "--rate", "0")
    saved = world.run("seo", "blocks", "store", world.data)
    assert saved.returncode == 0, saved.stderr
    deployed = world.run("seo", "deploy")
    assert "created the work pool seo-shards" in deployed.stderr, deployed.stderr
    for name in WORKERS:
        world.start(name, "prefect", "worker", "start", "--pool", "seo-shards", "--name", name, "--limit", "1")
    assert alone.wait(120) == 0, world.log("alone")
    world.running.pop("alone")
    Handler.log.clear()
    Handler.asks_who = True

    Handler.may_go_on.clear()
    options = ("--data", world.data, "--shards", "2", "--rate", "0", "--fail-on", "error")
    parent = world.start("parent", "seo", "batch", listed, *options)

    def asked_of_the_first():
        assert parent.poll() is None, world.log("parent")
        asked = [flow_run for name, _, flow_run in Handler.log if name == FIRST]
        return list(filter(None, asked)) if len(asked) > HELD_FROM else []

    (killed, *_) = until(asked_of_the_first, what="a shard under way")
    until(lambda: any(host(url) == FIRST for url in stored_urls(world.data)), what="its first commit")
    processes = [process for process, flow_run in flow_run_processes() if flow_run == killed]
    assert len(processes) > 1  # the flow's own and its pool's
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    Handler.may_go_on.set()
    assert parent.wait(180) == 1, world.log("parent")  # for the errors that the pages have
    world.running.pop("parent")

    assert sorted(url for (url,) in rows(world.data, "SELECT url FROM pages")) == sorted(urls)
    for table in ("pages", "links", "issues", "results", "robots"):
        assert differing(world.data, world.folder / "alone", table) == [], table
    ended = shards_by_state(world)
    assert {state: len(runs) for state, runs in ended.items()} == {"CRASHED": 1, "COMPLETED": 2}
    assert ended["CRASHED"][0]["id"] == killed
    names = {run["id"]: run["name"] for runs in ended.values() for run in runs}
    shards = defaultdict(set)
    for name, _, flow_run in Handler.log:
        if flow_run:
            shards[name].add(names[flow_run])
    assert shards.keys() == PAGES.keys()
    assert all(len(of_host) == 1 for of_host in shards.values()), shards
    assert len(set().union(*shards.values())) == 2
    assert all("for flow 'scan-shard'" in world.log(name) for name in WORKERS)
    pages = [(name, path, flow_run) for name, path, flow_run in Handler.log if path != "/robots.txt"]
    assert sum(not flow_run for _, _, flow_run in pages) <= IN_FLIGHT  # of the killed process
    assert len({(name, path) for name, path, _ in pages}) == len(urls)
    assert "taken up again" in world.log("parent")
