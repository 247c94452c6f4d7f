"""A site whose answers fail by chance, in known shares, and which remembers when it was asked."""

import random
import socket
import struct
import threading
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Faulty:
    """``requests`` by path; ``early`` those that came before the Retry-After of the last answer to them."""

    host_port: str = ""
    requests: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    early: list[str] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Shares:
    """How many requests of a hundred go wrong, and how."""

    reset: int = 10
    unavailable: int = 10
    stalled: int = 5
    truncated: int = 5
    retry_after: int = 1
    stall: float = 3.0

    def fault(self, dice):
        drawn = dice.random() * 100
        for name in ("reset", "unavailable", "stalled", "truncated"):
            drawn -= getattr(self, name)
            if drawn < 0:
                return name
        return "none"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        faulty, shares = self.server.faulty, self.server.shares
        now = time.time()
        with faulty.lock:
            fault = "none" if self.path == "/robots.txt" else shares.fault(self.server.dice)
            faulty.requests[self.path].append(now)
            faulty.faults[fault] += 1
            if now < self.server.of_path[self.path]:
                faulty.early.append(self.path)
            if fault == "unavailable":
                self.server.of_path[self.path] = now + shares.retry_after
        getattr(self, fault)()

    def none(self):
        if self.path == "/robots.txt":
            self.send(404, b"")
        else:
            self.send(200, f"<!doctype html><title>Page {self.path} of the site</title><h1>Tea</h1>".encode())

    def send(self, status, body, length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def unavailable(self):
        self.send(503, b"later", Retry_After=self.server.shares.retry_after)

    def truncated(self):
        self.send(200, b"<!doctype html><title>Ha", length=9_999)
        self.close_connection = True

    def stalled(self):
        self.server.over.wait(self.server.shares.stall)
        self.close_connection = True

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def handle(self):
        with suppress(OSError, ValueError):  # the client has gone, or we cut it off
            super().handle()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 200

    def shutdown_request(self, request):
        with suppress(OSError):
            super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A client that went away is none of the server's faults."""


@contextmanager
def serving(shares, seed=1):
    with Server(("127.0.0.1", 0), Handler) as server:
        server.faulty, server.shares, server.dice = Faulty(), shares, random.Random(seed)
        server.of_path, server.over = defaultdict(float), threading.Event()
        server.faulty.host_port = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.faulty
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
