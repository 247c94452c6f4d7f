"""What of a crawl's time is for what."""

import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.scan.budget import Budget, TimeBudget
from tasks.scan.records import NEVER


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (None, Budget(NEVER, NEVER)),
        ("30m", Budget(1000 + 1680, 1000 + 1740)),
        (1800, Budget(1000 + 1680, 1000 + 1740)),
        (10.0, Budget(1006, 1008)),
    ],
)
def test_time_is_kept_for_looking_and_for_judging(budget, expected):
    assert Budget.of(budget, 1000) == expected


@pytest.mark.parametrize(
    ("budget", "why"),
    [(0, "longer than 0"), (-5, "longer than 0"), ("0m", "longer than 0"), ("soon", "write 24h, 30m")],
)
def test_what_is_no_time_is_refused(budget, why):
    with pytest.raises(ValidationError, match=why):
        TypeAdapter(TimeBudget).validate_python(budget)
