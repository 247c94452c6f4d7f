"""Leased pages are worked on host by host, so that a slow or throttled host holds up no other."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from tasks.store import Lease
from tasks.urls import host_port


class HostWorkers:
    """At most ``per_host`` workers for each host, started when it has pages and gone when it has none.

    Args:
        work: does one leased page; its exception stops the group and is raised by ``until``.
    """

    def __init__(self, work: Callable[[Lease], Awaitable[None]], *, per_host: int) -> None:
        self.queued = 0
        self._work = work
        self._per_host = per_host
        self._waiting: dict[str, deque[Lease]] = {}
        self._active: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._awaited: Callable[[], bool] = lambda: False
        self._met = asyncio.Event()
        self._stopping = False
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def idle(self) -> bool:
        return not self._tasks

    @property
    def hosts(self) -> list[str]:
        """Hosts being worked on, busiest first."""
        return [host for host, _ in self._active.most_common()]

    def feed(self, leases: Iterable[Lease]) -> None:
        """Puts pages in line; each host has as many workers as its limit allows."""
        for lease in leases:
            host = host_port(lease.url)
            self._waiting.setdefault(host, deque()).append(lease)
            self.queued += 1
            if self._active[host] < self._per_host:
                self._active[host] += 1
                worker = asyncio.create_task(self._run(host))
                self._tasks.add(worker)
                worker.add_done_callback(self._done)

    async def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Waits at most ``seconds`` for ``condition``, looked at after each page.

        Raises:
            Exception: what ``work`` raised.
        """
        self._awaited = condition
        self._met.clear()
        if not condition() and self._failure is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._met.wait()
        if self._failure is not None:
            raise self._failure

    async def finish(self, seconds: float) -> None:
        """Begins nothing new and waits at most ``seconds`` for what is being worked on.

        Raises:
            Exception: what ``work`` raised.
        """
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        if self._failure is not None:
            raise self._failure

    async def _run(self, host: str) -> None:
        waiting = self._waiting[host]
        try:
            while waiting and not self._stopping:
                self.queued -= 1
                await self._work(waiting.popleft())
                if self._awaited():
                    self._met.set()
        finally:
            self._active[host] -= 1

    def _done(self, worker: asyncio.Task[None]) -> None:
        self._tasks.discard(worker)
        if not worker.cancelled() and worker.exception() is not None:
            self._failure = self._failure or worker.exception()
            self._met.set()
        if self._awaited():
            self._met.set()
