"""What is kept of an answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.analyze.addresses import REMOVED, Named
from tasks.analyze.answer import Advised, Nonsense, read_advice, wire_schema
from tasks.analyze.proposals import Unfit, fit_json_ld
from tasks.analyze.subject import Finding, Subject
from tasks.analyze.vetting import vet
from tasks.audit import DEFAULT, Profile, all_rules
from tasks.model import Severity
from tests.analyze.server import recommendation

SHOP = "https://shop.example/tea"
TITLE = "Green tea from the first spring harvest"
DESCRIPTION = (
    "Green tea from the first spring harvest, dried by hand within the day and sent to you before the evening."
)


def finding(name, rule, severity, category, fingerprint, *alike):
    return Finding(
        name=name,
        rule=rule,
        severity=severity,
        category=category,
        message=f"{rule} is seen",
        fingerprint=fingerprint,
        alike=alike,
    )


PAGE = Subject(
    run_id="run",
    page_id="page",
    url=SHOP,
    facts=(("title", "Tea"),),
    findings=(
        finding("F1", "title-too-short", Severity.WARNING, "title", "a1"),
        finding("F2", "description-missing", Severity.NOTICE, "description", "a2", "a3"),
        finding("F3", "http-error", Severity.ERROR, "http", "a4"),
    ),
    text="We grow, dry and send green tea from the first spring harvest.",
    links=frozenset({SHOP, "https://shop.example/basket"}),
)


NAMED = Named(PAGE.links, [value for _, value in PAGE.facts])


def kept(profile=DEFAULT, **values):
    found = vet([Advised.model_validate(recommendation(**values))], PAGE, profile)
    (item,) = found.items
    return item, found.notes


def test_findings_become_fingerprints_and_rules_with_all_alike():
    item, _ = kept(findings=["f2", "[F1]", "F1", "F77"])
    assert (item.findings, item.rules) == (("a2", "a3", "a1"), ("description-missing", "title-too-short"))


@pytest.mark.parametrize("findings", [[], ["F4"], ["title-too-short"], ["a1"], ["all"]])
def test_what_rests_on_no_finding_is_dropped(findings):
    found = vet([Advised.model_validate(recommendation(findings=findings))], PAGE, DEFAULT)
    assert (found.items, len(found.notes)) == ((), 1)


def test_the_best_comes_first_and_the_same_only_once():
    items = [
        recommendation(title="low", priority="low", findings=["F3"]),
        recommendation(title="high notice", priority="high", findings=["F2"]),
        recommendation(title="high error", priority="high", findings=["F3"]),
        recommendation(title="High  ERROR!", priority="high", findings=["F3"]),
    ]
    found = vet([Advised.model_validate(item) for item in items], PAGE, DEFAULT)
    assert [item.title for item in found.items] == ["high error", "high notice", "low"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Link https://shop.example/basket.", "Link https://shop.example/basket."),
        ("Link https://evil.example/x?y=1, now", f"Link {REMOVED}, now"),
        ("See http://shop.example/tea", f"See {REMOVED}"),
        ("See https:evil.example", f"See {REMOVED}"),
        ("See https:/evil.example", f"See {REMOVED}"),
        ("See www.evil.com/path", f"See {REMOVED}"),
        ("See evil.com", f"See {REMOVED}"),
        ("(evil.co.uk)", f"({REMOVED})"),
        ("run javascript:alert(1)", f"run {REMOVED})"),
        ("use schema.org", "use schema.org"),
        ("put it into robots.txt or page.html", "put it into robots.txt or page.html"),
        ("write to ann@shop.com.", f"write to {REMOVED}."),
        ("3.5 to 4.2", "3.5 to 4.2"),
    ],
)
def test_addresses_that_the_page_does_not_name_are_removed(text, expected):
    assert kept(description=text)[0].description == expected


def test_a_quote_has_to_be_on_the_page():
    item, notes = kept(description="Say more.", quote="dry and SEND green tea")
    assert (item.description, notes) == ("Say more. On the page: “dry and SEND green tea”", ())
    item, notes = kept(description="Say more.", quote="we are the best")
    assert (item.description, notes) == ("Say more.", ("a quote was dropped: the page does not say so",))


@pytest.mark.parametrize(
    ("proposed", "expected", "note"),
    [
        (TITLE, TITLE, None),
        (f"  {TITLE}\n", TITLE, None),
        ("Greenˆtea from the first spring harvest", TITLE, None),
        ("Tea", "", "fewer than"),
        ("Tea " * 40, "", "more than 60"),
        (f"{TITLE} evil.com", "", "names an address"),
        ("</title><script>alert(1)</script> Green tea", "</title><script>alert(1)</script> Green tea", None),
    ],
)
def test_a_proposed_title_passes_the_rules_of_titles(proposed, expected, note):
    item, notes = kept(proposed_title=proposed)
    assert item.proposed_title == expected
    assert [note in found for found in notes] == ([] if note is None else [True])


def test_the_rules_are_those_that_the_page_was_judged_by():
    profile = Profile(options={"title-too-short": {"characters": 3, "warning_characters": 1}})
    assert kept(profile, proposed_title="Tea")[0].proposed_title == "Tea"


def test_a_proposal_beside_the_matter_is_not_shown():
    item, _ = kept(findings=["F3"], proposed_title=TITLE, proposed_description=DESCRIPTION)
    assert (item.proposed_title, item.proposed_description) == ("", "")


def test_a_proposed_description_passes_the_rules_of_descriptions():
    assert kept(findings=["F2"], proposed_description=DESCRIPTION)[0].proposed_description == DESCRIPTION
    item, notes = kept(findings=["F2"], proposed_description="Tea.")
    assert (item.proposed_description, "fewer than 70" in notes[0]) == ("", True)


PRODUCT = {"@context": "https://schema.org", "@type": "Product", "name": "Green tea", "url": SHOP}


def test_json_ld_is_written_so_that_it_ends_no_script():
    written = fit_json_ld(json.dumps({**PRODUCT, "name": "</script><b>"}), DEFAULT, NAMED)
    assert "<" not in written
    assert json.loads(written)["name"] == "</script><b>"


@pytest.mark.parametrize(
    "block",
    [
        "{",
        "[]",
        "3",
        '{"@type": "Product"}',
        '{"@context": "https://schema.org"}',
        '{"@context": "https://evil.example", "@type": "Product"}',
        json.dumps({**PRODUCT, "url": "https://evil.example/"}),
        json.dumps({**PRODUCT, "url": " HTTPS://evil.example/"}),
        json.dumps({**PRODUCT, "url": "//evil.zip/a"}),
        json.dumps({**PRODUCT, "email": "fix@evil.com"}),
        json.dumps({**PRODUCT, "image": {"contentUrl": "ｅvil。com/x"}}),
        json.dumps({**PRODUCT, "offers": [{"url": "javascript:alert(1)"}]}),
        json.dumps({**PRODUCT, "https://evil.example/buy": "Green tea"}),
        json.dumps({**PRODUCT, "@context": ["https://schema.org", {"call evil.com": "https://schema.org/name"}]}),
        json.dumps({**PRODUCT, "@type": 5}),
        '{"@context": "https://schema.org", "@type": "Product", "price": NaN}',
        json.dumps({**PRODUCT, "many": ["x"] * 5000}),
        "[" * 100_000,
    ],
)
def test_json_ld_that_would_not_do_is_refused(block):
    with pytest.raises(Unfit):
        fit_json_ld(block, DEFAULT, NAMED)


def test_every_category_of_rules_can_be_named():
    named = set(wire_schema()["properties"]["recommendations"]["items"]["properties"]["category"]["enum"])
    assert {rule.category for rule in all_rules()} <= named


def test_a_wrong_recommendation_spoils_no_other():
    items = [recommendation(), recommendation(priority="urgent"), recommendation(extra=1)]
    advised, problems = read_advice(json.dumps({"recommendations": items}))
    assert (len(advised), len(problems)) == (1, 2)
    assert problems[0].startswith("recommendations.1.priority: ")
    assert "extra" not in problems[1]


@given(st.text(max_size=300) | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(json.dumps))
def test_any_answer_is_read_or_nonsense(text):
    try:
        advised, _ = read_advice(text)
    except Nonsense:
        return
    vet(advised, PAGE, DEFAULT)


@given(
    st.builds(
        recommendation,
        title=st.text(min_size=3, max_size=100),
        description=st.text(max_size=500),
        quote=st.text(max_size=50),
        proposed_title=st.text(max_size=80),
        proposed_json_ld=st.text(max_size=80),
    )
)
def test_no_text_breaks_the_vetting(item):
    try:
        advised, _ = read_advice(json.dumps({"recommendations": [item]}))
    except Nonsense:
        return
    for kept_item in vet(advised, PAGE, DEFAULT).items:
        assert "\n" not in kept_item.title + kept_item.description
