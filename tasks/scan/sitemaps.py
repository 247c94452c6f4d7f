"""Reads a site's sitemaps: those robots.txt names, else the usual place, and what their indexes list."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

from tasks.crawl.sitemap import Sitemap, parse_sitemap
from tasks.fetch.fetcher import Fetcher
from tasks.model import FetchFailure, Reason
from tasks.urls import origin, same_site

MAX_FILES = 1000
MAX_DEPTH = 3
MAX_BYTES = 50 * 1024 * 1024
USUAL = "/sitemap.xml"
SUCCESS = range(200, 300)

_Waiting = tuple[str, str | None, int]
"""URL, parent, depth."""


@dataclass(frozen=True, slots=True)
class ReadSitemap:
    """One sitemap file: what it answered and, where it could be read, what it says."""

    url: str
    parent: str | None
    status: int | None
    reason: Reason | None
    sitemap: Sitemap | None


@dataclass(slots=True)
class SitemapReader:
    """Reads sitemaps breadth first within bounds; ``cut`` says which bound was met.

    Nothing is begun after ``deadline``, seconds since the epoch.
    """

    fetcher: Fetcher
    root_url: str
    deadline: float
    cut: str = ""
    _seen: set[str] = field(default_factory=set)

    async def read(self, declared: tuple[str, ...]) -> AsyncIterator[ReadSitemap]:
        usual = origin(self.root_url) + USUAL
        waiting: deque[_Waiting] = deque()
        self._line_up(waiting, ((url, None, 1) for url in declared or (usual,)))
        done = 0
        while waiting:
            if time.time() > self.deadline:
                self.cut = f"time was over after {done:,} sitemap files"
                return
            url, parent, depth = waiting.popleft()
            one = await self._one(url, parent)
            if declared or one.sitemap is not None:
                done += 1
                yield one
            children = one.sitemap.children if one.sitemap is not None else ()
            if children and depth >= MAX_DEPTH:
                self.cut = f"sitemap indexes nested more than {MAX_DEPTH} deep"
                continue
            self._line_up(waiting, ((child.loc, url, depth + 1) for child in children))

    def _line_up(self, waiting: deque[_Waiting], files: Iterable[_Waiting]) -> None:
        """Appends files of the site, each once and no more than may be read: an index can list any number."""
        for url, parent, depth in files:
            if url in self._seen or not same_site(url, self.root_url):
                continue
            if len(self._seen) >= MAX_FILES:
                self.cut = f"more than {MAX_FILES:,} sitemap files"
                return
            self._seen.add(url)
            waiting.append((url, parent, depth))

    async def _one(self, url: str, parent: str | None) -> ReadSitemap:
        answer = await self.fetcher.fetch(url)
        if isinstance(answer, FetchFailure):
            return ReadSitemap(url, parent, answer.status, answer.reason, None)
        found = answer.status in SUCCESS
        sitemap = await asyncio.to_thread(parse_sitemap, answer.body, answer.url) if found else None
        return ReadSitemap(url, parent, answer.status, None, sitemap)
