"""Which failures pass by themselves, and when to try again."""

import random
import re
from datetime import UTC
from email.utils import parsedate_to_datetime

from tasks.fetch.breaker import COOL_DOWN, MAX_COOL_DOWN
from tasks.model import Answer, FetchFailure, Reason, Response

MAX_RETRY_AFTER = 600.0
"""Longest wait a server can ask for, seconds."""

_FIRST_DELAY = 1.0
_JITTER = 0.5
_MAX_DOUBLINGS = 8
_DNS_TRIES = 2
# Not the deadline: a server that drips for a minute has used three when tried three times.
_TRANSIENT_REASONS = frozenset(
    {
        Reason.DNS,
        Reason.CONNECT_REFUSED,
        Reason.CONNECT_TIMEOUT,
        Reason.RESET,
        Reason.READ_TIMEOUT,
        Reason.TRUNCATED,
        Reason.HOST_DOWN,
    }
)
_TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_SECONDS = re.compile(r"[0-9]{1,10}")


def is_transient(answer: Answer, *, tries: int) -> bool:
    """Whether another try may end differently, after ``tries`` of them. An unknown host name is tried twice."""
    if isinstance(answer, Response):
        return answer.status in _TRANSIENT_STATUSES
    if answer.reason is Reason.DNS:
        return tries < _DNS_TRIES
    return answer.reason in _TRANSIENT_REASONS


def delay(answer: Answer, tries: int, now: float) -> float:
    """Seconds to wait before the next try, after ``tries`` of them.

    One second, or the time for which a host is left alone, doubled for each further try, ± half of it by chance; never
    less than the server asks for.
    """
    doublings = 2.0 ** min(tries - 1, _MAX_DOUBLINGS)
    left_alone = isinstance(answer, FetchFailure) and answer.reason is Reason.HOST_DOWN
    backoff = min(COOL_DOWN * doublings, MAX_COOL_DOWN) if left_alone else _FIRST_DELAY * doublings
    jittered = backoff * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load, hides nothing
    return max(jittered, retry_after(answer, now) or 0.0)


def retry_after(answer: Answer, now: float) -> float | None:
    """Seconds the server asks to wait, at most ten minutes; None where it asks nothing that can be honoured."""
    if isinstance(answer, FetchFailure):
        return None
    return asked_wait(answer.header("retry-after") or "", now)


def asked_wait(value: str, now: float) -> float | None:
    """Seconds that a Retry-After header of this ``value`` asks to wait; as ``retry_after`` bounds them."""
    value = value.strip()
    seconds = float(value) if _SECONDS.fullmatch(value) else _seconds_until(value, now)
    return min(seconds, MAX_RETRY_AFTER) if seconds > 0 else None


def _seconds_until(http_date: str, now: float) -> float:
    try:
        moment = parsedate_to_datetime(http_date)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
