"""What the dates of sitemaps and feeds may mean at the latest."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.crawl.lastmod import latest_moment


def at(*moment):
    return datetime(*moment, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("lastmod", "moment"),
    [
        ("2026-11-23", at(2026, 11, 24)),
        (" 2026-11-23T10:00:00Z ", at(2026, 11, 23, 10)),
        ("2026-11-23T10:00:00+02:00", at(2026, 11, 23, 8)),
        ("2026-11-23T10:00:00.5", at(2026, 11, 23, 10) + 0.5),
        ("2026-11-23T10:00+00:00", at(2026, 11, 23, 10)),
        ("Mon, 23 Nov 2026 10:00:00 GMT", at(2026, 11, 23, 10)),
        ("2026-11", None),
        ("2026", None),
        ("yesterday", None),
        ("", None),
        ("9999-12-31", None),
        ("0001-01-01T00:00:00+23:59", -62135683140.0),
    ],
)
def test_moments(lastmod, moment):
    assert latest_moment(lastmod) == moment


@given(st.text(max_size=40) | st.from_regex(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?([+-]\d\d:\d\d)?)?"))
def test_any_text_is_a_moment_or_none(text):
    assert isinstance(latest_moment(text), float | None)
