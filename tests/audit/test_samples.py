"""The samples in the manual are run: each bad one fails its rule, each good one passes it."""

import pytest

from tasks.audit import Rule, all_rules, audit
from tasks.audit.samples import answer_of
from tasks.extract.page import extract
from tasks.model import Answer, Outcome, Response

RULES = [rule for rule in all_rules() if rule.level == "page"]


def outcome_of(rule: Rule, answer: Answer) -> Outcome:
    page = extract(answer) if isinstance(answer, Response) and answer.status == 200 and answer.is_html else None
    results = {result.rule: result.outcome for result in audit(answer, page).results}
    return results[rule.id]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_bad_sample_fails(rule):
    assert outcome_of(rule, answer_of(rule.bad)) is Outcome.FAIL


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_good_sample_passes(rule):
    assert outcome_of(rule, answer_of(rule.good)) is Outcome.PASS
