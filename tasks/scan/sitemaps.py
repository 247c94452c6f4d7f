"""Reads a site's sitemaps: those robots.txt names, else the usual place, and what their indexes list."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from tasks.crawl.sitemap import Sitemap, parse_sitemap
from tasks.model import Answer, FetchFailure, Reason
from tasks.scan.stop import StopWatch
from tasks.urls import origin, same_domain

MAX_FILES = 1000
MAX_DEPTH = 3
MAX_BYTES = 50 * 1024 * 1024
USUAL = "/sitemap.xml"
SUCCESS = range(200, 300)
ELSEWHERE = Sitemap(errors=("on another domain: not read",))


class Fetch(Protocol):
    """Asks for an address, again after failures that pass; no wait for that is over ``patience`` seconds."""

    def __call__(self, url: str, *, patience: float) -> Awaitable[Answer]: ...


@dataclass(frozen=True, slots=True)
class ReadSitemap:
    """One sitemap file: what it answered, or why it was not asked for, and what it says where it could be read."""

    url: str
    parent: str | None
    status: int | None
    reason: Reason | None
    sitemap: Sitemap | None


@dataclass(frozen=True, slots=True)
class _Named:
    """A file to read. ``is_declared`` by robots.txt; without that and a parent it is a guess."""

    url: str
    parent: str | None
    depth: int
    is_declared: bool = False

    @property
    def is_guessed(self) -> bool:
        return self.parent is None and not self.is_declared


@dataclass(slots=True)
class SitemapReader:
    """Reads sitemaps of the site's domain breadth first within bounds; ``cut`` says which bound was met.

    What robots.txt names is meant to be read, whatever it disallows. Nothing is begun once it is time to ``stop``.

    Args:
        refusal: why a file that robots.txt does not name may not be asked for; None where it may.
    """

    fetch: Fetch
    refusal: Callable[[str], Awaitable[Reason | None]]
    root_url: str
    stop: StopWatch
    cut: str = ""
    _seen: set[str] = field(default_factory=set)

    async def read(self, declared: tuple[str, ...]) -> AsyncIterator[ReadSitemap]:
        waiting: deque[_Named] = deque()
        self._line_up(waiting, (_Named(url, None, 1, is_declared=True) for url in declared))
        if not any(self._is_near(url) for url in declared):
            self._line_up(waiting, [_Named(origin(self.root_url) + USUAL, None, 1)])
        done = 0
        while waiting:
            named = waiting.popleft()
            one = None if self.stop.is_over else await self.stop.in_time(self._one(named))
            if one is None:
                self.cut = f"time was over after {done:,} sitemap files"
                return
            if one.sitemap is not None or one.reason is Reason.BLOCKED_BY_ROBOTS or not named.is_guessed:
                done += 1
                yield one
            children = one.sitemap.children if one.sitemap is not None else ()
            if children and named.depth >= MAX_DEPTH:
                self.cut = f"sitemap indexes nested more than {MAX_DEPTH} deep"
                continue
            self._line_up(waiting, (_Named(child.loc, named.url, named.depth + 1) for child in children))

    def _line_up(self, waiting: deque[_Named], files: Iterable[_Named]) -> None:
        """Appends each file once and no more than may be read: an index can list any number."""
        for named in files:
            if named.url in self._seen:
                continue
            if len(self._seen) >= MAX_FILES:
                self.cut = f"more than {MAX_FILES:,} sitemap files"
                return
            self._seen.add(named.url)
            waiting.append(named)

    def _is_near(self, url: str) -> bool:
        return same_domain(url, self.root_url)

    async def _one(self, named: _Named) -> ReadSitemap:
        url, parent = named.url, named.parent
        if not self._is_near(url):
            return ReadSitemap(url, parent, None, None, ELSEWHERE)
        if not named.is_declared and (reason := await self.refusal(url)) is not None:
            return ReadSitemap(url, parent, None, reason, None)
        answer = await self.fetch(url, patience=self.stop.left)
        if isinstance(answer, FetchFailure):
            return ReadSitemap(url, parent, answer.status, answer.reason, None)
        found = answer.status in SUCCESS
        sitemap = await asyncio.to_thread(parse_sitemap, answer.body, answer.url) if found else None
        return ReadSitemap(url, parent, answer.status, None, sitemap)
