"""What is said of a page, and all that the store writes of it."""

from dataclasses import dataclass
from typing import Literal

from tasks.model.answers import Answer, FetchFailure
from tasks.model.pages import Page
from tasks.model.rendering import Rendered
from tasks.model.states import Outcome, PageState, Reason, Severity

Evidence = dict[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A failed rule on one page, with what was seen.

    Attributes:
        message: one sentence naming the observed value.
        evidence: the observed value, the limit, a locator.
        fingerprint: identity across runs, 16 hex digits; free of counts, dates and thresholds.
        observed: False where inferred.
    """

    rule: str
    severity: Severity
    category: str
    message: str
    evidence: Evidence
    fingerprint: str
    observed: bool = True


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's word on one page; ``why`` names what excluded it or what is missing."""

    rule: str
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that the rules say of one page; ``not_indexable`` is empty where it may be indexed."""

    issues: tuple[Issue, ...] = ()
    results: tuple[RuleResult, ...] = ()
    not_indexable: str = ""


Revalidation = Literal["not-modified", "modified", "same"]
"""What a conditional request brought: 304, another body, or the same body in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierFacts:
    """The facts that an earlier run wrote of a page: which they are, and what they amount to."""

    run_id: str
    part: str
    state: PageState
    reason: Reason | None
    status: int
    errors: int = 0
    warnings: int = 0
    notices: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedPage:
    """One page of a run, done: what the store writes.

    Attributes:
        blocked_by_robots: robots.txt disallows it to Googlebot, or where it redirects to; None where that is not known.
        revalidation: None where it was asked for without condition.
        earlier: its facts, where it was not modified since they were written.
        rendered: what a browser made of it, or why nothing; None where it was not to be rendered.
    """

    page_id: str
    url: str
    state: PageState
    reason: Reason | None
    answer: Answer
    page: Page | None
    verdict: Verdict
    blocked_by_robots: bool | None = None
    revalidation: Revalidation | None = None
    earlier: EarlierFacts | None = None
    rendered: Rendered | FetchFailure | None = None
