"""For every test: a Prefect home of its own, no telemetry, `--short` for the chaos tests, and a site on loopback."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import hypothesis
import pytest

from tests.chaos.record import record, short  # noqa: F401 - fixtures of the chaos tests, which stand in two folders

os.environ.setdefault("PREFECT_HOME", tempfile.mkdtemp(prefix="seo-scan-prefect-"))
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")


@pytest.fixture(scope="session")
def prefect_db():
    """One temporary Prefect server for all tests that need one."""
    from prefect.settings import (  # noqa: PLC0415 - takes seconds, and most tests need none
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_LOGGING_TO_API_ENABLED,
        temporary_settings,
    )
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415

    quiet = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_LOGGING_TO_API_ENABLED: False}
    with temporary_settings(quiet), prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory):
    """The address of one Prefect server for all commands of tests that are not about a server's start."""
    home = tmp_path_factory.mktemp("prefect-api")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        server = subprocess.Popen(
            [sys.executable, "-m", "deployments.cli.prefect_server", str(descriptor), str(home / "lock")],
            env={**os.environ, "PREFECT_HOME": str(home)},
            pass_fds=(descriptor,),
        )
        url = "http://{}:{}/api".format(*listening.getsockname())
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=120) as answer:  # noqa: S310 - loopback
            assert answer.status == 200
        yield url
    finally:
        server.terminate()
        server.wait(30)


# Machines are shared: how long an example takes says nothing about the code.
hypothesis.settings.register_profile(
    "shared-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("shared-machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what runs flows or needs a Prefect server, in whose own threads sockets are dropped; long files first."""
    for item in items:
        needs_server = {"prefect_db", "prefect_api"} & set(item.fixturenames)
        if needs_server or item.path.parent.name == "flows":
            item.add_marker(pytest.mark.prefect)
    # A file of minutes that begins last has one process wait for it.
    items.sort(key=lambda item: item.path.parent.name != "world")


def pytest_addoption(parser):
    parser.addoption("--short", action="store_true", help="run the short form of the chaos tests")
    parser.addoption("--record", action="store_true", help="keep their figures in tests/chaos/figures.json")


def pytest_terminal_summary(terminalreporter):
    if (
        terminalreporter.config.getoption("markexpr")
        == "not prefect and not world and not chaos and not kubernetes and not containers"
    ):
        terminalreporter.write_line(
            "Tests marked prefect, world and chaos were deselected: .ci/run installs what they need and runs them."
        )


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    # Threads of Prefect that outlive the tests keep DuckDB's module from being freed, and it says so on stderr.
    status = getattr(config, "exit_status", None)
    if status is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def pytest_sessionfinish(session, exitstatus):
    session.config.exit_status = int(exitstatus)


@dataclass
class Site:
    """A real server on loopback in a thread.

    ``pages`` maps a path to an HTML body, a (status, headers, body) triple, or a function of the number of times the
    path was asked for that returns either; other paths answer 404. ``requests`` has (time, path) of each request,
    ``heads`` (its address, its headers by lower-case name).
    """

    port: int
    pages: dict[str, object] = field(default_factory=dict)
    requests: list[tuple[float, str]] = field(default_factory=list)
    heads: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def host_port(self):
        return f"127.0.0.1:{self.port}"

    def url(self, path="/"):
        return f"http://{self.host_port}{path}"

    def paths(self):
        return [path for _, path in self.requests]

    def page_paths(self):
        """Without robots.txt, which every run reads beside its pages."""
        return [path for path in self.paths() if path != "/robots.txt"]

    def answer(self, path):
        self.requests.append((time.time(), path))
        found = self.pages.get(path, (404, {}, "<title>Not found</title>"))
        if isinstance(found, Callable):
            found = found(self.paths().count(path))
        return found if isinstance(found, tuple) else (200, {}, found)


class SiteHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self):
        sent = {name.lower(): value for name, value in self.headers.items()}
        self.server.site.heads.append((f"http://{sent['host']}{self.path}", sent))
        status, headers, body = self.server.site.answer(self.path)
        content = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": len(content),
            **headers,
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class SiteServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """A client that went away is none of the server's faults."""


@pytest.fixture
def site():
    """An empty site: give it ``pages``."""
    with SiteServer(("127.0.0.1", 0), SiteHandler) as server:
        server.site = Site(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server.site
        server.shutdown()
        thread.join()
