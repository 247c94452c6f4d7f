import sys
from dataclasses import replace

import pytest

from tasks.audit import DEFAULT, Profile, all_rules, audit
from tasks.audit.engine import CRASHED, MAX_FINDINGS
from tasks.audit.rule import Applies, Finding, Unknown, page_rule, registered, response_rule, site_rule
from tasks.audit.samples import EXAMPLE, html, redirected, status
from tasks.audit.site.site import Site
from tasks.model import (
    Canonical,
    FetchFailure,
    Heading,
    HeadText,
    Hop,
    Hreflang,
    Image,
    Link,
    MetaRefresh,
    Outcome,
    Page,
    Reason,
    Response,
    Robots,
    Severity,
    Verdict,
)

PAGE = Page(url=EXAMPLE, requested_url=EXAMPLE, titles=(HeadText("Tea"),), headings=(Heading(1, "Tea"),))
PAGE_RULES = {rule.id for rule in all_rules() if rule.applies in {Applies.HTML200, Applies.INDEXABLE}}


def outcomes(verdict: Verdict) -> dict[str, Outcome]:
    return {result.rule: result.outcome for result in verdict.results}


def whys(verdict: Verdict, rules) -> set[tuple[Outcome, str]]:
    return {(result.outcome, result.why) for result in verdict.results if result.rule in rules}


@pytest.fixture
def crashing(monkeypatch):
    """title-too-short crashes for as long as the test runs."""

    def check(page: Page):
        yield Finding("told before the crash")
        raise ValueError(f"no\x1b[31m {page.title}")

    rule = registered["title-too-short"]
    crashing_rules = tuple(replace(rule, check=check) if one is rule else one for one in all_rules())
    monkeypatch.setattr("tasks.audit.profile.all_rules", lambda: crashing_rules)
    return Profile()


def test_every_rule_has_one_result_in_order():
    for answer, page in [(html(""), PAGE), (status(404), None), (FetchFailure(url=EXAMPLE, reason=Reason.DNS), None)]:
        assert [result.rule for result in audit(answer, page).results] == [judge.rule.id for judge in DEFAULT.judges]


def test_crashing_rule_becomes_one_finding_and_the_rest_run(crashing):
    verdict = audit(html(""), PAGE, crashing)
    calm = audit(html(""), PAGE)

    (crash,) = [issue for issue in verdict.issues if issue.rule == CRASHED]
    assert crash.severity is Severity.WARNING
    assert crash.message == (
        "The rule title-too-short crashed (ValueError: no\\x1b[31m Tea); the page was not judged by it."
    )
    assert crash.evidence["rule"] == "title-too-short"
    assert outcomes(verdict) == outcomes(calm) | {"title-too-short": Outcome.UNKNOWN}
    assert [i for i in verdict.issues if i.rule != CRASHED] == [i for i in calm.issues if i.rule != "title-too-short"]


def test_not_fetched_leaves_page_rules_unknown():
    verdict = audit(FetchFailure(url=EXAMPLE, reason=Reason.DNS), None)
    assert whys(verdict, PAGE_RULES) == {(Outcome.UNKNOWN, "not fetched: dns")}
    assert verdict.not_indexable == "not fetched: dns"
    assert [issue.rule for issue in verdict.issues] == ["fetch-failed"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (status(404), (Outcome.NOT_APPLICABLE, "status 404")),
        (
            Response(url=EXAMPLE, status=200, headers=(("content-type", "image/png"),)),
            (Outcome.NOT_APPLICABLE, "not HTML"),
        ),
        (html(""), (Outcome.UNKNOWN, "unparsable")),
    ],
)
def test_without_a_page_every_page_rule_says_why(answer, expected):
    verdict = audit(answer, None)
    assert whys(verdict, PAGE_RULES) == {expected}
    assert verdict.not_indexable == expected[1]


def test_a_page_that_cannot_be_parsed_is_a_finding_of_its_own():
    (issue,) = [issue for issue in audit(html("<div>"), None).issues if issue.rule == "page-unparsable"]
    assert issue.message == "The HTML, 5 bytes, cannot be parsed within the limits of the scan."
    for answer in (status(404), Response(url=EXAMPLE, status=200), FetchFailure(url=EXAMPLE, reason=Reason.DNS)):
        verdict = audit(answer, None)
        assert [result.outcome for result in verdict.results if result.rule == "page-unparsable"] == [
            Outcome.NOT_APPLICABLE
        ]


