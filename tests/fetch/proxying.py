"""A small HTTP proxy on loopback: tunnels, and plain requests by name."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tasks.fetch.access import Access, Proxy

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass
class ProxyServer:
    """``leads_to`` is the port that every destination is taken for; ``heads`` are the requests it was sent."""

    leads_to: int
    port: int = 0
    refuses: bytes = b""
    heads: list[bytes] = field(default_factory=list)

    @property
    def at(self):
        return f"127.0.0.1:{self.port}"

    @property
    def lines(self):
        return [head.split(b"\r\n", 1)[0].decode() for head in self.heads]

    def access(self, authorization="", **more):
        return Access(proxy=Proxy(self.at, authorization), **more)

    async def serve(self, reader, writer):
        try:
            await self._forward(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    async def _forward(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if self.refuses:
            writer.write(self.refuses)
            await writer.drain()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.leads_to)
        if head.startswith(b"CONNECT "):
            writer.write(ESTABLISHED)
        else:
            back.write(head)
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, source, sink):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()


@asynccontextmanager
async def proxying(leads_to, refuses=b""):
    proxy = ProxyServer(leads_to, refuses=refuses)
    tasks = set()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        await proxy.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
