"""robots.txt of every origin a run touches: asked for once a day and data folder, obeyed by all its chunks."""

import asyncio
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from tasks.audit.indexability import JUDGED_AGENT
from tasks.crawl.robots import PATH, RobotsPolicy, outcome_of
from tasks.fetch.fetcher import Fetcher
from tasks.fetch.retry import delay, is_transient
from tasks.model import Answer, FetchFailure, Reason, Response
from tasks.store import CachedRobots, Store
from tasks.urls import origin

MAX_TRIES = 3
MAX_REDIRECTS = 5
"""More count as no robots.txt (RFC 9309, section 2.3.1.2)."""

UNREACHABLE_SECONDS = 60.0
"""For how long an origin that answered with an error is not asked again; one without an answer is asked by the next."""

PATIENCE = 5.0
"""Seconds for which a page that was fetched all the same waits for robots.txt."""

SUCCESS = range(200, 300)
HOST_FAILURES = frozenset(
    {Reason.DNS, Reason.CONNECT_REFUSED, Reason.CONNECT_TIMEOUT, Reason.TLS, Reason.ADDRESS_REFUSED}
)
"""Reasons that keep from every page of the host as they keep from its robots.txt."""

MAX_BYTES = 500 * 1024
"""What Google reads of a robots.txt; the rest is not kept."""


@dataclass(frozen=True, slots=True)
class Robots:
    """An origin's robots.txt: what it answered, and the policy that follows (None: everything is disallowed)."""

    answer: CachedRobots
    policy: RobotsPolicy | None

    def allows(self, agent: str, url: str) -> bool:
        """True where ``agent`` may fetch ``url``."""
        return self.policy is not None and self.policy.allows(agent, url)

    def blocks(self, url: str) -> bool:
        """True where search engines may not read ``url``, whether the scanner may or not."""
        return not self.allows(JUDGED_AGENT, url)


@dataclass(frozen=True, slots=True)
class _Reading:
    """``begun`` in seconds of time.monotonic()."""

    task: asyncio.Task[Robots]
    begun: float


class RobotsBook:
    """The robots.txt of each origin, from the store or from the network; an async context manager.

    Args:
        agent: who fetches.
        realm: whose answers are kept and taken.
    """

    def __init__(self, store: Store, fetcher: Fetcher, agent: str, realm: str = "") -> None:
        self._kept = store.robots.under(realm)
        self._fetcher = fetcher
        self.agent = agent
        self._readings: dict[str, _Reading] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [reading.task for reading in self._readings.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def begin(self, url: str) -> None:
        """Begins to read the robots.txt for ``url``, where that has not begun."""
        self._reading(url)

    async def of(self, url: str) -> Robots:
        """The robots.txt of the address's origin; callers at once wait for one request."""
        reading = self._reading(url)
        return reading.task.result() if reading.task.done() else await asyncio.shield(reading.task)

    async def refusal(self, url: str) -> Reason | None:
        """Why ``url`` may not be fetched, by its robots.txt or by what keeps from that; None where it may."""
        robots = await self.of(url)
        if robots.allows(self.agent, url):
            return None
        reason = robots.answer.reason
        return reason if reason in HOST_FAILURES or reason is Reason.HOST_DOWN else Reason.BLOCKED_BY_ROBOTS

    async def blocks(self, url: str, answer: Answer) -> bool | None:
        """Whether it disallows ``url`` to search engines, or where that led to; None where it is not known.

        An answer does not wait longer than ``PATIENCE`` seconds from the beginning of the request for robots.txt, a
        failure does not wait at all.
        """
        patient = isinstance(answer, Response)
        blocked = await self._disallows(url, patient=patient)
        if blocked or answer.url == url:
            return blocked
        return _either(blocked, await self._disallows(answer.url, patient=patient))

    async def _disallows(self, url: str, *, patient: bool) -> bool | None:
        reading = self._reading(url)
        if patient and not reading.task.done():
            left = reading.begun + PATIENCE - time.monotonic()
            await asyncio.wait([reading.task], timeout=max(0.0, left))
        if not reading.task.done():
            return None
        robots = reading.task.result()
        return None if robots.policy is None else robots.blocks(url)

    def _reading(self, url: str) -> "_Reading":
        key = origin(url)
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = _Reading(asyncio.create_task(self._read(key)), time.monotonic())
        return reading

    async def _read(self, key: str) -> Robots:
        kept = await asyncio.to_thread(self._kept.get, key)
        if kept is not None:
            policy = outcome_of(as_answer(kept))
            age = (datetime.now(UTC) - kept.fetched_at).total_seconds()
            if policy is not None or (kept.status is not None and age < UNREACHABLE_SECONDS):
                return Robots(kept, policy)
        answer = await self._ask(key + PATH)
        policy = outcome_of(answer)
        kept = CachedRobots(
            origin=key,
            status=answer.status if isinstance(answer, Response) else None,
            reason=answer.reason if isinstance(answer, FetchFailure) else None,
            body=answer.body[:MAX_BYTES] if isinstance(answer, Response) and answer.status in SUCCESS else b"",
            crawl_delay=policy.crawl_delay(self.agent) if policy else None,
            fetched_at=datetime.now(UTC),
        )
        await asyncio.to_thread(self._kept.keep, kept)
        return Robots(kept, policy)

    async def _ask(self, url: str) -> Answer:
        tries = 0
        while True:
            tries += 1
            answer = _within_redirects(await self._fetcher.fetch(url, tries, first=MAX_BYTES))
            if tries >= MAX_TRIES or not is_transient(answer, tries=tries):
                return answer
            await asyncio.sleep(delay(answer, tries=tries, now=time.time()))


class KeptRobots:
    """The robots.txt of each origin as it was last read, however long ago."""

    def __init__(self, store: Store, realm: str = "") -> None:
        self._kept = store.robots.under(realm)
        self._read: dict[str, RobotsPolicy | None] = {}

    def blocks(self, url: str, end: str) -> bool | None:
        """Whether it disallows ``url`` to search engines, or ``end``, where that leads; None where it is not known."""
        return _either(self._disallows(url), self._disallows(end))

    def _disallows(self, url: str) -> bool | None:
        key = origin(url)
        if key not in self._read:
            kept = self._kept.get(key, math.inf)
            self._read[key] = outcome_of(as_answer(kept)) if kept is not None else None
        policy = self._read[key]
        return None if policy is None else not policy.allows(JUDGED_AGENT, url)


def _either(*answers: bool | None) -> bool | None:
    return True if any(answers) else None if None in answers else False


def _within_redirects(answer: Answer) -> Answer:
    if isinstance(answer, Response) and len(answer.hops) > MAX_REDIRECTS:
        return FetchFailure(url=answer.url, reason=Reason.TOO_MANY_REDIRECTS, hops=answer.hops, tries=answer.tries)
    return answer


def as_answer(kept: CachedRobots) -> Answer:
    """What the origin answered, as far as it matters for its policy."""
    if kept.status is None:
        return FetchFailure(url=kept.origin + PATH, reason=kept.reason or Reason.BAD_RESPONSE)
    return Response(url=kept.origin + PATH, status=kept.status, body=kept.body)
