"""Run every rule on one answer.

Redirects, canonical and indexability are settled first, since the other rules depend on them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tasks.audit.indexability import MOVED, kept_out, not_fetched, not_html200
from tasks.audit.profile import DEFAULT, Judge, Profile
from tasks.audit.rule import Applies, Check, Finding, NotApplicable, Rule, Word, shown
from tasks.model import (
    Answer,
    Evidence,
    FetchFailure,
    Issue,
    Outcome,
    Page,
    Reason,
    Rendered,
    Response,
    RuleResult,
    Severity,
    Verdict,
)
from tasks.urls import address

MAX_FINDINGS = 100
MAX_TEXT = 4000
PAGE = (Page,)
CRASHED = "rule-crashed"


@dataclass(frozen=True, slots=True)
class Bar:
    """What keeps rules from a subject."""

    outcome: Outcome
    why: str


def audit(
    answer: Answer,
    page: Page | None,
    profile: Profile = DEFAULT,
    *,
    blocked: bool = False,
    moved: bool = False,
    rendered: Rendered | FetchFailure | None = None,
) -> Verdict:
    """Judge one address.

    Args:
        answer: what came back.
        page: facts of ``answer``; None where it is no successful HTML or could not be parsed.
        profile: which rules, severities and options.
        blocked: robots.txt disallows the address to ``JUDGED_AGENT``.
        moved: the address redirects, and where it leads to is judged by itself.
        rendered: what a browser made of the page, or why nothing; None where it was not rendered.

    Returns:
        The issues, the result of every rule, and why the page may not be indexed. At most 100 findings of a rule
        become issues; the last one's evidence counts the rest as ``more``.
    """
    bars, not_indexable = _bars(answer, page, blocked=blocked, moved=moved)
    url = address(answer.requested_url)
    issues: list[Issue] = []
    results: list[RuleResult] = []
    for judge in profile.judges:
        if judge.check is None:
            results.append(_result(judge.rule.id, Outcome.NOT_APPLICABLE, "switched off by the profile"))
            continue
        bar = bars.get(judge.rule.applies)
        if bar is None and judge.rule.sees != PAGE:
            bar = _type_bar(judge.rule, answer)
        if bar is None and judge.rule.needs_browser:
            bar = _browser_bar(rendered)
        if bar is not None:
            results.append(_result(judge.rule.id, bar.outcome, bar.why))
            continue
        try:
            words = _words(judge.rule, judge.check, answer, page, rendered)
        except Exception as error:  # noqa: BLE001 - one broken rule must not silence the others
            results.append(_result(judge.rule.id, Outcome.UNKNOWN, "the rule crashed"))
            issues.append(crash(judge.rule, error, url, "the page"))
            continue
        result = _result_of(judge, words) if words else judge.passed
        results.append(result)
        if result is judge.failed:
            issues.extend(_issues(judge, words, url))
    return Verdict(tuple(issues), tuple(results), not_indexable)


def _words(
    rule: Rule, check: Check, answer: Answer, page: Page | None, rendered: Rendered | FetchFailure | None
) -> tuple[Word, ...]:
    if rule.needs_browser:
        return tuple(check(page, rendered))
    subject, other = (page, answer) if rule.sees == PAGE else (answer, page)
    return tuple(check(subject, other) if rule.needs_both else check(subject))


def _bars(answer: Answer, page: Page | None, *, blocked: bool, moved: bool) -> tuple[dict[Applies, Bar], str]:
    """What each set of subjects excludes this one for, and why it may not be indexed."""
    bars: dict[Applies, Bar] = {}
    if not answer.hops:
        bars[Applies.REDIRECTED] = Bar(Outcome.NOT_APPLICABLE, "no redirect")
    if moved and (isinstance(answer, Response) or answer.reason is Reason.NOT_FETCHED):
        bars[Applies.HTML200] = bars[Applies.INDEXABLE] = Bar(Outcome.NOT_APPLICABLE, MOVED)
        return bars, MOVED
    if isinstance(answer, FetchFailure):
        why = not_fetched(answer)
        if answer.status is None and not answer.hops:
            bars[Applies.ANSWERED] = bars[Applies.REDIRECTED] = Bar(Outcome.NOT_APPLICABLE, why)
        bars[Applies.HTML200] = bars[Applies.INDEXABLE] = Bar(Outcome.UNKNOWN, why)
        return bars, why
    why = not_html200(answer)
    if why or page is None:
        why = why or "unparsable"
        outcome = Outcome.UNKNOWN if why == "unparsable" else Outcome.NOT_APPLICABLE
        bars[Applies.HTML200] = bars[Applies.INDEXABLE] = Bar(outcome, why)
        return bars, why
    why = kept_out(page, answer.fetched_at, blocked=blocked)
    if why:
        bars[Applies.INDEXABLE] = Bar(Outcome.NOT_APPLICABLE, why)
    return bars, why


def _type_bar(rule: Rule, answer: Answer) -> Bar | None:
    if type(answer) in rule.sees:
        return None
    return Bar(Outcome.NOT_APPLICABLE, "not fetched" if isinstance(answer, FetchFailure) else "fetched")


def _browser_bar(rendered: Rendered | FetchFailure | None) -> Bar | None:
    if isinstance(rendered, Rendered):
        return None
    return Bar(Outcome.UNKNOWN, f"not rendered: {rendered.reason}" if rendered is not None else "not rendered")


def _result_of(judge: Judge, words: tuple[Word, ...]) -> RuleResult:
    first = words[0]
    if isinstance(first, Finding) or any(isinstance(word, Finding) for word in words):
        return judge.failed
    outcome = Outcome.NOT_APPLICABLE if isinstance(first, NotApplicable) else Outcome.UNKNOWN
    return _result(judge.rule.id, outcome, first.why)


@lru_cache(maxsize=8192)
def _result(rule_id: str, outcome: Outcome, why: str) -> RuleResult:
    return RuleResult(rule_id, outcome, why)


def _issues(judge: Judge, words: tuple[Word, ...], url: str) -> Iterator[Issue]:
    """One issue for each key, the first finding speaking for all of that key."""
    counts: dict[str, int] = {}
    kept: list[Finding] = []
    for word in words:
        if isinstance(word, Finding):
            if word.key not in counts and len(kept) < MAX_FINDINGS:
                kept.append(word)
            counts[word.key] = counts.get(word.key, 0) + 1
    for finding in kept:
        more: Evidence = {"occurrences": counts[finding.key]} if counts[finding.key] > 1 else {}
        if finding is kept[-1] and len(counts) > len(kept):
            more["more"] = len(counts) - len(kept)
        yield _issue(judge, finding, more, url)


def _issue(judge: Judge, finding: Finding, more: Evidence, url: str) -> Issue:
    evidence = finding.evidence | more
    return Issue(
        rule=judge.rule.id,
        severity=judge.severity or finding.severity or judge.rule.severity,
        category=judge.rule.category,
        message=shown(finding.message, MAX_TEXT),
        evidence={
            name: shown(value, MAX_TEXT) if isinstance(value, str) else value for name, value in evidence.items()
        },
        fingerprint=fingerprint(judge.rule.id, url, finding.key),
        observed=finding.observed,
    )


def crash(rule: Rule, error: Exception, url: str, judged: str) -> Issue:
    """The finding that ``rule`` itself broke down on what it judged."""
    what = shown(f"{type(error).__name__}: {error}")
    return Issue(
        rule=CRASHED,
        severity=Severity.WARNING,
        category="audit",
        message=f"The rule {rule.id} crashed ({what}); {judged} was not judged by it.",
        evidence={"observed": what, "rule": rule.id},
        fingerprint=fingerprint(CRASHED, url, rule.id),
    )


def fingerprint(rule_id: str, url: str, key: str) -> str:
    """Identity of a finding across runs, 16 hex digits."""
    text = f"{rule_id}\n{url}\n{key}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
