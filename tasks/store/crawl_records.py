"""What goes into and comes out of the frontier of a crawl. Times are aware UTC, or epoch seconds where said."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, Self

from tasks.model import PageState, Reason

FoundBy = Literal["start", "list", "link", "sitemap", "redirect", "canonical", "hreflang", "earlier"]
"""What leads to an address first; ``earlier``: only the last crawl of the site knew it."""

FOLLOWED: tuple[FoundBy, ...] = ("link", "redirect", "canonical", "hreflang")
"""What pages lead to, without end where they are made by rule."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a site a crawl takes; None for no limit.

    Attributes:
        max_pages: pages that may be fetched.
        max_depth: followed links from the start; pages are then leased level by level.
    """

    max_pages: int | None = None
    max_depth: int | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Found:
    """A URL that a crawl came upon.

    Attributes:
        state: ``SKIPPED`` where it is never to be fetched, with its ``reason`` and ``detail`` for people.
        depth: followed links from the start on the way it was found; pages of smaller depth are leased first.
    """

    url: str
    page_id: str
    found_by: FoundBy = "link"
    state: PageState = PageState.PENDING
    reason: Reason | None = None
    depth: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class KnownUrl:
    """A URL that a crawl found, and ``depth`` as it knew it."""

    url: str
    page_id: str
    depth: int | None


WHEN_RESUMED = 4102444800.0
"""``Retry.not_before`` of a page that is not asked for again before the run is resumed."""


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What is left to do in a run.

    Attributes:
        due: pending pages that may be leased now.
        later: pending pages that wait for their time, or for pages of smaller depth.
        leased: pages being worked on, which may bring further ones.
        held_back: pending pages beyond the run's limits.
        next_due: when the next pending page may be leased, seconds since the epoch; None where none waits for a time.
        put_off: pending pages that wait for the run to be resumed.
    """

    due: int = 0
    later: int = 0
    leased: int = 0
    held_back: int = 0
    next_due: float | None = None
    put_off: int = 0

    @property
    def over(self) -> bool:
        """Nothing is left that the limits allow."""
        return not (self.due or self.later or self.leased)


@dataclass(frozen=True, slots=True)
class FrontierCount:
    """Pages of a run that were found and stand alike."""

    found_by: FoundBy
    state: PageState
    reason: str | None
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedRobots:
    """The last answer to an origin's robots.txt, ``scheme://host:port``.

    Attributes:
        reason: why there was no answer; ``status`` is None then.
        crawl_delay: seconds between requests that it asks of us.
    """

    origin: str
    status: int | None
    reason: Reason | None = None
    body: bytes = b""
    crawl_delay: float | None = None
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Redirected:
    """A URL of a crawl that redirects: where to is a page of its own. ``fetched_at`` in seconds since the epoch."""

    page_id: str
    status: int
    location: str | None
    tries: int
    fetched_at: float


@dataclass(frozen=True, slots=True)
class Standing:
    """What a URL of a crawl answered; ``location`` is the header of one that ``redirects``, as written."""

    page_id: str
    status: int | None
    reason: Reason | None
    location: str | None = None
    redirects: bool = False
