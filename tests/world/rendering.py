"""Pages for a browser, and listeners on loopback that nothing may reach."""

import asyncio
import socket
import threading
from contextlib import contextmanager

from tasks.fetch.fetcher import Fetcher
from tasks.fetch.render import Renderer
from tasks.model import FetchOptions, RenderOptions


class Canary:
    """Listens on TCP and UDP at an address and counts who comes."""

    def __init__(self, address):
        self.address = address
        self.visits = []
        self._tcp = socket.create_server((address, 0))
        self.port = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, self.port))
        for receive in (self._accept, self._read):
            threading.Thread(target=receive, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            self.visits.append("tcp")
            connection.close()

    def _read(self):
        with self._udp:
            while self._udp.recv(2048) != b"end":
                self.visits.append("udp")

    def close(self):
        self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        self._udp.sendto(b"end", (self.address, self.port))


@contextmanager
def canaries(*addresses):
    found = [Canary(address) for address in addresses]
    try:
        yield found
    finally:
        for one in found:
            one.close()


async def rendered(site, *paths, **options):
    """What the browser makes of the pages, all at once, in order."""
    wishes = FetchOptions(**{"allow": (site.host_port,), **options})
    async with Fetcher(wishes) as fetcher, Renderer(wishes, RenderOptions()) as renderer:
        answers = [await fetcher.fetch(site.url(path)) for path in paths]
        return await asyncio.gather(*map(renderer.render, answers))
