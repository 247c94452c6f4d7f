"""An httpx transport over aiohttp: a quarter of the CPU time, nothing decoded, nothing kept between requests."""

import ssl
from collections.abc import AsyncIterator
from typing import Self

import aiohttp
import httpx
from yarl import URL

from tasks.errors import AddressRefused
from tasks.fetch.access import Proxy
from tasks.fetch.connection import GuardedConnector
from tasks.fetch.failures import CLIENT_ERRORS, FetchError, StaleConnection, failure, proxy_answered
from tasks.fetch.guard import Exchange, Guard, current_exchange, refusal
from tasks.model import FetchOptions, Reason

MAX_FIELD = 64 * 1024
MAX_FIELDS = 10_000
PROXY_WANTS_CREDENTIALS = 407


class WireStream(httpx.AsyncByteStream):
    """The body as transferred; closing it early closes the connection."""

    def __init__(self, response: aiohttp.ClientResponse, destination: str) -> None:
        self._response = response
        self._destination = destination

    async def read(self) -> bytes:
        """What has arrived meanwhile; empty at the end.

        Raises:
            FetchError: the body ends badly or stalls.
        """
        try:
            return await self._response.content.readany()
        except CLIENT_ERRORS as error:
            raise failure(error, self._destination) from error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self.read():
            yield data

    async def aclose(self) -> None:
        self._response.release()


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends one request and returns its answer, whatever the status; redirects and decoding are the caller's.

    The request extension ``target`` goes into the request line byte for byte; ``fresh`` asks for a connection of its
    own. The response extension ``ttfb`` is the time from the request to the head of its answer, seconds. Every failure
    is a ``FetchError``.

    Through ``proxy`` https goes by tunnels to addresses that were judged here; http goes by name, which the proxy
    looks up once more.
    """

    def __init__(self, options: FetchOptions, tls: ssl.SSLContext | None = None, proxy: Proxy | None = None) -> None:
        self._guard = Guard(options.allow)
        self._proxy_url = URL(f"http://{proxy.at}") if proxy else None
        self._shown_to_proxy = {"Proxy-Authorization": proxy.authorization} if proxy and proxy.authorization else {}
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=options.connect_timeout, sock_read=options.read_timeout
        )
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=GuardedConnector(self._guard, self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            auto_decompress=False,
            trust_env=False,
            max_line_size=MAX_FIELD,
            max_field_size=MAX_FIELD,
            max_headers=MAX_FIELDS,
            middlewares=(_once,),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        )
        return self

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        destination = _destination(request.url)
        try:
            self._guard.check_port(destination)
        except AddressRefused as error:
            raise FetchError(Reason.ADDRESS_REFUSED, str(error)) from error
        exchange = Exchange(destination, fresh=request.extensions.get("fresh", False))
        token = current_exchange.set(exchange)
        try:
            response = await self._send(request, destination)
        finally:
            current_exchange.reset(token)
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=WireStream(response, destination),
            extensions={"ttfb": exchange.ttfb},
        )

    async def _send(self, request: httpx.Request, destination: str) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("the transport is used outside its context")
        tunnelled = request.url.scheme == "https"
        try:
            response = await self._session.request(
                request.method,
                _wire_url(request),
                headers=[
                    *((name.decode(), value.decode()) for name, value in request.headers.raw),
                    *(() if tunnelled else self._shown_to_proxy.items()),
                ],
                data=await request.aread() or None,
                allow_redirects=False,
                proxy=self._proxy_url,
                proxy_headers=self._shown_to_proxy if tunnelled else None,
            )
        except CLIENT_ERRORS as error:
            raise failure(error, destination) from error
        if self._proxy_url is not None and response.status == PROXY_WANTS_CREDENTIALS:
            response.release()
            raise FetchError(Reason.BAD_RESPONSE, f"{destination}: {proxy_answered(PROXY_WANTS_CREDENTIALS)}")
        return response


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Turns failures into ours below the session, which would send a GET again on some of them, and at once."""
    exchange = current_exchange.get()
    try:
        return await handler(request)
    except Exception as error:
        if exchange.refused:  # with several addresses to race aiohttp loses the guard's own exception
            raise FetchError(Reason.ADDRESS_REFUSED, str(refusal(exchange.destination))) from error
        if isinstance(error, CLIENT_ERRORS):
            found = failure(error, exchange.destination)
            raise StaleConnection(found.reason, found.detail) if exchange.stale else found from error
        raise


def _wire_url(request: httpx.Request) -> URL:
    """The whole target as a path: as path and query yarl would drop the ``?`` of an empty query."""
    target = request.extensions.get("target", request.url.raw_path)
    return URL.build(
        scheme=request.url.scheme, authority=request.url.netloc.decode(), path=target.decode("ascii"), encoded=True
    )


def _destination(url: httpx.URL) -> str:
    host = url.raw_host.decode("ascii")
    port = url.port or (443 if url.scheme == "https" else 80)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
