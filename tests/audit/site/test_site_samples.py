"""The samples of site rules in the manual are run: each bad one fails its rule, each good one passes it."""

import pytest

from tasks.audit import Profile, all_rules
from tasks.model import Outcome

RULES = [rule for rule in all_rules() if rule.level == "site"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_bad_site_fails(rule, judge):
    judged = judge(rule.bad, profile=Profile(select=(rule.id,)))
    assert judged.results[rule.id].outcome is Outcome.FAIL
    assert judged.of(rule.id)
    assert not judged.of("rule-crashed")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_good_site_passes(rule, judge):
    judged = judge(rule.good, profile=Profile(select=(rule.id,)))
    assert judged.results[rule.id].outcome is Outcome.PASS, judged.results[rule.id]
    assert not judged.of("rule-crashed")
