"""What a chat server answered, read without trust: its JSON may be of any shape, an error may come as a success."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.analyze.cost import Usage
from tasks.analyze.failures import CallFailed, Failure
from tasks.urls import printable

MAX_DETAIL = 200

_STATUS_OF = {
    401: Failure.KEY_REFUSED,
    402: Failure.NO_CREDIT,
    403: Failure.FORBIDDEN,
    404: Failure.NO_SUCH_MODEL,
    408: Failure.TIMED_OUT,
    429: Failure.RATE_LIMITED,
}
_SAYS_IT_ALL = {
    Failure.KEY_REFUSED: "the server does not take the API key: set SEO_MODEL_KEY or the AI Model block",
    Failure.NO_CREDIT: "the account has no credit left",
    Failure.FORBIDDEN: "the server does not allow this request: moderation, or what the key may do",
}
_FIRST_SERVER_ERROR = 500
_NO_QUOTA = "insufficient_quota"
"""What OpenAI says of an account without credit, by the status of a busy server."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``finish_reason`` and ``refusal`` are empty where the server gave none."""

    text: str
    model: str
    finish_reason: str
    refusal: str
    usage: Usage | None


def read_reply(body: bytes, secret: str) -> Reply:
    """The answer in the body of a success.

    Raises:
        CallFailed: it is an error after all, or no answer of a chat server.
    """
    found = _json(body)
    if not isinstance(found, Mapping):
        raise CallFailed(Failure.UNAVAILABLE, "the server's answer is not JSON of a chat completion")
    choices = found.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else None
    error = found.get("error") or (choice.get("error") if choice else None)
    if error:
        raise of_error(error, 0, secret)
    if choice is None:
        raise CallFailed(Failure.UNAVAILABLE, "the server's answer has no choices")
    if choice.get("finish_reason") == "error":
        raise CallFailed(Failure.UNAVAILABLE, "the model broke off with an error")
    message = choice.get("message")
    message = message if isinstance(message, Mapping) else {}
    return Reply(
        text=_text(message.get("content")),
        model=printable(_text(found.get("model")), 100),
        finish_reason=_text(choice.get("finish_reason")),
        refusal=_text(message.get("refusal")),
        usage=_usage(found.get("usage")),
    )


def of_error(error: object, status: int, secret: str, retry_after: float | None = None) -> CallFailed:
    """The failure that a server describes by ``error``; its ``code`` counts where the status is a success."""
    fields = error if isinstance(error, Mapping) else {}
    code = fields.get("code")
    if not status and isinstance(code, str | int) and str(code).isascii() and str(code).isdigit():
        status = int(str(code)[:3])
    if _NO_QUOTA in (code, fields.get("type")):
        return CallFailed(Failure.NO_CREDIT, _SAYS_IT_ALL[Failure.NO_CREDIT], status=status)
    message = _text(fields.get("message")) or (error if isinstance(error, str) else "")
    return of_status(status, message, secret, retry_after)


def of_status(status: int, message: str, secret: str, retry_after: float | None = None) -> CallFailed:
    """The failure that an HTTP status means; ``message`` is the server's own and loses the secret."""
    reason = _STATUS_OF.get(status)
    if reason is None:
        server = status >= _FIRST_SERVER_ERROR or not status
        reason = Failure.UNAVAILABLE if server else Failure.BAD_REQUEST
    said = message.replace(secret, "…") if secret else message
    told = _SAYS_IT_ALL.get(reason) or printable(" ".join(said.split()), MAX_DETAIL) or "the server gives no reason"
    detail = f"status {status}: {told}" if status else told
    return CallFailed(reason, detail, status=status, retry_after=retry_after)


def error_in(body: bytes) -> object:
    """The ``error`` of an error's body, else nothing."""
    found = _json(body)
    if not isinstance(found, Mapping):
        return None
    return found.get("error") or found.get("detail") or found.get("message")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str:
    """Text as such, or in the parts that some servers give; without lone surrogates, which only JSON can write."""
    if isinstance(value, list):
        return "".join(_text(part.get("text")) for part in value if isinstance(part, Mapping))
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _usage(value: object) -> Usage | None:
    """None where it tells neither the tokens nor what they cost."""
    if not isinstance(value, Mapping):
        return None
    cost = _cost(value)
    prompt, completion = _number(value.get("prompt_tokens")), _number(value.get("completion_tokens"))
    if cost is None and (completion is None or not prompt):
        return None
    return Usage(int(prompt or 0), int(completion or 0), cost)


def _cost(usage: Mapping[str, Any]) -> float | None:
    """What OpenRouter charges, and what a provider does where its key is the user's own."""
    cost = _number(usage.get("cost"))
    if cost is None or usage.get("is_byok") is not True:
        return cost
    details = usage.get("cost_details")
    upstream = _number(details.get("upstream_inference_cost")) if isinstance(details, Mapping) else None
    return None if upstream is None else cost + upstream


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _MAX else None


_MAX = 1e9
