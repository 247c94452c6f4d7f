"""When a running chunk has to end: asked to, out of time, superseded, or orphaned."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

FINISH_SECONDS = 10.0
"""What is under way when it is time to stop may take so long."""

LOOK_EVERY = 1.0
ASKED_TO = "stopped"
"""The reason where the run's stop mark is set."""

_T = TypeVar("_T")


class StopWatch:
    """Looks once a second whether to go on; ``reason`` is empty while nothing speaks against it.

    Args:
        is_stopped: reads the run's stop mark; called in a thread.
        deadline: seconds since the epoch after which nothing new is begun.
        parent_pid: the process this one works for; 0 where it works for itself.
    """

    def __init__(self, is_stopped: Callable[[], bool], *, deadline: float, parent_pid: int = 0) -> None:
        self.reason = ""
        self._is_stopped = is_stopped
        self._deadline = deadline
        self._parent_pid = parent_pid
        self._event = asyncio.Event()
        self._limits: set[asyncio.Timeout] = set()
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    @property
    def is_over(self) -> bool:
        """True where nothing new may be begun; the deadline counts to the moment."""
        return bool(self.reason) or self.left <= 0

    @property
    def left(self) -> float:
        """Seconds to the deadline."""
        return self._deadline - time.time()

    def stop(self, reason: str) -> None:
        """Has all who wait end; the first reason counts."""
        if self.reason:
            return
        self.reason = reason
        self._event.set()
        for limit in self._limits:
            limit.reschedule(_last_moment())

    async def sleep(self, seconds: float) -> None:
        """Sleeps ``seconds``, or less when it is time to stop."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._event.wait()
        except TimeoutError:
            return

    async def in_time(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """What ``work`` returns; None where it is cancelled, as it takes too long once it is time to stop."""
        limit = asyncio.timeout_at(_last_moment() if self.reason else None)
        self._limits.add(limit)
        try:
            async with limit:
                return await work
        except TimeoutError:
            if not limit.expired():
                raise
            return None
        finally:
            self._limits.discard(limit)

    async def _look(self) -> None:
        while not self.reason:
            if self._parent_pid and os.getppid() != self._parent_pid:
                self.stop("orphaned")
            elif time.time() > self._deadline:
                self.stop("deadline")
            elif await self._asked_to():
                self.stop(ASKED_TO)
            else:
                await asyncio.sleep(LOOK_EVERY)

    async def _asked_to(self) -> bool:
        try:
            return await asyncio.to_thread(self._is_stopped)
        except Exception as error:  # noqa: BLE001 - a run that cannot be read cannot be gone on with
            self.stop(f"the run cannot be read: {error}")
            return False


def _last_moment() -> float:
    return asyncio.get_running_loop().time() + FINISH_SECONDS
