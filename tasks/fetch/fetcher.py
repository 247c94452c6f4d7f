"""One URL to one answer: what a server says, or why it says nothing usable."""

import asyncio
import ssl
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from types import TracebackType
from typing import Literal, Self, cast

import ada_url
import httpx

from tasks.errors import BadUrl
from tasks.fetch.access import NO_ACCESS, Access
from tasks.fetch.charset import decode
from tasks.fetch.conditional import Condition
from tasks.fetch.decode import ACCEPT_ENCODING, Body, too_large
from tasks.fetch.failures import FetchError, StaleConnection
from tasks.fetch.headers import Headers
from tasks.fetch.media import is_textual
from tasks.fetch.politeness import HostGate
from tasks.fetch.redirects import REDIRECT_STATUSES, location_to_keep, next_address
from tasks.fetch.retry import retry_after
from tasks.fetch.transport import GuardedTransport, WireStream
from tasks.model import Answer, FetchFailure, FetchOptions, Hop, Reason, Response
from tasks.urls import MAX_URL_LENGTH, address, is_http, parse, without_userinfo

OWN_USER_AGENT = f"seo-scan/{version('seo-scan')} (+https://github.com/seo-scan/seo-scan)"

_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAUSING_STATUSES = frozenset({429, 503})
_FIRST_FINAL_STATUS = 200
DOWN_STATUSES = frozenset({429, 502, 503, 504})
_OF_THE_HOST = frozenset(
    {Reason.DNS, Reason.CONNECT_REFUSED, Reason.CONNECT_TIMEOUT, Reason.TLS, Reason.RESET, Reason.READ_TIMEOUT}
)
"""What says of the host, not of the page, that it does not do its work."""


