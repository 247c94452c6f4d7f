"""One host before the gate: its connections, its departure times and those who wait for either."""

import asyncio
import time
from collections import deque

from tasks.fetch.breaker import FAILURES, Breaker
from tasks.fetch.failures import FetchError
from tasks.fetch.slowing import Slowing
from tasks.model import FetchOptions, HostDemand, HostShare, Reason
from tasks.urls import is_loopback

DEFAULT_RATE = 10.0
"""Pages a second and host where no rate is given; none on loopback."""

HTTPS_PORT = ":443"
_BLOCK_SECONDS = 2.0
_AHEAD_SECONDS = 0.25
_IDLE_SECONDS = 5.0
_LATE_SECONDS = 0.005
_LATE_SHARE = 0.01


def spacing_for(host: str, rate: float | None) -> float:
    """Seconds between request starts to ``host`` (``host:port``)."""
    if rate is None:
        rate = 0.0 if is_loopback(host) else DEFAULT_RATE
    return 1.0 / rate if rate else 0.0


class Host:
    """One host as one gate knows it: who uses it and who waits for it.

    Attributes:
        breaker: of the scheme that its port is for, shared with other processes; failures by the other scheme, such as
            TLS asked of a port that has none, say nothing of it.
    """

    __slots__ = (
        "_other_breaker", "breaker", "claimed", "departing", "departures", "granted", "in_use", "key", "known",
        "last_departure", "pause_until", "slowing", "spacing", "used_at", "waiting",
    )  # fmt: skip

    def __init__(self, key: str, spacing: float, limit: int) -> None:
        self.key = key
        self.spacing = spacing
        self.breaker = Breaker()
        self._other_breaker = Breaker()
        self.slowing = Slowing(limit)
        self.known = False
        self.granted = 0
        self.claimed = 0
        self.in_use = 0
        self.pause_until = 0.0
        self.used_at = time.time()
        self.departures: deque[float] = deque()
        self.last_departure = 0.0
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.departing: deque[asyncio.Future[None]] = deque()

    @property
    def unused(self) -> bool:
        return not (self.in_use or self.waiting)

    @property
    def late_by(self) -> float:
        """How much later than its departure time a request may start, seconds."""
        return max(_LATE_SECONDS, self.spacing * _LATE_SHARE)

    @property
    def due(self) -> float:
        """When this host needs the ledger before its regular turn."""
        if not self.known:
            return 0.0
        return self.last_departure - _AHEAD_SECONDS if self.departing else float("inf")

    def shifting(self, limit: int) -> bool:
        """True where connections may have to change hands soon; ``limit`` of them are there for all."""
        starved = bool(self.waiting) and not self.granted
        return starved or self.claimed > self.granted or (self.granted > 1 and 2 * self.granted > limit)

    def breaker_of(self, url: str) -> Breaker:
        is_usual = url.startswith("https:") == self.key.endswith(HTTPS_PORT)
        return self.breaker if is_usual else self._other_breaker

    def refuse(self, url: str) -> None:
        """Raises FetchError where the host is left alone."""
        breaker = self.breaker_of(url)
        if breaker.refuses(time.time()):
            last = f", the last one by {breaker.last}" if breaker.last else ""
            raise FetchError(Reason.HOST_DOWN, f"not asked: {FAILURES} requests in a row failed{last}")

    def turn_away(self) -> None:
        """Lets those who wait for this host find out that it is left alone."""
        _release(self.departing)

    def leave(self) -> None:
        self.in_use -= 1
        self.used_at = time.time()
        self.admit()

    def admit(self) -> None:
        """Gives free connections to those who wait, first come first served."""
        while self.waiting and self.in_use < self.granted:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self.in_use += 1

    def next_departure(self, now: float) -> float | None:
        while self.departures:
            departure = self.departures.popleft()
            if departure >= max(now - self.late_by, self.pause_until):
                return departure
        return None

    def demand(self, now: float, options: FetchOptions) -> HostDemand:
        """What to ask for; until the answer is there, no further connection is opened."""
        self.granted = min(self.granted, self.in_use)
        self.slowing.look()
        wanted = not self.unused or now - self.used_at < _IDLE_SECONDS
        return HostDemand(
            host=self.key,
            connections=self.slowing.allowed if wanted else 0,
            in_use=self.in_use,
            departures=self._departures_wanted(now),
            limit=options.concurrency,
            spacing=spacing_for(self.key, options.rate),
        )

    def _departures_wanted(self, now: float) -> int:
        if self.spacing == 0 or self.departures or now < self.last_departure - _AHEAD_SECONDS:
            return 0
        block = max(1, int(_BLOCK_SECONDS / self.spacing))
        return min(block, len(self.waiting) + self.in_use)

    def take(self, share: HostShare, in_use: int) -> None:
        self.known = True
        self.granted = share.connections
        self.claimed = max(share.connections, in_use)
        self.spacing = share.spacing
        self.pause_until = max(self.pause_until, share.pause_until)
        self.breaker.learn(share.open_until)
        if share.departures:
            self.departures.extend(share.first_departure + i * share.spacing for i in range(share.departures))
            self.last_departure = self.departures[-1]
        self.admit()
        if self.departures or self.spacing == 0:
            _release(self.departing)

    def fail(self, error: BaseException) -> None:
        for queue in (self.waiting, self.departing):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_exception(error)


def _release(queue: deque[asyncio.Future[None]]) -> None:
    while queue:
        turn = queue.popleft()
        if not turn.done():
            turn.set_result(None)
