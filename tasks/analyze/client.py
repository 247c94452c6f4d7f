"""One call to an OpenAI-compatible server, over our own guarded transport."""

import asyncio
import time
from collections.abc import AsyncIterable, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, cast

import httpx
import openai
from openai import AsyncOpenAI
from pydantic import SecretStr

from tasks.analyze.failures import CallFailed, Failure
from tasks.analyze.ladder import Rung
from tasks.analyze.prompt import Message
from tasks.analyze.reply import Reply, error_in, of_error, of_status, read_reply
from tasks.analyze.settings import ModelSettings
from tasks.errors import BadUrl, InputError
from tasks.fetch.decode import ACCEPT_ENCODING, Body
from tasks.fetch.failures import FetchError
from tasks.fetch.fetcher import OWN_USER_AGENT
from tasks.fetch.retry import asked_wait
from tasks.fetch.transport import GuardedTransport
from tasks.model import FetchOptions, Reason
from tasks.urls import host, host_port, is_http, parse, printable

MAX_BODY = 4 * 1024 * 1024
"""Bytes of an answer, on the wire and decoded."""

CONNECT_TIMEOUT = 10.0
OPENROUTER = "openrouter.ai"
OPENAI = "api.openai.com"

_LATE = frozenset({Reason.CONNECT_TIMEOUT, Reason.READ_TIMEOUT, Reason.DEADLINE})
_BROKEN = frozenset({Reason.RESET, Reason.TRUNCATED, Reason.BAD_RESPONSE, Reason.BAD_ENCODING, Reason.TOO_LARGE})


class BoundedTransport(httpx.AsyncBaseTransport):
    """The guarded transport with its answers decoded within bounds."""

    def __init__(self, options: FetchOptions) -> None:
        self._wire = GuardedTransport(options)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def aclose(self) -> None:
        await self._wire.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent = [(name, value) for name, value in request.headers.raw if name.lower() in _SENT]
        headers = [*sent, (b"User-Agent", OWN_USER_AGENT.encode()), (b"Accept-Encoding", ACCEPT_ENCODING.encode())]
        wired = httpx.Request(request.method, request.url, headers=headers, content=await request.aread())
        reply = await self._wire.handle_async_request(wired)
        body = Body(reply.headers.get("content-encoding"), MAX_BODY)
        try:
            async for data in cast("AsyncIterable[bytes]", reply.stream):
                body.feed(data)
            content = body.finish()
        finally:
            await cast("httpx.AsyncByteStream", reply.stream).aclose()
        kept = [(name, value) for name, value in reply.headers.raw if name.lower() in _KEPT]
        return httpx.Response(reply.status_code, headers=kept, content=content)


_SENT = frozenset({b"host", b"authorization", b"accept", b"content-type", b"content-length"})
"""The library would also tell the platform, and an organisation that the environment names for another server."""

_KEPT = frozenset({b"content-type", b"retry-after"})