class Fetcher:
    """Fetches pages over one pool of connections; used as a context.

    Args:
        options: limits, identity and what may be non-public.
        gate: whose turn it is at each host; None for no limit.
        tls: what to verify certificates against instead of the system's and certifi's.
        access: what some origins are shown, and the proxy of all requests.
    """

    def __init__(
        self,
        options: FetchOptions,
        gate: HostGate | None = None,
        tls: ssl.SSLContext | None = None,
        access: Access = NO_ACCESS,
    ) -> None:
        self._options = options
        self._gate = gate
        self._access = access
        self._transport = GuardedTransport(options, tls, access.proxy)
        self._headers = _request_headers(options.user_agent or OWN_USER_AGENT)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.aclose()

    async def fetch(
        self,
        url: str,
        tries: int = 1,
        *,
        follow: bool = True,
        method: Literal["GET", "HEAD"] = "GET",
        first: int | None = None,
        condition: Condition = (),
    ) -> Answer:
        """One try at ``url``, redirects followed. What goes wrong with the page is returned, never raised.

        Without ``follow`` a redirect is the answer: its status, no body, and itself as the only hop. Credentials go to
        their origins only, and to none again once a redirect has left those.

        The deadline counts time spent with servers, not time spent waiting for a host's turn. Only the gate's ledger
        may raise: that is a broken pipeline.

        Args:
            url: absolute http or https address; a fragment stays here.
            tries: how many times this page has been fetched in this run, this one included.
            follow: go where redirects lead.
            method: HEAD brings no body.
            first: bytes of the body that are wanted; the rest is not read.
            condition: what makes the request conditional; sent to ``url`` alone, not to where it redirects.
        """
        trip = _Trip(
            url=address(url),
            access=self._access,
            tries=tries,
            method=method,
            first=first,
            condition=condition,
            fresh=tries > 1,  # a further try must not fail over a connection that the server is about to close
        )
        try:
            trip.url = _standard(trip.url)
            _check(trip.url)
            while True:
                async with self._turn(trip.url):
                    try:
                        answer = await self._judged(trip)
                    except StaleConnection:  # to be sent again, in its turn: RFC 9112, section 9.3.1
                        trip.fresh = True
                        continue
                    if answer is not None:
                        await self._pause(answer)
                        return answer
                if not follow:
                    return trip.unfollowed()
                trip.url = next_address(trip.hops, trip.location, self._options.max_redirects)
        except FetchError as error:
            return trip.failed(error.reason, error.detail)

    def _turn(self, url: str) -> AbstractAsyncContextManager[None]:
        return self._gate.turn(url) if self._gate is not None else nullcontext()

    async def _judged(self, trip: "_Trip") -> Response | None:
        """As ``_answer``, and the gate hears how the host does."""
        try:
            answer = await self._answer(trip)
        except StaleConnection:
            raise
        except FetchError as error:
            await self._tell(trip, error.reason.value if error.reason in _OF_THE_HOST else "")
            raise
        await self._tell(trip, f"status {trip.status}" if trip.status in DOWN_STATUSES else "")
        return answer

    async def _tell(self, trip: "_Trip", failure: str) -> None:
        if self._gate is None:
            return
        if failure:
            await self._gate.failed(trip.url, failure)
        else:
            await self._gate.answered(trip.url, trip.ttfb)

    async def _answer(self, trip: "_Trip") -> Response | None:
        """The answer at the trip's current address; None for a redirect, which is added to its hops."""
        trip.depart()
        try:
            async with asyncio.timeout(self._options.deadline - trip.spent):
                return await self._exchange(trip)
        except TimeoutError:
            within = f"{self._options.deadline:g} s"
            raise FetchError(Reason.DEADLINE, f"not complete within {within}, redirects included") from None
        finally:
            trip.arrive()

    async def _exchange(self, trip: "_Trip") -> Response | None:
        reply = await self._transport.handle_async_request(self._request(trip))
        stream = cast("WireStream", reply.stream)
        try:
            return await self._read(trip, reply, stream)
        finally:
            await stream.aclose()

    def _request(self, trip: "_Trip") -> httpx.Request:
        scheme, _, rest = trip.url.partition("://")
        authority, _, target = rest.partition("/")
        origin = f"{scheme}://{authority}"
        return httpx.Request(
            trip.method,
            _origin(origin),
            headers=[
                (b"Host", authority.encode("ascii")),  # httpx's own chokes on some xn-- names
                *self._headers,
                *trip.credentials(origin),
                *(() if trip.hops else trip.condition),
            ],
            extensions={"target": f"/{target}".encode("ascii"), "fresh": trip.fresh},
        )

    async def _read(self, trip: "_Trip", reply: httpx.Response, stream: WireStream) -> Response | None:
        headers = Headers(reply.headers.raw)
        trip.status, trip.mime, trip.ttfb = reply.status_code, headers.mime, reply.extensions["ttfb"]
        if reply.status_code < _FIRST_FINAL_STATUS:
            raise FetchError(Reason.BAD_RESPONSE, f"status {reply.status_code} is no final answer")
        if reply.status_code in REDIRECT_STATUSES:
            trip.redirected(headers.first("location"))
            return None
        if trip.method == "HEAD":
            return trip.succeeded(headers, b"", 0, trip.ttfb)
        body = trip.body = Body(headers.joined("content-encoding"), self._options.max_body)
        if trip.first is None and headers.content_length > self._options.max_body:
            trip.announced = headers.content_length
            raise too_large(self._options.max_body)
        while data := await stream.read():
            body.feed(data)
            if trip.first is not None and len(start := body.so_far()) >= trip.first:
                return trip.succeeded(headers, start[: trip.first], body.wire_bytes, trip.ttfb)
        return trip.succeeded(headers, body.finish(), body.wire_bytes, trip.ttfb)

    async def _pause(self, answer: Response) -> None:
        """Holds back the whole host where it asks for that."""
        if self._gate is None or answer.status not in PAUSING_STATUSES:
            return
        now = time.time()
        if (seconds := retry_after(answer, now)) is not None:
            await self._gate.pause(answer.url, now + seconds)


