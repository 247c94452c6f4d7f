"""Names to addresses to connections, each within bounds."""

import asyncio
import re
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from tasks.fetch.guard import Exchange, Guard, current_exchange

DNS_TIMEOUT = 5.0
DNS_THREADS = 16
MAX_HEAD = 512 * 1024
"""Bytes before the body: interim (1xx) answers, status line and headers."""

_BLANK_LINE = re.compile(rb"^(?:\r?\n)+", re.MULTILINE)
_CONTENT_LENGTH = re.compile(rb"(?<=\n)content-length:[ \t]*(\d+)[ \t]*\r?\n", re.IGNORECASE)
_SWITCHING_PROTOCOLS = 101
_FIRST_FINAL_STATUS = 200


class Resolver(AbstractResolver):
    """The system's resolver in threads of its own: a dead name server must not hold up other work."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        look_up = partial(
            socket.getaddrinfo,
            host.encode("ascii", "replace"),  # as bytes, or Python's IDNA codec has its own idea of it
            port,
            family=family,
            type=socket.SOCK_STREAM,
            flags=socket.AI_ADDRCONFIG,
        )
        try:
            async with asyncio.timeout(DNS_TIMEOUT):
                found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, f"no answer from the name server in {DNS_TIMEOUT:.0f} s") from None
        return [_resolved(host, info) for info in found]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _resolved(host: str, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> ResolveResult:
    family, _, protocol, _, address = info
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address[0], port=address[1], family=family, proto=protocol, flags=numeric)


class BoundedProtocol(ResponseHandler):
    """Ends a connection that sends more than ``MAX_HEAD`` before the body or more than was asked for; times the head.

    aiohttp itself reads interim answers for ever and bounds each header, not their sum; it loses a whole answer over
    what comes after it, and takes what comes still later for the next one.
    """

    _head: int | None = None
    _held: bytes | bytearray = b""
    _asked_at = 0.0
    _requests = 0

    def set_response_params(self, **params: Any) -> None:
        self._head = 0
        self._requests += 1
        self._asked_at = time.perf_counter()
        super().set_response_params(**params)

    async def read(self) -> Any:
        exchange = current_exchange.get()
        try:
            message = await super().read()
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            exchange.stale = self._requests > 1 and self._head == 0
            raise
        exchange.ttfb = time.perf_counter() - self._asked_at
        return message

    def feed_data(self, data: Any, size: int = 0) -> None:
        status = data[0].code
        if status >= _FIRST_FINAL_STATUS or status == _SWITCHING_PROTOCOLS:
            self._head = None
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *args: Any) -> None:
        super().set_exception(exc, *args)
        body = self._payload
        if body is not None and body.exception() is None and not body.is_eof():
            body.set_exception(exc)  # aiohttp leaves who reads a malformed chunk waiting for ever

    def data_received(self, data: bytes) -> None:
        if data and self._is_surplus(data):  # RFC 9112, section 6.3
            self._end()
            return
        if self._head is not None:
            self._head += len(data)
        start, seen = 0, len(self._held)
        if seen:
            self._held += data
            if self._head is not None and self._head <= MAX_HEAD and not _BLANK_LINE.search(self._held, seen - 1):
                self._reschedule_timeout()
                return
            data, self._held = bytes(self._held), b""
        while self._head is not None and (blank := _BLANK_LINE.search(data, max(start, seen - 1))):
            super().data_received(_with_one_length(data[start : blank.end()]))
            start = blank.end()
            if not self.is_connected():
                return
        rest = data[start:]
        if self._head is not None and self._head > MAX_HEAD:
            self.set_exception(HttpProcessingError(message=f"more than {MAX_HEAD} bytes before the body"))
            self._end()
        elif self._head is not None and rest[:5] == b"HTTP/"[: len(rest)]:
            self._held = bytearray(rest)
            self._reschedule_timeout()
        else:
            super().data_received(rest)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._held:
            super().data_received(bytes(self._held))
        super().connection_lost(exc)

    def _is_surplus(self, data: bytes) -> bool:
        """Whether ``data`` comes after a complete answer, before or instead of the next."""
        if self._head is None:
            return self._payload is not None and self._payload.is_eof()
        return self._head == 0 and self._requests > 1 and not data.startswith(b"HTTP/")

    def _end(self) -> None:
        if self.transport is not None:
            self.transport.abort()


def _with_one_length(head: bytes) -> bytes:
    """``head`` without the Content-Length lines that say the same once more: RFC 9110, section 8.6."""
    if head.lower().count(b"content-length") < 2:  # noqa: PLR2004 - nothing is said twice
        return head
    said = [*_CONTENT_LENGTH.finditer(head)]
    if len({one[1] for one in said}) != 1:
        return head
    at, without = said[0].start(), _CONTENT_LENGTH.sub(b"", head)
    return without[:at] + said[0][0] + without[at:]


class GuardedConnector(aiohttp.TCPConnector):
    """Connects only where ``guard`` lets it; how many at once is for the politeness gate to say."""

    def __init__(self, guard: Guard, tls: ssl.SSLContext | None) -> None:
        self._guard = guard
        self._own_resolver = Resolver()
        super().__init__(
            resolver=self._own_resolver, socket_factory=guard.open_socket, ssl=tls or default_tls(), limit=0
        )
        protocol: type[ResponseHandler] = BoundedProtocol
        self._factory = partial(protocol, loop=self._loop)

    async def _get(self, key: Any, traces: list[Any]) -> Any:
        return None if current_exchange.get().fresh else await super()._get(key, traces)

    async def _create_proxy_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> tuple[asyncio.BaseTransport, ResponseHandler]:
        """Judges the destination before the proxy hears of it; a tunnel leads to the very address that was judged."""
        exchange, url, name = current_exchange.get(), req.url, req.server_hostname
        address = await self._judged_address(req, exchange)
        exchange.judged = True
        try:
            if address and req.is_ssl():
                req.url, req.server_hostname = url.with_host(address), name or url.raw_host
            return await super()._create_proxy_connection(req, traces, timeout)
        finally:
            exchange.judged = False
            req.url, req.server_hostname = url, name

    async def _judged_address(self, req: aiohttp.ClientRequest, exchange: Exchange) -> str:
        """Where the destination is; empty where it may be anywhere, and the proxy may know its name better.

        Raises:
            AddressRefused: one of its addresses is not public.
        """
        if self._guard.allows(exchange.destination):
            return ""
        try:
            found = await self._own_resolver.resolve(req.url.raw_host or "", req.url.port or 0)
        except OSError as error:
            raise aiohttp.ClientConnectorDNSError(req.connection_key, error) from error
        for one in found:
            self._guard.check_address(exchange, one["host"])
        return found[0]["host"]

    async def close(self, *, abort_ssl: bool = False) -> None:
        await super().close(abort_ssl=abort_ssl)
        await self._own_resolver.close()


@lru_cache(maxsize=1)
def default_tls() -> ssl.SSLContext:
    """Verifies against the certificates of certifi and of the system."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    context.set_alpn_protocols(["http/1.1"])
    return context
