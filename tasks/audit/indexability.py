"""May the page be indexed, and if not, why not.

Where robots.txt was not read, not blocked counts as true. A redirect that was followed is no reason: the page is the
one it led to. In a crawl that is a page of its own. An instant meta refresh is a reason: search engines take it for a
redirect, and its page has facts of its own.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from tasks.model import Canonical, FetchFailure, MetaRefresh, Page, Response, Robots
from tasks.urls import address, is_http

BLOCKED = "blocked by robots.txt"
MOVED = "redirect"
REFRESHED = "redirects by meta refresh"
NOINDEX = frozenset({"noindex", "none"})
NOFOLLOW = frozenset({"nofollow", "none"})
JUDGED_AGENT = "googlebot"
"""Whose place the rules take: what robots.txt and robots directives say to it counts, whoever fetches."""
OBEYED_AGENTS = frozenset({"robots", JUDGED_AGENT})
LONGEST_DATE = 100
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Directed(Protocol):
    """What robots directives speak of: a page, or what is known of it."""

    @property
    def robots(self) -> tuple[Robots, ...]: ...


class Canonicalised(Protocol):
    """What states canonicals: a page, or what is known of it."""

    @property
    def url(self) -> str: ...
    @property
    def canonicals(self) -> tuple[Canonical, ...]: ...


class Refreshing(Protocol):
    """What may lead on by itself: a page, or what is known of it."""

    @property
    def url(self) -> str: ...
    @property
    def meta_refresh(self) -> MetaRefresh | None: ...


def not_fetched(failure: FetchFailure) -> str:
    return f"not fetched: {failure.reason}"


def not_html200(answer: Response) -> str:
    """Why an answer is no HTML page; empty where it is one."""
    if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
        return f"status {answer.status}"
    return "" if answer.is_html else "not HTML"


def kept_out(page: Page, at: datetime, *, blocked: bool = False) -> str:
    """What keeps a successful HTML page, fetched ``at`` that time, out of the index; empty where nothing does.

    What robots.txt disallows to Googlebot (``blocked``) is not read, so noindex and canonical do not count.
    """
    if blocked:
        return BLOCKED
    if refresh_target(page):
        return REFRESHED
    if has_directive(page, NOINDEX):
        return "noindex"
    if any(expired(page, at)):
        return "unavailable_after has passed"
    return "canonicalised" if canonical_target(page) else ""


def has_directive(page: Page, wanted: frozenset[str]) -> bool:
    """True where a tag or header for all crawlers or for Googlebot says one of ``wanted``.

    Tags in the body count: Google obeys them there.
    """
    return any(robots.agent in OBEYED_AGENTS and not wanted.isdisjoint(robots.directives) for robots in page.robots)


def expired(page: Directed, at: datetime) -> Iterator[tuple[Robots, str]]:
    """The tags and headers for all crawlers or for Googlebot whose unavailable_after has passed, each with that."""
    for robots in page.robots:
        if robots.agent in OBEYED_AGENTS:
            for directive in robots.directives:
                end = expiry(directive)
                if end is not None and end <= at:
                    yield robots, directive


def expiry(directive: str) -> datetime | None:
    """The time that an unavailable_after names as RFC 822, RFC 850 or ISO 8601 write it; None where there is none."""
    name, _, date = directive.partition(":")
    date = date.strip()
    if name.strip() != "unavailable_after" or len(date) > LONGEST_DATE:
        return None
    iso = date.upper().removesuffix("GMT").removesuffix("UTC").rstrip()
    readings = ((datetime.fromisoformat, iso), (parsedate_to_datetime, date), (parsedate_to_datetime, f"{date} 00:00"))
    for read, text in readings:
        with suppress(ValueError, OverflowError):
            found = read(text)
            return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return None


def refresh_target(page: Refreshing) -> str:
    """The other address that an instant meta refresh or Refresh header leads to; empty where none does.

    https://developers.google.com/search/docs/crawling-indexing/301-redirects#metarefresh
    """
    refresh = page.meta_refresh
    if refresh is None or refresh.delay > 0 or refresh.url is None or not is_http(refresh.url):
        return ""
    return "" if same_address(refresh.url, page.url) else address(refresh.url)


def usable(canonical: Canonical) -> bool:
    """A non-empty http(s) address."""
    return is_http(canonical.url) and bool(canonical.href.strip())


def in_force(page: Canonicalised) -> list[Canonical]:
    """The canonicals a search engine reads: usable ones in head or in the Link header."""
    return [canonical for canonical in page.canonicals if canonical.in_head and usable(canonical)]


def canonical_target(page: Canonicalised) -> str:
    """The other address the page names as its canonical; empty where it names none, or itself.

    Google ignores all of several different canonicals, so they name none.
    """
    if not page.canonicals:
        return ""
    targets = {address(canonical.url or "") for canonical in in_force(page)}
    distinct = list(_distinct(targets))
    if len(distinct) != 1 or same_address(distinct[0], page.url):
        return ""
    return distinct[0]


def _distinct(urls: set[str]) -> Iterator[str]:
    """One of each set of equivalent addresses, in a stable order."""
    seen = set()
    for url in sorted(urls):
        form = _percent_normal(url)
        if form not in seen:
            seen.add(form)
            yield url


def same_address(one: str, other: str) -> bool:
    """True for addresses that differ in their fragment or in the spelling of percent-encodings at most.

    https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
    """
    one, other = address(one), address(other)
    return one == other or ("%" in one + other and _percent_normal(one) == _percent_normal(other))


def _percent_normal(url: str) -> str:
    return _ESCAPE.sub(_decode_unreserved, url) if "%" in url else url


def _decode_unreserved(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()
