"""How long a crawl may take, and what of that is for what."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from tasks.durations import WRITTEN, duration
from tasks.scan.records import NEVER

CLOSING_SECONDS = 60.0
CLOSING_SHARE = 0.2
"""Of a budget, at most ``CLOSING_SECONDS``: kept for looking at what pages point to, and as much for judging."""


def _longer_than_nothing(budget: float | str) -> float:
    seconds = duration(budget) if isinstance(budget, str) else float(budget)
    if seconds <= 0:
        raise ValueError("must be longer than 0")
    return seconds


_Seconds = Annotated[float, Field(json_schema_extra={"exclusiveMinimum": 0})]
_Written = Annotated[str, Field(json_schema_extra={"pattern": WRITTEN})]
TimeBudget = Annotated[_Seconds | _Written, AfterValidator(_longer_than_nothing)]
"""Seconds, or a text such as 30m."""


@dataclass(frozen=True, slots=True)
class Budget:
    """When a crawl fetches no more pages, and looks at nothing else; seconds since the epoch."""

    fetch_until: float = NEVER
    check_until: float = NEVER

    @classmethod
    def of(cls, budget: float | str | None, started: float) -> Self:
        """The parts of ``budget``; without one nothing ends."""
        if budget is None:
            return cls()
        seconds = _longer_than_nothing(budget)
        kept = min(CLOSING_SECONDS, CLOSING_SHARE * seconds)
        return cls(fetch_until=started + seconds - 2 * kept, check_until=started + seconds - kept)