def test_page_of_an_error_answer_is_not_judged():
    assert whys(audit(status(404), PAGE), PAGE_RULES) == {(Outcome.NOT_APPLICABLE, "status 404")}


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"robots": (Robots("robots", ("noindex",)),)}, "noindex"),
        ({"robots": (Robots("robots", ("noindex",), in_head=False),)}, "noindex"),
        ({"robots": (Robots("googlebot", ("none",), "header"),)}, "noindex"),
        ({"robots": (Robots("bingbot", ("noindex",)),)}, ""),
        ({"robots": (Robots("robots", ("unavailable_after: 2007-08-25",)),)}, "unavailable_after has passed"),
        ({"robots": (Robots("robots", ("unavailable_after: 9999-08-25",)),)}, ""),
        ({"canonicals": (Canonical("/b", f"{EXAMPLE}b"),)}, "canonicalised"),
        ({"canonicals": (Canonical("/b", f"{EXAMPLE}b", "header"),)}, "canonicalised"),
        ({"canonicals": (Canonical("/", EXAMPLE),)}, ""),
        ({"canonicals": (Canonical("", f"{EXAMPLE}base/"),)}, ""),
        ({"canonicals": (Canonical("file:///b", "file:///b"),)}, ""),
        ({"canonicals": (Canonical("https://", None), Canonical("/b", f"{EXAMPLE}b"))}, "canonicalised"),
        ({"canonicals": (Canonical("/a", f"{EXAMPLE}a"), Canonical("/b", f"{EXAMPLE}b"))}, ""),
        ({"canonicals": (Canonical("/b", f"{EXAMPLE}b"), Canonical("/b", f"{EXAMPLE}b"))}, "canonicalised"),
        ({"canonicals": (Canonical("/b", f"{EXAMPLE}b", in_head=False),)}, ""),
        ({"meta_refresh": MetaRefresh(0, f"{EXAMPLE}b")}, "redirects by meta refresh"),
        ({"meta_refresh": MetaRefresh(0, f"{EXAMPLE}b", "header")}, "redirects by meta refresh"),
        (
            {"meta_refresh": MetaRefresh(0, f"{EXAMPLE}b"), "robots": (Robots("robots", ("noindex",)),)},
            "redirects by meta refresh",
        ),
        ({"meta_refresh": MetaRefresh(1, f"{EXAMPLE}b")}, ""),
        ({"meta_refresh": MetaRefresh(0, None)}, ""),
        ({"meta_refresh": MetaRefresh(0, f"{EXAMPLE}#top")}, ""),
        ({"meta_refresh": MetaRefresh(0, "mailto:a@example.com")}, ""),
    ],
)
def test_indexability(facts, why):
    verdict = audit(html(""), replace(PAGE, **facts))
    assert verdict.not_indexable == why
    indexable = {rule.id for rule in all_rules() if rule.applies is Applies.INDEXABLE}
    if why:
        assert whys(verdict, indexable) == {(Outcome.NOT_APPLICABLE, why)}
    else:
        assert outcomes(verdict)["title-too-short"] is Outcome.FAIL


def test_redirected_page_is_judged_as_the_page_it_led_to():
    answer = redirected(301)
    page = replace(PAGE, url=answer.url, requested_url=answer.requested_url)
    verdict = audit(answer, page)
    assert verdict.not_indexable == ""
    assert outcomes(verdict)["redirect-permanent"] is Outcome.FAIL
    assert outcomes(verdict)["h1-missing"] is Outcome.PASS


def test_redirect_whose_end_is_a_page_of_its_own_is_no_page():
    verdict = audit(replace(redirected(301), headers=(), body=b""), None, moved=True)
    assert verdict.not_indexable == "redirect"
    assert outcomes(verdict)["redirect-permanent"] is Outcome.FAIL
    assert whys(verdict, {"h1-missing", "title-too-short"}) == {(Outcome.NOT_APPLICABLE, "redirect")}


def test_findings_of_one_key_are_one_issue_and_the_rest_is_counted():
    images = tuple(Image(f"{n}.png", None, None) for n in (1, 1, *range(5000)))
    issues = [i for i in audit(html(""), replace(PAGE, images=images)).issues if i.rule == "image-alt-missing"]

    assert len(issues) == MAX_FINDINGS == len({issue.fingerprint for issue in issues})
    assert issues[0].evidence == {"observed": None, "locator": "img", "src": "1.png", "occurrences": 3}
    assert issues[1].evidence == {"observed": None, "locator": "img", "src": "0.png"}
    assert issues[-1].evidence["more"] == 5000 - MAX_FINDINGS


