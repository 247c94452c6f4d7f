"""The channels people listen to, and what the Pusher protocol allows of their names."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["user", "page", "project"]

MAX_CHANNEL_LENGTH = 164
_PUSHER_CHANNEL = re.compile(r"[-a-zA-Z0-9_=@,.;]+")
_BLOCK = re.compile(r"[a-z0-9-]+/[a-z0-9-]+")
_PRIVATE = "private-"
IN_BLOCKS = "/"
"""Is in the name of each notification block, and of no Pusher channel."""


@dataclass(frozen=True, slots=True)
class ChannelNames:
    """How channels are named here.

    Attributes:
        public: without the prefix that makes listeners ask for a signature.
        extra: notification blocks that are told of each notification too, as ``type-slug/name``.
    """

    public: bool = False
    extra: tuple[str, ...] = ()

    def user(self, user_id: str) -> str:
        return self._named("user", user_id)

    def page(self, page_id: str) -> str:
        return self._named("page", page_id)

    def project(self, project_id: str) -> str:
        return self._named("project", project_id)

    def whose(self, channel: str) -> tuple[Kind, str] | None:
        """What a channel is about and the id of it, e.g. ``("user", "ann")``; None where it is none of ours."""
        prefix = "" if self.public else _PRIVATE
        kind, dash, identity = channel.removeprefix(prefix).partition("-")
        for known in get_args(Kind):
            if channel.startswith(prefix) and kind == known and dash and identity:
                return known, identity
        return None

    def _named(self, kind: Kind, identity: str) -> str:
        return f"{'' if self.public else _PRIVATE}{kind}-{identity}"


def is_block(channel: str) -> bool:
    """True for the name of a notification block."""
    return IN_BLOCKS in channel


def problem(channel: str) -> str:
    """Why nothing can be sent to ``channel``; empty where it can."""
    if is_block(channel):
        return "" if _BLOCK.fullmatch(channel) else f"{channel[:200]!r} is no type-slug/name of a block"
    if not _PUSHER_CHANNEL.fullmatch(channel):
        return f"channel {channel[:200]!r} has characters that Pusher refuses"
    if len(channel) > MAX_CHANNEL_LENGTH:
        return f"channel {channel[:200]!r} is longer than {MAX_CHANNEL_LENGTH} characters"
    return ""
