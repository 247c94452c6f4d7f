"""A filtering forward proxy on loopback: the only way out that a browser is given.

A browser follows redirects, opens sockets and looks names up behind the back of whoever drives it. Here each of its
connections is judged by the address really connected to, as those of the fetcher are.
"""

import asyncio
import re
import socket
from contextlib import suppress
from types import TracebackType
from typing import Self

from aiohttp.abc import ResolveResult

from tasks.errors import AddressRefused
from tasks.fetch.connection import Resolver
from tasks.fetch.guard import Exchange, Guard, current_exchange

MAX_HEAD = 64 * 1024
MAX_CONNECTIONS = 64
"""Open at once for one page; a browser opens six to a host and 32 to a proxy."""

_HEAD_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
_PIECE = 64 * 1024
_CLOSED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_TUNNEL = re.compile(rb"CONNECT (\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):(\d{1,5}) HTTP/1\.1")
_PLAIN = re.compile(rb"([A-Z]+) http://(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]?#]+)(?::(\d{1,5}))?(/\S*) HTTP/1\.1")
_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,15})[ \t]*", re.IGNORECASE)
_HOP_BY_HOP = (b"connection:", b"proxy-", b"keep-alive:")


class FilteringProxy:
    """Lets one page's traffic through where ``guard`` does; an async context manager.

    All that fails is answered alike, so that no page learns how a name resolves here. A name is looked up once: a page
    that came from one address reaches no other by the same name, though the guard lets that be anywhere. Leaving the
    context ends every connection.

    Args:
        guard: the one address guard.
        resolver: looks names up; shared, and closed by its owner.
        max_bytes: of all answers together; what is more ends every connection.

    Attributes:
        refused: connections that the guard refused.
        received: bytes of answers so far.
    """

    def __init__(self, guard: Guard, resolver: Resolver, *, max_bytes: int) -> None:
        self._guard = guard
        self._resolver = resolver
        self._max_bytes = max_bytes
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._found: dict[str, list[ResolveResult]] = {}
        self.refused = 0
        self.received = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=MAX_HEAD)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self._end_all()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the proxy is used outside its context")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def overrun(self) -> bool:
        """More came than may."""
        return self.received > self._max_bytes

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MAX_CONNECTIONS or self.overrun:
            writer.close()
            return
        serving = asyncio.create_task(self._serve(reader, writer))
        self._open.add(serving)
        serving.add_done_callback(self._open.discard)

    def _end_all(self) -> None:
        for serving in self._open:
            serving.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            await self._pass_on(head, reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError, AddressRefused, ValueError):
            with suppress(OSError):
                writer.write(_CLOSED)
        finally:
            writer.close()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, _, fields = head.partition(b"\r\n")
        if tunnel := _TUNNEL.fullmatch(line):
            async with _Upstream(await self._connect(tunnel[1], tunnel[2])) as (answers, server):
                writer.write(_OPENED)
                await self._relay(reader, server, answers, writer, left=None)
        elif plain := _PLAIN.fullmatch(line):
            async with _Upstream(await self._connect(plain[2], plain[3] or b"80")) as (answers, server):
                server.write(_request(plain[1], plain[4], fields))
                await self._relay(reader, server, answers, writer, left=_length(fields))
        else:
            raise ValueError("neither a tunnel nor plain HTTP")

    async def _connect(self, host: bytes, port: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the very address that was judged.

        Raises:
            AddressRefused: one of the name's addresses is not public, or the port is none of the web's.
            OSError: no such name, or nobody answers there.
        """
        name = host.decode("ascii")
        exchange = Exchange(f"{name.lower()}:{int(port)}")
        current_exchange.set(exchange)  # of this connection's own task
        try:
            self._guard.check_port(exchange.destination)
            found = await self._look_up(name.strip("[]").lower())
            for one in found:
                self._guard.check_address(exchange, one["host"])
        except AddressRefused:
            self.refused += 1
            raise
        one = found[0]
        at = (one["host"], int(port))
        opened = self._guard.open_socket((one["family"], socket.SOCK_STREAM, one["proto"], "", at))
        try:
            opened.settimeout(0)
            async with asyncio.timeout(_CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(opened, at)
            return await asyncio.open_connection(sock=opened)
        except BaseException:
            opened.close()
            raise

    async def _look_up(self, name: str) -> list[ResolveResult]:
        if name not in self._found:
            self._found.setdefault(name, await self._resolver.resolve(name))
        return self._found[name]

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        left: int | None,
    ) -> None:
        """Carries ``left`` bytes of the request, None for any number, and all of the answer."""
        asking = asyncio.create_task(_carry(reader, server, left))
        try:
            while piece := await answers.read(_PIECE):
                self.received += len(piece)
                if self.overrun:
                    self._end_all()
                writer.write(piece)
                await writer.drain()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)


class _Upstream:
    """A connection that is closed at the end of its context."""

    def __init__(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self._streams = streams

    async def __aenter__(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return self._streams

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._streams[1].close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None) -> None:
    while (left is None or left > 0) and (piece := await reader.read(_PIECE if left is None else min(left, _PIECE))):
        left = None if left is None else left - len(piece)
        writer.write(piece)
        await writer.drain()
    if left is None and writer.can_write_eof():
        writer.write_eof()


def _request(method: bytes, target: bytes, fields: bytes) -> bytes:
    """The request as its server gets it; the connection is for this one alone."""
    kept = [line for line in fields.split(b"\r\n") if line and not line.lower().startswith(_HOP_BY_HOP)]
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", *kept, b"Connection: close", b"", b""])


def _length(fields: bytes) -> int:
    """Bytes of the request's body."""
    found = [match for line in fields.split(b"\r\n") if (match := _LENGTH.fullmatch(line))]
    return int(found[0][1]) if found else 0
