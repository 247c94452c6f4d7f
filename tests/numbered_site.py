"""Sites of pages by number, for what runs elsewhere than on loopback: in pods and containers."""

import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGES = 60


@dataclass
class NumberedSites:
    """Sites on ports of all addresses of this machine, each of ``PAGES`` pages that link to the next.

    ``requests`` has port and path of each request for a page.
    """

    ports: list[int]
    requests: list[tuple[int, str]] = field(default_factory=list)

    @property
    def asked(self):
        return Counter(self.requests)

    @property
    def once(self):
        """``asked`` where every page was asked for once."""
        return Counter((port, f"/{n}") for port in self.ports for n in range(PAGES))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        number = self.path.strip("/")
        known = number.isdigit() and int(number) < PAGES
        if known:
            self.server.sites.requests.append((self.server.server_port, self.path))
        after = f'<a href="/{(int(number) + 1) % PAGES}">On</a>' if known else ""
        body = f'<!doctype html><html lang="en"><title>Page {number}</title><h1>Tea</h1>{after}'.encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing on stderr."""


@contextmanager
def numbered_sites(count):
    servers = [ThreadingHTTPServer(("", 0), _Handler) for _ in range(count)]
    sites = NumberedSites([server.server_port for server in servers])
    for server in servers:
        server.sites = sites
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield sites
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