@dataclass(slots=True)
class _Trip:
    """One URL on its way through redirects.

    Attributes:
        url: where it is now. access: what its origins are shown.
        spent: seconds with servers, up to the last hop.
        status, mime, location, ttfb: of the last head received. body: what came after it so far.
        announced: length of a body that was too large to be read at all, bytes.
        fresh: goes on over connections of its own.
    """

    url: str
    access: Access
    tries: int
    method: str = "GET"
    first: int | None = None
    condition: Condition = ()
    hops: list[Hop] = field(default_factory=list)
    spent: float = 0.0
    status: int | None = None
    mime: str = ""
    location: str | None = None
    ttfb: float | None = None
    body: Body | None = None
    announced: int = 0
    fresh: bool = False
    _strayed: bool = False
    _departed: float = 0.0

    def depart(self) -> None:
        self.status, self.mime, self.body, self.ttfb = None, "", None, None
        self._departed = time.perf_counter()

    def arrive(self) -> None:
        self.spent += time.perf_counter() - self._departed

    def credentials(self, origin: str) -> tuple[tuple[bytes, bytes], ...]:
        """What ``origin`` is shown, where the trip has been to no other."""
        self._strayed = self._strayed or origin not in self.access.origins
        return () if self._strayed else self.access.headers

    def redirected(self, location: str | None) -> None:
        self.location = location and self.access.hidden(location)
        self.hops.append(Hop(self.url, self.status or 0, location_to_keep(self.url, self.location)))

    def succeeded(self, headers: Headers, body: bytes, wire_bytes: int, ttfb: float | None) -> Response:
        decoded = decode(body, headers.first("content-type")) if is_textual(self.mime, body) else None
        elapsed = self.spent + time.perf_counter() - self._departed
        return Response(
            url=self.url,
            status=self.status or 0,
            headers=self._kept(headers),
            body=body,
            text=decoded.text if decoded else None,
            encoding=decoded.encoding if decoded else None,
            hops=tuple(self.hops),
            wire_bytes=wire_bytes,
            ttfb_ms=None if ttfb is None else ttfb * 1000,
            elapsed_ms=elapsed * 1000,
            tries=self.tries,
        )

    def _kept(self, headers: Headers) -> tuple[tuple[str, str], ...]:
        kept = headers.kept()
        return tuple((name, self.access.hidden(value)) for name, value in kept) if self.access.secrets else kept

    def unfollowed(self) -> Response:
        """The redirect itself as the answer."""
        return Response(
            url=self.url,
            status=self.hops[-1].status,
            hops=tuple(self.hops),
            elapsed_ms=self.spent * 1000,
            tries=self.tries,
        )

    def _received(self) -> int | None:
        return self.announced or (self.body.received if self.body else None)

    def failed(self, reason: Reason, detail: str) -> FetchFailure:
        return FetchFailure(
            url=without_userinfo(self.url),
            reason=reason,
            detail=self.access.hidden(detail),
            status=self.status,
            mime=self.mime,
            received=self._received(),
            hops=tuple(self.hops),
            elapsed_ms=self.spent * 1000,
            tries=self.tries,
        )


def _standard(url: str) -> str:
    """``url`` as the URL standard writes it; what already is so stays byte for byte."""
    try:
        return ada_url.normalize_url(url)
    except ValueError:
        return _parsed(url)


def _check(url: str) -> None:
    if not is_http(url) or "@" in url or len(url) > MAX_URL_LENGTH:
        _parsed(url)


def _parsed(url: str) -> str:
    try:
        return parse(url)
    except BadUrl as error:
        raise FetchError(Reason.BAD_URL, str(error)) from None


@lru_cache(maxsize=1024)
def _origin(text: str) -> httpx.URL:
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise FetchError(Reason.BAD_URL, f"not a host that can be asked: {text}") from None


def _request_headers(user_agent: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"User-Agent", user_agent.encode()),
        (b"Accept", _ACCEPT.encode()),
        (b"Accept-Encoding", ACCEPT_ENCODING.encode()),
    ]