@pytest.mark.parametrize(
    ("facts", "rule", "evidence"),
    [
        ({"titles": ()}, "title-missing", {"observed": None, "locator": "head title"}),
        ({"titles": (HeadText(" "),)}, "title-missing", {"observed": "", "locator": "head title"}),
        ({"titles": (HeadText("a", in_head=False),)}, "title-missing", {"observed": None, "locator": "head title"}),
        (
            {"canonicals": (Canonical("/b", f"{EXAMPLE}b", "header"),)},
            "canonical-relative",
            {"observed": "/b", "url": f"{EXAMPLE}b", "locator": "Link header"},
        ),
        (
            {"canonicals": (Canonical("b:", "b:"),)},
            "canonical-invalid",
            {"observed": "b:", "locator": 'link[rel="canonical"]'},
        ),
        (
            {"meta_refresh": MetaRefresh(1, f"{EXAMPLE}b", "header")},
            "meta-refresh-redirect",
            {"observed": 1, "limit": 5, "unit": "s", "target": f"{EXAMPLE}b", "locator": "Refresh header"},
        ),
        (
            {"robots": (Robots("googlebot", ("none",), "header"),)},
            "noindex",
            {
                "observed": "none",
                "locator": "X-Robots-Tag for googlebot",
                "in_head": True,
                "sources": "X-Robots-Tag for googlebot: none",
            },
        ),
    ],
)
def test_evidence_names_value_limit_and_place(facts, rule, evidence):
    issues = audit(html(""), replace(PAGE, **facts)).issues
    assert [issue.evidence for issue in issues if issue.rule == rule] == [evidence]


def test_evidence_of_redirects_tells_every_hop():
    hops = (Hop(f"{EXAMPLE}a", 301, "/b"), Hop(f"{EXAMPLE}b", 302, "/a"))
    paths = {
        issue.evidence["path"]
        for answer in (
            FetchFailure(url=f"{EXAMPLE}b", reason=Reason.REDIRECT_LOOP, hops=hops),
            FetchFailure(url=f"{EXAMPLE}c", reason=Reason.DNS, hops=hops),
        )
        for issue in audit(answer, None).issues
        if issue.rule in {"redirect-loop", "redirect-to-error"}
    }
    chain = "https://example.com/a (301) → https://example.com/b (302)"
    assert paths == {chain, f"{chain} → https://example.com/c"}


def fingerprints(page: Page, **facts) -> dict[str, str]:
    return {issue.rule: issue.fingerprint for issue in audit(html("", **facts), page).issues}


def test_fingerprint_is_free_of_counts_thresholds_and_dates():
    thin, thinner = replace(PAGE, word_count=150), replace(PAGE, word_count=5)
    lenient = Profile(options={"content-thin": {"words": 160}}, severity={"content-thin": Severity.ERROR})
    (other,) = (issue.fingerprint for issue in audit(html(""), thin, lenient).issues if issue.rule == "content-thin")
    assert fingerprints(thin)["content-thin"] == fingerprints(thinner)["content-thin"] == other
    assert len(other) == 16


def test_fingerprint_tells_rules_pages_and_keys_apart():
    here = fingerprints(PAGE)
    there = fingerprints(PAGE, url=f"{EXAMPLE}b")
    assert len({*here.values(), *there.values()}) == len(here) + len(there)


def test_fingerprint_is_that_of_the_address_asked_for_without_fragment():
    direct = audit(FetchFailure(url=EXAMPLE, reason=Reason.DNS), None).issues[0]
    hop = Hop(f"{EXAMPLE}#a", 301, "https://elsewhere.example/")
    later = FetchFailure(url="https://elsewhere.example/", reason=Reason.DNS, hops=(hop,))
    moved = next(issue for issue in audit(later, None).issues if issue.rule == "fetch-failed")
    assert direct.fingerprint == moved.fingerprint


def test_profile_overrides_both_severities_of_a_rule():
    short = replace(PAGE, titles=(HeadText("Tea"),))
    rule = "title-too-short"

    def severity(profile: Profile) -> Severity:
        return next(issue.severity for issue in audit(html(""), short, profile).issues if issue.rule == rule)

    assert severity(Profile()) is Severity.WARNING
    assert severity(Profile(severity={rule: Severity.ERROR})) is Severity.ERROR


