"""A host whose answers slow down gets fewer connections, and gets them back as it recovers."""

from statistics import median

SLOW_SECONDS = 1.0
"""Answers faster than this are never slow."""

SLOWER = 2.0
"""How many times slower than the host's best."""

ENOUGH = 5


class Slowing:
    """How many connections a host bears.

    Attributes:
        allowed: connections, at most.
    """

    __slots__ = ("_best", "_limit", "_times", "allowed")

    def __init__(self, limit: int) -> None:
        self.allowed = limit
        self._limit = limit
        self._best = float("inf")
        self._times: list[float] = []

    def answered(self, seconds: float) -> None:
        """Takes the time from request to first byte."""
        self._times.append(seconds)

    def look(self) -> None:
        """Judges the answers since the last look, where they are enough: half as many, or one more."""
        if len(self._times) < ENOUGH:
            return
        now = median(self._times)
        self._times.clear()
        self._best = min(self._best, now)
        if now >= SLOW_SECONDS and now > SLOWER * self._best:
            self.allowed = max(1, self.allowed // 2)
        elif self.allowed < self._limit:
            self.allowed += 1
