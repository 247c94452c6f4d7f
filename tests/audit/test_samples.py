"""The samples in the manual are run: each bad one fails its rule, each good one passes it."""

import pytest

from tasks.audit import Rule, all_rules, audit
from tasks.audit.rule import InBrowser, Sample, Unparsable
from tasks.audit.samples import answer_of, html
from tasks.extract.page import extract
from tasks.model import Outcome, Rendered, Response

RULES = [rule for rule in all_rules() if rule.level == "page"]


def outcome_of(rule: Rule, sample: Sample) -> Outcome:
    answer = answer_of(sample)
    readable = isinstance(answer, Response) and answer.status == 200 and answer.is_html
    page = extract(answer) if readable and not isinstance(sample, Unparsable) else None
    rendered = None
    if isinstance(sample, InBrowser):
        rendered = Rendered(page=extract(html(sample.becomes)), behaviour=sample.behaviour)
    results = {result.rule: result.outcome for result in audit(answer, page, rendered=rendered).results}
    return results[rule.id]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_bad_sample_fails(rule):
    assert outcome_of(rule, rule.bad) is Outcome.FAIL


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_good_sample_passes(rule):
    assert outcome_of(rule, rule.good) is Outcome.PASS
