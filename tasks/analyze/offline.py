"""Advice without a model: what the rules themselves say of why and how, the gravest first."""

from collections.abc import Mapping

from tasks.analyze.subject import Finding, Subject, rules_by_id
from tasks.audit.rule import Rule
from tasks.model import Severity
from tasks.store import NewRecommendation

NO_WEIGHTS: Mapping[str, float] = {}


def rules_advice(subject: Subject, weights: Mapping[str, float] = NO_WEIGHTS) -> tuple[NewRecommendation, ...]:
    """One recommendation for each rule that failed on the page.

    Args:
        subject: the page.
        weights: by rule, what it weighs on the whole site; decides among equally grave ones.
    """
    rules = rules_by_id()
    by_rule: dict[str, list[Finding]] = {}
    for finding in subject.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    ranked = sorted(by_rule.items(), key=lambda pair: (_rank(pair[1]), -weights.get(pair[0], 0.0)))
    return tuple(_recommendation(rules[rule], findings) for rule, findings in ranked if rule in rules)


def _rank(findings: list[Finding]) -> int:
    return min(list(Severity).index(finding.severity) for finding in findings)


def _recommendation(rule: Rule, findings: list[Finding]) -> NewRecommendation:
    prints = tuple(print_ for finding in findings for print_ in finding.fingerprints)
    more = f" And {len(prints) - 1:,} more like it." if len(prints) > 1 else ""
    return NewRecommendation(
        title=rule.summary.rstrip("."),
        description=f"{findings[0].message}{more}\n{rule.why}\n{rule.fix}",
        priority=("high", "medium", "low")[_rank(findings)],
        category=rule.category,
        findings=prints,
        rules=(rule.id,),
    )
