"""Done pages go to the store in batches, in a thread, so that no fetch waits for a disk."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tasks.model import Response, ScannedPage
from tasks.store import Retry

COMMIT_PAGES = 200
"""A part of 50 pages costs half as much again a page, and four times as many parts are read."""

COMMIT_SECONDS = 2.0
COMMIT_WEIGHT = 20_000_000
MAX_WAITING = 2 * COMMIT_WEIGHT
LINK_WEIGHT = 1000
"""What a link or an image takes while its row is made, bytes."""

Write = Callable[[int, list[ScannedPage], list[Retry]], None]


class Committer:
    """Collects done pages and retries and writes them every 200 pages or 2 seconds, and at the end.

    Args:
        write: writes one numbered batch in one transaction; called in a thread, one call at a time.
        on_failure: told once when writing failed; leaving the context raises the failure.
    """

    def __init__(self, write: Write, on_failure: Callable[[], None]) -> None:
        self._write = write
        self._on_failure = on_failure
        self._batches = 0
        self._pages: deque[tuple[ScannedPage, int]] = deque()
        self._waiting = 0
        self._retries: list[Retry] = []
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._written = asyncio.Event()
        self._closing = False
        self._ended = False
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._room.set()
        self._writer = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._due.set()
        if self._writer is not None:
            await self._writer

    async def until_room(self) -> None:
        """Waits while the disk is behind: what a page says takes more memory than its source."""
        while not self._room.is_set():  # whoever waited before may have filled it again
            await self._room.wait()

    def add(self, page: ScannedPage) -> None:
        """Takes a done page."""
        weight = _weight(page)
        self._pages.append((page, weight))
        self._waiting += weight
        if self._waiting >= COMMIT_WEIGHT:
            self._due.set()
        if self._waiting >= MAX_WAITING and not self._ended:
            self._room.clear()

    def retry(self, retry: Retry) -> None:
        self._retries.append(retry)

    async def flush(self) -> None:
        """Returns when all that was taken so far is written, or writing has failed."""
        while (self._pages or self._retries) and not self._ended:
            self._written.clear()
            self._due.set()
            await self._written.wait()

    async def _run(self) -> None:
        try:
            while not (self._closing and not self._pages and not self._retries):
                if not self._closing:
                    await self._wait_until_due()
                await self._write_all()
        except BaseException:
            self._on_failure()
            raise
        finally:
            self._ended = True
            self._room.set()
            self._written.set()

    async def _wait_until_due(self) -> None:
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._due.wait()
        except TimeoutError:
            return
        self._due.clear()

    async def _write_all(self) -> None:
        while self._pages or self._retries:
            pages, retries = self._batch(), self._retries[:]
            await asyncio.to_thread(self._write, self._batches, pages, retries)
            self._batches += 1
            del self._retries[: len(retries)]
            for _ in pages:
                self._waiting -= self._pages.popleft()[1]
            if self._waiting < MAX_WAITING:
                self._room.set()
        self._written.set()

    def _batch(self) -> list[ScannedPage]:
        """The first that wait, until they are enough for a batch."""
        weight, chosen = 0, []
        for page, more in self._pages:
            chosen.append(page)
            weight += more
            if weight >= COMMIT_WEIGHT:
                break
        return chosen


def _weight(page: ScannedPage) -> int:
    """What the page takes while its rows are made, about, in bytes; a batch is full with 200 small ones."""
    body = len(page.answer.body) if isinstance(page.answer, Response) else 0
    rows = len(page.page.links) + len(page.page.images) if page.page is not None else 0
    return max(COMMIT_WEIGHT // COMMIT_PAGES, body + rows * LINK_WEIGHT)