class ModelClient:
    """Asks the model; used as a context. It keeps the key, and nothing it raises or logs holds it.

    Args:
        settings: address, limits and what may be non-public.
        key: the server's API key.

    Raises:
        InputError: address or key cannot be used.
    """

    def __init__(self, settings: ModelSettings, key: SecretStr) -> None:
        if not is_http(settings.base_url) or "@" in settings.base_url:
            raise InputError(_unusable(settings.base_url))
        try:
            base_url = parse(settings.base_url)  # libraries disagree about spellings that this leaves none of
        except BadUrl as error:
            raise InputError(_unusable(settings.base_url)) from error
        self._secret = key.get_secret_value().strip()
        if not (self._secret.isascii() and self._secret.isprintable()):
            raise InputError("the model's API key has characters that no key has: set it anew")
        self._settings = settings
        self._newer: set[str] = set()
        options = FetchOptions(allow=settings.allow, connect_timeout=CONNECT_TIMEOUT, read_timeout=settings.timeout)
        self._http = httpx.AsyncClient(transport=BoundedTransport(options), trust_env=False, follow_redirects=False)
        self._openai = AsyncOpenAI(
            api_key=self._secret,
            base_url=base_url,
            max_retries=0,
            http_client=cast("Any", self._http),  # declared for httpx2, and takes either
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def ask(self, model: str, messages: Sequence[Message], rung: Rung, max_tokens: int) -> Reply:
        """One try.

        Raises:
            CallFailed: there is no answer; its text holds neither the key nor the messages.
        """
        newer = model in self._newer
        try:
            async with asyncio.timeout(self._settings.timeout):
                raw = await self._openai.chat.completions.with_raw_response.create(
                    model=model,
                    messages=cast("Any", list(messages)),
                    extra_body=request_fields(self._settings.base_url, rung, max_tokens, newer=newer),
                )
        except TimeoutError:
            limit = f"no answer within {self._settings.timeout:g} s"
            raise CallFailed(Failure.TIMED_OUT, limit) from None
        except openai.APIStatusError as error:
            if not newer and _wants_newer(error):
                self._newer.add(model)
                return await self.ask(model, messages, rung, max_tokens)
            raise self._refused(error) from None
        except openai.APIConnectionError as error:
            raise self._unconnected(error.__cause__) from None
        except openai.OpenAIError as error:
            raise CallFailed(Failure.UNAVAILABLE, f"the call failed: {type(error).__name__}") from None
        return read_reply(raw.http_response.content, self._secret)

    def _refused(self, error: openai.APIStatusError) -> CallFailed:
        status = error.status_code
        if 300 <= status < 400:  # noqa: PLR2004 - redirects
            return of_status(status, "the server redirects: give the address it leads to", self._secret)
        return of_error(error_in(error.response.content), status, self._secret, _asked_wait(error.response))

    def _unconnected(self, cause: BaseException | None) -> CallFailed:
        if not isinstance(cause, FetchError):
            return CallFailed(Failure.UNREACHABLE, f"no connection: {type(cause).__name__}")
        place = host_port(self._settings.base_url)
        if cause.reason is Reason.ADDRESS_REFUSED:
            detail = f"{place} is not a public address on port 80 or 443: name it in the AI Model block's allow"
            return CallFailed(Failure.ADDRESS_REFUSED, f"{detail} or SEO_MODEL_ALLOW")
        if cause.reason in _LATE:
            return CallFailed(Failure.TIMED_OUT, cause.detail)
        reason = Failure.UNAVAILABLE if cause.reason in _BROKEN else Failure.UNREACHABLE
        return CallFailed(reason, cause.detail)


def request_fields(base_url: str, rung: Rung, max_tokens: int, *, newer: bool = False) -> dict[str, Any]:
    """What a request says beside model and messages; servers differ, and ``newer`` models of one from others."""
    server = host(base_url)
    fields: dict[str, Any] = {_NEWER if newer or server == OPENAI else "max_tokens": max_tokens}
    if (form := rung.response_format()) is not None:
        if server == OPENAI:
            form.pop("schema", None)
        fields["response_format"] = form
    if server == OPENROUTER:  # https://openrouter.ai/docs/features/provider-routing
        fields["provider"] = {"require_parameters": rung is not Rung.TEXT, "data_collection": "deny"}
        fields["usage"] = {"include": True}
    return fields


_NEWER = "max_completion_tokens"


def _wants_newer(error: openai.APIStatusError) -> bool:
    """Azure, for one, names the field that its models from GPT-5 on take for the length of an answer."""
    return error.status_code == HTTPStatus.BAD_REQUEST and _NEWER in error.response.text


def _asked_wait(answer: Any) -> float | None:
    return asked_wait(answer.headers.get("retry-after") or "", time.time())


_EXAMPLE = "https://openrouter.ai/api/v1"


def _unusable(base_url: str) -> str:
    why = "carries a user name or password" if "@" in base_url else f"{printable(base_url, 200)!r} cannot be used"
    return f"the model's address {why}: write one such as {_EXAMPLE}"
