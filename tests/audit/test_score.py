"""The score: between 0 and 100, 100 for what is flawless, less with every rule that fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.audit.score import WEIGHT, Alike, kept, score
from tasks.model import Severity

ERROR, WARNING, NOTICE = Severity

failed_rules = st.dictionaries(st.sampled_from(Severity), st.integers(0, 90))
groups = st.lists(st.builds(Alike, st.integers(1, 100_000), failed_rules), min_size=1, max_size=9)


@pytest.mark.parametrize(
    ("pages", "site", "expected"),
    [
        ([Alike(7)], {}, 100),
        ([Alike(1, {ERROR: 1})], {}, 50),
        ([Alike(1, {ERROR: 2})], {}, 25),
        ([Alike(1, {WARNING: 1})], {}, 90),
        ([Alike(1, {NOTICE: 1})], {}, 98),
        ([Alike(999_999), Alike(1, {NOTICE: 1})], {}, 99),
        ([Alike(3), Alike(1, {ERROR: 1, WARNING: 1, NOTICE: 1})], {}, 86),
        ([Alike(3)], {ERROR: 1}, 50),
        ([], {}, None),
        ([], {ERROR: 1}, None),
    ],
)
def test_scores(pages, site, expected):
    assert score(pages, site) == expected


@given(groups, failed_rules)
def test_a_score_is_between_0_and_100_and_never_rises_with_a_further_failure(pages, site):
    before = score(pages, site)
    first = pages[0]
    for severity in Severity:
        worse = Alike(first.pages, {**first.failed, severity: first.failed.get(severity, 0) + 1})
        assert 0 <= score([worse, *pages[1:]], site) <= before <= 100


@given(groups)
def test_the_order_of_pages_does_not_matter(pages):
    assert abs(score(pages) - score(pages[::-1])) <= 1  # sums of floats differ in their last digit


def test_weights_are_what_the_severities_take_away():
    assert [WEIGHT[severity] for severity in Severity] == [
        round((1 - kept({severity: 1})) / (1 - kept({NOTICE: 1}))) for severity in Severity
    ]
