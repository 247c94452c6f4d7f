"""What is pushed, and how it is made to fit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.errors import InputError
from tasks.notify.channels import is_block, problem
from tasks.store import PendingRequest

NOTIFICATION_RECEIVED = "notification-received"
ANALYSIS_COMPLETE = "analysis-complete"
BATCH_PROGRESS = "batch-progress"

MAX_DATA_BYTES = 10_000
"""Of an event's data, which Pusher counts as UTF-8."""

MAX_EVENT_LENGTH = 200
READ_HERE = "`seo notifications` shows the whole text"


class Unsendable(InputError):
    """A push that no server would take."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event for one channel; ``data`` is JSON text within Pusher's limit."""

    channel: str
    event: str
    data: str

    def for_pusher(self) -> dict[str, str]:
        return {"channel": self.channel, "name": self.event, "data": self.data}


@dataclass(frozen=True, slots=True)
class Letter:
    """A notification for a block: plain text."""

    block: str
    subject: str
    body: str


def message(push: PendingRequest, public_url: str = "") -> Message:
    """The event that a push asks for; ``id`` and ``sequence`` in its data let receivers drop doubles.

    Raises:
        Unsendable: its channel or its event has no name that a server takes, or its content is none.
    """
    channel, event, data = _content(push)
    if is_block(channel):
        raise Unsendable(f"{channel} is a block, no Pusher channel")
    if not event or len(event) > MAX_EVENT_LENGTH:
        raise Unsendable(f"event name {event[:200]!r} must have 1 to {MAX_EVENT_LENGTH} characters")
    return Message(channel, event, _fitted({**data, **_numbers(push.payload)}, public_url.rstrip("/")))


def letter(push: PendingRequest, public_url: str = "") -> Letter:
    """The text that a push to a block asks for.

    Raises:
        Unsendable: its channel is no block's name.
    """
    channel, _, data = _content(push)
    if not is_block(channel):
        raise Unsendable(f"{channel} is no name of a block")
    told = data.get("notification")
    content: Mapping[str, Any] = told if isinstance(told, Mapping) else data
    body = str(content.get("message") or "")
    link = f"\n{_link(public_url.rstrip('/'))}" if public_url else ""
    return Letter(channel, str(content.get("title") or ""), f"{body}{link}")


def channel_of(push: PendingRequest) -> str:
    """Where the push goes, a channel or a block; empty where it does not say."""
    return str(push.payload.get("channel", ""))


def _content(push: PendingRequest) -> tuple[str, str, Mapping[str, Any]]:
    channel, data = channel_of(push), push.payload.get("data")
    if why := problem(channel):
        raise Unsendable(why)
    if not isinstance(data, Mapping):
        raise Unsendable("a push needs data by name")
    return channel, str(push.payload.get("event", "")), data


def _fitted(data: dict[str, Any], public_url: str) -> str:
    text = _json(data)
    if _size(text) <= MAX_DATA_BYTES:
        return text
    told = data.get("notification")
    if isinstance(told, Mapping) and isinstance(told.get("message"), str):
        cut = _cut_notification(data, told, public_url)
        if _size(cut) <= MAX_DATA_BYTES:
            return cut
    where = {"url": _link(public_url)} if public_url else {"message": READ_HERE}
    return _json({"truncated": True, **where, **_numbers(data)})


def _cut_notification(data: Mapping[str, Any], told: Mapping[str, Any], public_url: str) -> str:
    """With as much of the message as fits, and where to read it all."""
    whole: str = told["message"]
    link = {"url": _link(public_url)} if public_url else {}
    ending = "…" if public_url else f"… ({READ_HERE})"

    def written(length: int) -> str:
        cut = {**told, "message": f"{whole[:length]}{ending}", "truncated": True, **link}
        return _json({**data, "notification": cut})

    fits, too_long = 0, len(whole)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        fits, too_long = (middle, too_long) if _size(written(middle)) <= MAX_DATA_BYTES else (fits, middle)
    return written(fits)


def _numbers(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name in {"id", "sequence"}}


def _link(public_url: str) -> str:
    return f"{public_url}/notifications"


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
