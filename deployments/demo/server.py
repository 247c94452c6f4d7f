"""The sample site of the package, a small tea shop with flaws, served on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

SITE = Path(__file__).with_name("site")
NOT_FOUND = "not-found.html"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one path answers: a line of site.json."""

    path: str
    file: str | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shop:
    """The site while it is served: ``url`` of its home page."""

    url: str
    host_port: str


def answers() -> tuple[Answer, ...]:
    return tuple(Answer(**line) for line in json.loads((SITE / "site.json").read_text(encoding="utf-8"))["pages"])


@contextmanager
def serve() -> Iterator[Shop]:
    """Serves the site from a port of its own while the body runs."""
    site = answers()
    with _Server({answer.path: answer for answer in site}) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield Shop(f"{server.origin}/", server.origin.removeprefix("http://"))
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    request_queue_size = 64

    def __init__(self, site: dict[str, Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site
        self.origin = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10  # seconds an idle connection is kept
    server: _Server

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        """Sends all but the body, which it returns."""
        path = urlsplit(self.path).path
        answer = self.server.site.get(path, Answer(path, NOT_FOUND, HTTPStatus.NOT_FOUND))
        body = self._body(answer)
        self.send_response(answer.status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body

    def _body(self, answer: Answer) -> bytes:
        if answer.file is None:
            return b""
        return (SITE / answer.file).read_bytes().replace(b"{{origin}}", self.server.origin.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Nothing: stderr is the command's."""
