"""Rules of rendered pages at their edges, on literal facts."""

from dataclasses import dataclass, field, replace

import pytest

from tasks.audit import all_rules, audit
from tasks.audit.profile import Profile
from tasks.audit.samples import EXAMPLE, html, status
from tasks.model import (
    Behaviour,
    Canonical,
    FetchFailure,
    HeadText,
    MetaRefresh,
    Outcome,
    Page,
    Reason,
    Rendered,
    Robots,
    Severity,
    StructuredData,
)

FAIL, PASS, NOT, UNKNOWN = Outcome.FAIL, Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN
LED = Behaviour(led_to=f"{EXAMPLE}teas")
RULES = [rule for rule in all_rules() if rule.needs_browser]


@dataclass
class Case:
    rule: str
    raw: Page
    page: Page
    outcome: Outcome
    message: str = ""
    severity: Severity | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)


def page(**facts) -> Page:
    return Page(**{"url": EXAMPLE, "requested_url": EXAMPLE, **facts})


def titled(text: str) -> Page:
    return page(titles=(HeadText(text),))


def canonical(*urls: str, in_head: bool = True) -> Page:
    return page(canonicals=tuple(Canonical(url, url, in_head=in_head) for url in urls))


def marked(*types: str) -> Page:
    return page(structured_data=tuple(StructuredData("json-ld", (name,) if name else ()) for name in types))


def said(text: str, count: int | None = None) -> Page:
    return page(main_text=text, text=text, word_count=len(text.split()) if count is None else count)


NOINDEX = page(robots=(Robots("robots", ("noindex",)),))
BING = page(robots=(Robots("bingbot", ("noindex",)),))
GREEN = "green tea is dried at once " * 50
BLACK = "black leaves wither and oxidise slowly " * 50

