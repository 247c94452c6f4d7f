"""A deployment's run is queued by one call, soon again where Prefect is busy, by name where it does not know the id."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows import deployed
from flows.deployed import queue_run

NAME = "scan-page/default"


class Prefect(ThreadingHTTPServer):
    """What Prefect's API answers: one deployment, where there is any, which takes no runs while ``busy`` times."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.deployment = str(uuid4())
        self.busy = 0
        self.asked = []
        self.runs = {}

    def answer(self, method, path, given):
        place = path.removeprefix("/api/deployments/")
        if place == path:  # is it protected against forged requests?
            return 404, {}
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
        run = self.runs.setdefault(given["idempotency_key"], str(uuid4()))
        return 201, {"id": run, "flow_id": str(uuid4()), "parameters": given["parameters"]}


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
        with temporary_settings({PREFECT_API_URL: address, PREFECT_CLIENT_MAX_RETRIES: 0}):
            yield server
        server.shutdown()
        serving.join()


async def queued(key="q1"):
    return str(await queue_run(NAME, {"url": "https://tea.example/"}, idempotency_key=key))


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


async def test_a_busy_server_is_asked_again_until_it_takes_the_run(prefect):
    prefect.busy = 2
    assert await queued() == prefect.runs["q1"]
    assert prefect.asked.count("create") == 3


async def test_a_server_that_stays_busy_is_given_up(prefect, monkeypatch):
    monkeypatch.setattr(deployed, "BUSY_SECONDS", 0.0)
    prefect.busy = 100
    with pytest.raises(PrefectHTTPStatusError, match="503"):
        await queued()
