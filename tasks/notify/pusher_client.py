"""A client of the Pusher protocol: the library words and signs the requests, this sends them and reads the answers."""

import asyncio
import functools
import json
import os
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp
import yarl

from tasks.errors import SeoScanError
from tasks.fetch.retry import asked_wait
from tasks.notify.messages import Message
from tasks.urls import nameable

MAX_BATCH = 10
TIMEOUT = 10.0
_MAX_ANSWER_BYTES = 64 * 1024
_BAD_MESSAGE = frozenset({400, 413})
_BAD_CREDENTIALS = frozenset({401, 403, 404})


class PusherUnavailable(SeoScanError):
    """The server cannot be reached, is busy, or does not know us; another time it may.

    Attributes:
        retry_after: seconds that it asks to wait.
    """

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class PusherRefused(SeoScanError):
    """The server will never take this request."""


class PusherClient:
    """Sends events; open while the context lasts.

    ``connect`` makes a ``pusher.Pusher`` that sends its requests through the backend it is given.
    """

    def __init__(self, connect: Callable[[Any], Any], timeout: float = TIMEOUT) -> None:
        self._connect = connect
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None
        self._pusher: Any = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=True)
        self._pusher = await asyncio.to_thread(self._connect, functools.partial(_Backend, session=self._session))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, messages: Sequence[Message]) -> None:
        """Sends at most ``MAX_BATCH`` messages, all of them or none.

        Raises:
            PusherRefused: one of them is of no use to the server.
            PusherUnavailable: another time it may work.
        """
        # Encoded by us: the library measures the memory a text takes, four times its length with one emoji in it.
        batch = [message.for_pusher() for message in messages]
        await self._pusher.trigger_batch(batch, already_encoded=True)


class _Backend:
    """How the library's requests are made.

    Its own backend blocks, drops ``Retry-After`` and takes an answer of status 200 that holds an error for success.
    """

    def __init__(self, client: Any, session: aiohttp.ClientSession) -> None:
        self._secret: str = client.secret
        self._session = session

    async def send_request(self, request: Any) -> None:
        try:
            url = yarl.URL(request.url, encoded=True)
            async with self._session.request(
                request.method, url, data=request.body, headers=request.headers, allow_redirects=False
            ) as answer:
                body = await _read(answer)
        except TimeoutError:
            raise PusherUnavailable("Pusher does not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:  # its text would name the signed address
            raise PusherUnavailable(f"Pusher cannot be reached: {_cause(error)}") from None
        self._judge(answer.status, body, answer.headers.get("Retry-After", ""))

    def _judge(self, status: int, body: bytes, retry_after: str) -> None:
        """Raises where the answer is not a plain yes."""
        text = body.decode("utf-8", "replace")
        try:
            answered = json.loads(text)
        except ValueError:
            answered = None
        if status in {200, 202} and isinstance(answered, dict) and "error" not in answered:
            return
        if isinstance(answered, dict) and "error" in answered:
            code = answered.get("code")
            status, text = code if isinstance(code, int) else status, str(answered["error"])
        told = nameable(text.replace(self._secret, "*" * 8), 200)
        if status in _BAD_MESSAGE:
            raise PusherRefused(f"Pusher refuses it: {status}: {told}")
        if status in _BAD_CREDENTIALS:
            raise PusherUnavailable(f"Pusher refuses the application's id, key or secret: {status}: {told}")
        raise PusherUnavailable(f"Pusher answers {status}: {told}", asked_wait(retry_after, time.time()))


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > _MAX_ANSWER_BYTES:
            raise PusherUnavailable("Pusher answers with more than any answer of its protocol has")
    return bytes(body)


def _cause(error: Exception) -> str:
    number = getattr(getattr(error, "os_error", error), "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else type(error).__name__
