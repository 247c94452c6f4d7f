"""The outcome of a run is told at once: counts are not told shortly before it."""

import pytest

from flows.progress import Pace
from tasks.store import Progress


@pytest.mark.parametrize(
    ("done", "ends_soon"),
    [
        ([0, 10, 20, 30], [False, False, False]),
        ([0, 0, 0, 0], [False, False, False]),
        ([0, 400, 800, 1000], [False, True, True]),
        ([600, 610, 620, 1000], [False, False, True]),
        ([1000, 1000], [True]),
    ],
)
def test_the_end_is_near_at_the_present_pace(done, ends_soon):
    pace = Pace()
    pace.ends_within(2, Progress(total=1000, completed=done[0]), now=0)
    told = [
        pace.ends_within(2, Progress(total=1000, completed=count), now=2.0 * n) for n, count in enumerate(done[1:], 1)
    ]
    assert told == ends_soon


def test_pages_beyond_the_limits_are_not_waited_for():
    pace = Pace()
    pace.ends_within(2, Progress(total=5000, held_back=4000), now=0)
    assert pace.ends_within(2, Progress(total=5000, held_back=4000, completed=600), now=2)