def test_options_and_selection_of_a_profile():
    strict = Profile(
        select=("title", "h1-missing"),
        ignore=("title-too-long",),
        options={"title-too-short": {"characters": 3, "warning_characters": 0}},
    )
    verdict = audit(html(""), PAGE, strict)
    assert outcomes(verdict)["title-too-short"] is Outcome.PASS
    assert verdict.issues == ()
    switched_off = (Outcome.NOT_APPLICABLE, "switched off by the profile")
    assert whys(verdict, {"title-too-long", "canonical-missing"}) == {switched_off}
    assert outcomes(verdict)["h1-missing"] is Outcome.PASS


def test_passing_results_are_made_once():
    one, two = (audit(html(""), PAGE) for _ in range(2))
    assert all(a is b for a, b in zip(one.results, two.results, strict=True))


def test_hostile_text_is_escaped_and_cut():
    page = replace(PAGE, titles=(HeadText("\x1b[2J\u202e" + "x" * 10_000),))
    (issue,) = [issue for issue in audit(html(""), page).issues if issue.rule == "title-too-long"]
    assert issue.message.isprintable()
    assert "\\x1b[2J\\u202e" in issue.message
    assert len(issue.message) < 300
    assert all(len(value) < 300 for value in issue.evidence.values() if isinstance(value, str))


def test_hostile_pages_cost_linear_work():
    def calls(size: int) -> int:
        page = replace(
            PAGE,
            robots=(*(Robots(f"bot{n}", ("index",)) for n in range(size)), Robots("robots", ("nofollow",))),
            canonicals=tuple(Canonical(f"/{n}", f"{EXAMPLE}{n}%7e") for n in range(size)),
            hreflang=tuple(Hreflang(f"x{n}", f"/{n}", f"{EXAMPLE}{n}%7e") for n in range(size)),
            links=tuple(Link(f"javascript:{n}", None, "", role="button") for n in range(size)),
        )
        counted = 0

        def count(_frame, _event, _argument):
            nonlocal counted
            counted += 1

        sys.setprofile(count)
        try:
            audit(html(""), page)
        finally:
            sys.setprofile(None)
        return counted

    calls(1)
    assert calls(1600) < 9 * calls(200)


def test_type_of_the_subject_is_the_guard(monkeypatch):
    monkeypatch.setattr("tasks.audit.rule.registered", known := {})

    @response_rule("seen", Severity.NOTICE, bad="", good="")
    def seen(failure: FetchFailure):
        """One.

        Two.

        Three.
        """
        yield Finding(failure.reason)

    monkeypatch.setattr("tasks.audit.profile.all_rules", lambda: tuple(known.values()))
    profile = Profile()
    assert whys(audit(html(""), PAGE, profile), {"seen"}) == {(Outcome.NOT_APPLICABLE, "fetched")}
    assert audit(FetchFailure(url=EXAMPLE, reason=Reason.TLS), None, profile).issues[0].message == "tls"


def test_rules_that_are_wrongly_made_are_refused():
    def documented(page: Page):
        """One line only."""
        yield Finding(page.url)

    def wrong_subject(url: str):
        yield Finding(url)

    def of_a_site(site: Site):
        """One line only."""
        yield Unknown(site.start_url)

    with pytest.raises(TypeError, match="odd: the docstring has a summary"):
        page_rule("odd", Severity.NOTICE, bad="", good="")(documented)
    with pytest.raises(TypeError, match="odd: a page rule takes a Page"):
        page_rule("odd", Severity.NOTICE, bad="", good="")(wrong_subject)
    with pytest.raises(TypeError, match="odd: a response rule takes a Response"):
        response_rule("odd", Severity.NOTICE, bad="", good="")(wrong_subject)
    with pytest.raises(TypeError, match="odd: a page rule applies to"):
        page_rule("odd", Severity.NOTICE, bad="", good="", applies=Applies.ANY)(documented)
    with pytest.raises(TypeError, match="odd: a site rule takes a Site"):
        site_rule("odd", Severity.NOTICE, bad="", good="")(documented)
    with pytest.raises(TypeError, match="odd: a site rule applies to site, crawl, complete-crawl"):
        site_rule("odd", Severity.NOTICE, bad="", good="", applies=Applies.INDEXABLE)(of_a_site)
    with pytest.raises(TypeError, match="noindex: two rules"):
        page_rule("noindex", Severity.NOTICE, bad="", good="")(documented)
    assert "odd" not in registered