CASES = [
    Case("js-redirect", page(), page(), FAIL, f"leads on to {EXAMPLE}teas", behaviour=LED),
    Case("js-redirect", page(), page(url=f"{EXAMPLE}pushed"), PASS),
    Case("js-redirect", page(meta_refresh=MetaRefresh(0, f"{EXAMPLE}teas")), page(), NOT, behaviour=LED),
    Case("js-redirect", page(meta_refresh=MetaRefresh(60, None)), page(), FAIL, behaviour=LED),
    Case("robots-directive-raw-vs-rendered", NOINDEX, page(), FAIL, "noindex of the source is gone", Severity.ERROR),
    Case("robots-directive-raw-vs-rendered", page(), NOINDEX, FAIL, "that the source does not have", Severity.ERROR),
    Case("robots-directive-raw-vs-rendered", NOINDEX, NOINDEX, PASS),
    Case("robots-directive-raw-vs-rendered", page(), BING, PASS),
    Case("robots-directive-raw-vs-rendered", NOINDEX, page(), NOT, behaviour=LED),
    Case("canonical-raw-vs-rendered", canonical(f"{EXAMPLE}a"), canonical(f"{EXAMPLE}b"), FAIL, "/b", Severity.ERROR),
    Case("canonical-raw-vs-rendered", canonical(f"{EXAMPLE}a"), page(), FAIL, "is none after", Severity.ERROR),
    Case("canonical-raw-vs-rendered", page(), canonical(f"{EXAMPLE}a"), FAIL, "none in the source", Severity.NOTICE),
    Case("canonical-raw-vs-rendered", canonical(EXAMPLE), canonical(EXAMPLE, EXAMPLE), PASS),
    Case("canonical-raw-vs-rendered", canonical(EXAMPLE), canonical(f"{EXAMPLE}#top"), PASS),
    Case("canonical-raw-vs-rendered", page(), canonical(f"{EXAMPLE}a", in_head=False), PASS),
    Case("canonical-raw-vs-rendered", canonical(EXAMPLE), page(), NOT, behaviour=LED),
    Case("title-raw-vs-rendered", titled("Tea"), titled("Teas"), FAIL, '"Teas" after rendering, "Tea" in the source'),
    Case("title-raw-vs-rendered", titled("Tea"), page(), FAIL, '"" after rendering'),
    Case("title-raw-vs-rendered", titled("Green  tea"), titled(" Green tea"), PASS),
    Case("title-raw-vs-rendered", titled("Tea"), titled("Teas"), NOT, behaviour=LED),
    Case("title-raw-vs-rendered", replace(titled("Tea"), robots=NOINDEX.robots), titled("Teas"), NOT),
    Case("content-requires-js", page(), said(GREEN), FAIL, "0 % of the 300 words"),
    Case("content-requires-js", said(BLACK), said(GREEN), FAIL),
    Case("content-requires-js", said(GREEN[: len(GREEN) * 3 // 5]), said(GREEN), PASS),
    Case("content-requires-js", said(GREEN[: len(GREEN) * 59 // 100]), said(GREEN), FAIL),
    Case("content-requires-js", said(GREEN.upper()), said(GREEN), PASS),
    Case("content-requires-js", page(), said("茶" * 400, 200), FAIL, "0 % of the 200 words"),
    Case("content-requires-js", said("茶" * 240), said("茶" * 400, 200), PASS),
    Case("content-requires-js", page(), said("green tea " * 99), NOT),
    Case("content-requires-js", page(), said(GREEN), NOT, behaviour=LED),
    Case("sd-raw-vs-rendered", page(), marked("Product"), FAIL, "Product"),
    Case("sd-raw-vs-rendered", marked("Product"), marked("Product", "Product"), FAIL),
    Case("sd-raw-vs-rendered", page(), marked(""), FAIL, "json-ld"),
    Case("sd-raw-vs-rendered", marked("Product"), page(), PASS),
    Case("sd-raw-vs-rendered", page(), marked("Product"), NOT, behaviour=LED),
    Case("console-errors", page(), page(), FAIL, "x is not defined", behaviour=Behaviour(errors=("x is not defined",))),
    Case("console-errors", page(), page(), PASS),
    Case("font-size-small", page(), page(), FAIL, "41 %", behaviour=Behaviour(small_text=0.41)),
    Case("font-size-small", page(), page(), PASS, behaviour=Behaviour(small_text=0.4)),
    Case("font-size-small", page(), page(), NOT),
    Case("font-size-small", page(), page(), NOT, behaviour=replace(LED, small_text=1.0)),
]


def result_of(rule, verdict):
    return next(result for result in verdict.results if result.rule == rule)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.outcome}")
def test_condition(case):
    rendered = Rendered(page=case.page, behaviour=case.behaviour)
    verdict = audit(html(""), case.raw, rendered=rendered)
    issues = [issue for issue in verdict.issues if issue.rule == case.rule]
    assert result_of(case.rule, verdict).outcome is case.outcome
    assert bool(issues) == (case.outcome is FAIL)
    assert all(case.message in issue.message for issue in issues)
    if case.severity:
        assert {issue.severity for issue in issues} == {case.severity}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_is_shown_to_fail_and_pass_and_is_unknown_where_nothing_was_rendered(rule):
    assert {FAIL, PASS} <= {case.outcome for case in CASES if case.rule == rule.id}
    plain = result_of(rule.id, audit(html(""), page()))
    assert (plain.outcome, plain.why) == (UNKNOWN, "not rendered")
    late = FetchFailure(url=EXAMPLE, reason=Reason.DEADLINE)
    failed = result_of(rule.id, audit(html(""), page(), rendered=late))
    assert (failed.outcome, failed.why) == (UNKNOWN, "not rendered: deadline")
    missing = result_of(rule.id, audit(status(404), None))
    assert missing.outcome is NOT


def test_each_exception_is_a_finding_of_its_own():
    rendered = Rendered(page=page(), behaviour=Behaviour(errors=("a is not defined", "b is not defined")))
    issues = [issue for issue in audit(html(""), page(), rendered=rendered).issues if issue.rule == "console-errors"]
    assert len({issue.fingerprint for issue in issues}) == 2


def test_options_set_the_limits():
    profile = Profile(options={"content-requires-js": {"words": 10, "percent": 90.0}})
    rendered = Rendered(page=said("green tea is dried at once and sent to you"), behaviour=Behaviour())
    verdict = audit(html(""), said("green tea is dried at once"), profile, rendered=rendered)
    assert result_of("content-requires-js", verdict).outcome is FAIL
