"""What every request passes before a route sees it, outermost first: ``Shielded``, ``Hosts``, ``Keys``, ``Bodies``.

Plain ASGI, so that a refusal costs nothing: a request without credentials is answered before its body is read.
"""

import asyncio
import time
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.api.logs import log
from deployments.api.problems import Refused, unauthenticated
from tasks.store import Store
from tasks.urls import is_loopback, printable

MAX_BODY = 64 * 1024
BODY_SECONDS = 10.0
PUBLIC = frozenset({"/health", "/openapi.json", "/webhooks/events"})
"""Paths that no API key guards; the webhook has its signature."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Shielded:
    """Adds the security headers, turns a crash into a plain 500, and logs each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = f"{scope['method']} {printable(scope['path'], 200)}"
        began, status = time.perf_counter(), 0

        async def secured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        try:
            await self._app(scope, receive, secured)
        except Refused as refused:
            await refused.answer()(scope, receive, secured)
        except Exception:
            log.exception("%s failed", asked)
            if status:
                raise
            await Refused(500, "the server failed; its log says why").answer()(scope, receive, secured)
        user = scope.get("state", {}).get("user", "nobody")
        log.info("%s: %d for %s in %.0f ms", asked, status, user, 1000 * (time.perf_counter() - began))


class Hosts:
    """Refuses requests whose Host header names someone else: DNS that was bent towards us.

    Args:
        names: lower-case host names that are ours besides those of loopback; None for any.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] | None) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_ours(Headers(scope=scope).get("host", "")):
            raise Refused(421, "this server does not answer for that host: start it with --name HOST if it should")
        await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        if self._names is None or is_loopback(host.lower()):
            return True
        try:
            return urlsplit(f"//{host}").hostname in self._names
        except ValueError:
            return False


class Keys:
    """Finds out by their API key who asks; without one only ``PUBLIC`` paths go on."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in PUBLIC:
            scope.setdefault("state", {})["user"] = await self._user(Headers(scope=scope).get("authorization", ""))
        await self._app(scope, receive, send)

    async def _user(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthenticated()
        user = await asyncio.to_thread(self._store.api_keys.user_of, token.strip())
        if user is None:
            raise unauthenticated("unknown or revoked API key: `seo keys list` shows those there are")
        return user


class Bodies:
    """Reads each body whole before a route sees it: at most ``MAX_BODY`` bytes, announced or not, in time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced[:20]) > MAX_BODY:
            raise _too_large()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read(receive)
        except TimeoutError:
            raise Refused(408, "the body took too long to arrive", headers={"Connection": "close"}) from None
        if body is not None:
            await self._app(scope, _replayed(body, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """The body; None where the client has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _too_large() -> Refused:
    # what is left of the body would be read as the next request
    return Refused(413, f"the body is larger than {MAX_BODY:,} bytes", headers={"Connection": "close"})
