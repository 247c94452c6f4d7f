"""How handing on one outbox entry ended."""

import random
from dataclasses import dataclass

MAX_BACKOFF = 600.0
_JITTER = 0.5
_MAX_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class Delivered:
    """Whoever was to have it took it."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """To be tried again, not before so many seconds since the epoch."""

    not_before: float
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Never to be tried again."""

    why: str


Outcome = Delivered | Postponed | Refused


def backoff(attempts: int) -> float:
    """Seconds until the next try, after ``attempts`` of them: 2, 4, 8 … at most 600, ± half of it by chance."""
    delay = min(2.0 ** min(max(attempts, 1), _MAX_DOUBLINGS), MAX_BACKOFF)
    return delay * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load, hides nothing
