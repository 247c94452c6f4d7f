"""A deployment's run is queued by one call, soon again where Prefect is busy, by name where it does not know the id."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from uuid import uuid4

import pytest
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.api import prefect_queue
from deployments.api.prefect_queue import prefect_client
from flows.deployed import queue_run

URL = "https://tea.example/"
NAME = "scan-page/default"


class Prefect(ThreadingHTTPServer):
    """What Prefect's API answers: one deployment, where there is any, which takes no runs while ``busy`` times."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.deployment = str(uuid4())
        self.busy = 0
        self.given = None
        self.asked = []
        self.runs = {}

    def answer(self, method, path, given):
        place = path.removeprefix("/api/deployments/")
        if place == path:  # its version, and whether it is protected against forged requests
            return (200, version("prefect")) if path == "/api/admin/version" else (404, {})
        if method == "GET":
            self.asked.append("look up")
            found = {"id": self.deployment, "name": "default", "flow_id": str(uuid4())}
            return (200, found) if place == f"name/{NAME}" and self.deployment else (404, {})
        self.asked.append("create")
        if self.busy:
            self.busy -= 1
            return 503, {}
        if place != f"{self.deployment}/create_flow_run":
            return 404, {}
        self.given = given
        return 201, {"id": self.runs.setdefault(given["idempotency_key"], str(uuid4()))}


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        given = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        status, answer = self.server.answer(self.command, self.path, given)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
async def prefect():
    with Prefect() as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        address = f"http://127.0.0.1:{server.server_port}/api"
        with temporary_settings({PREFECT_API_URL: address}):
            yield server
        server.shutdown()
        serving.join()


async def queued(key="q1"):
    return str(await queue_run(NAME, {"url": URL}, idempotency_key=key))


async def test_a_deployment_is_looked_up_once(prefect):
    first, second, again = await queued("q1"), await queued("q2"), await queued("q1")
    assert prefect.runs == {"q1": first, "q2": second}
    assert again == first
    assert prefect.asked == ["look up", "create", "create", "create"]


async def test_a_deployment_that_was_made_anew_is_found(prefect):
    await queued("q1")
    prefect.deployment = str(uuid4())
    assert await queued("q2") == prefect.runs["q2"]
    assert prefect.asked[2:] == ["create", "look up", "create"]


async def test_a_deployment_that_is_gone_is_not_found(prefect):
    await queued("q1")
    prefect.deployment = None
    with pytest.raises(ObjectNotFound):
        await queued("q2")


async def test_parameters_are_not_checked_twice(prefect):
    await queued()
    assert prefect.given["enforce_parameter_schema"] is False
    assert (prefect.given["parameters"], prefect.given["state"]["type"]) == ({"url": URL}, "SCHEDULED")


async def test_the_door_asks_a_busy_server_again_soon(prefect, monkeypatch):
    monkeypatch.setattr(prefect_queue, "BUSY_SECONDS", 0.01)
    prefect.busy = 7
    async with prefect_client():
        assert await queued() == prefect.runs["q1"]
    assert prefect.asked.count("create") == 8
