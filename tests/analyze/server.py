"""A small OpenAI-compatible server: what real ones answer, the errors among it, in their exact shapes."""

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tasks.analyze.settings import ModelSettings


def completion(content, *, model="openai/gpt-5-mini", finish="stop", refusal=None, usage=None, **message):
    """The body of a successful answer."""
    return {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, "refusal": refusal, **message},
            }
        ],
        "usage": usage or {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000, "cost": 0.002},
    }


def recommendation(**values):
    return {
        "title": "Write a title that names the tea",
        "description": "The title says no more than Tea.",
        "priority": "high",
        "category": "title",
        "findings": ["F1"],
        "quote": "",
        "proposed_title": "",
        "proposed_description": "",
        "proposed_json_ld": "",
        **values,
    }


def advice(*items):
    return json.dumps({"recommendations": list(items)})


def error(code, message="no", **metadata):
    """An error as OpenRouter writes it."""
    return {"error": {"code": code, "message": message, "metadata": metadata}}


@dataclass
class ModelServer:
    """An OpenAI-compatible server on loopback.

    ``script`` holds the next replies: a body for 200, or (status, body) or (status, body, headers); a body is JSON or
    bytes; a function of the request's JSON gives one. Without any ``default`` gives it: a recommendation for each
    finding of the prompt.
    """

    port: int
    script: deque = field(default_factory=deque)
    requests: list = field(default_factory=list)
    connections: int = 0
    gate: threading.Event | None = None
    default: Callable = field(default_factory=lambda: by_findings)

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}/api/v1"

    @property
    def place(self):
        return f"127.0.0.1:{self.port}"

    def settings(self, **values):
        return ModelSettings(**{"base_url": self.base_url, "allow": (self.place,), "timeout": 10, **values})

    def answer(self, headers, body):
        self.requests.append({"headers": headers, **body})
        if self.gate is not None:
            self.gate.wait(10)
        reply = self.script.popleft() if self.script else self.default
        if callable(reply):
            reply = reply(body)
        return reply if isinstance(reply, tuple) else (200, reply)


def by_findings(body):
    names = re.findall(r"^(F\d+) \[", body["messages"][1]["content"], re.MULTILINE)
    return completion(
        advice(*(recommendation(title=f"Mend {name}", findings=[name], category="content") for name in names[:12]))
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def setup(self):
        super().setup()
        self.server.model.connections += 1

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, body, *more = self.server.model.answer(dict(self.headers), {"path": self.path, **sent})
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        fields = {"Content-Type": "application/json", "Content-Length": len(content), **(more[0] if more else {})}
        for name, value in fields.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """A client that gave up is none of the server's faults."""


@contextmanager
def serving(port: int = 0) -> Iterator[ModelServer]:
    with Server(("127.0.0.1", port), Handler) as server:
        server.model = ModelServer(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.model
        finally:
            server.shutdown()
            thread.join()
