"""A data folder, and a server of the Pusher protocol that answers as it is told."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from blocks import PusherChannel
from tasks.store import Store

SECRET = "canary-secret-4711"


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "data") as opened:
        yield opened


@dataclass
class FakePusher:
    """``answer`` makes (status, headers, body) of a batch; ``batches`` has each as it came."""

    port: int
    batches: list[list[dict]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)

    def answer(self, _batch):
        return 200, {}, "{}"

    def data(self):
        return [json.loads(event["data"]) for batch in self.batches for event in batch]

    def channel(self, **changes):
        values = {"app_id": "1", "key": "k", "secret": SECRET, "host": "127.0.0.1", "port": self.port, "ssl": False}
        return PusherChannel(**{**values, **changes})


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        fake = self.server.fake
        batch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["batch"]
        fake.batches.append(batch)
        fake.queries.append(self.path)
        status, headers, body = fake.answer(batch)
        content = body.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def pusher():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.fake = FakePusher(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server.fake
        server.shutdown()
        thread.join()
