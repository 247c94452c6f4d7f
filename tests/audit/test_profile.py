import pickle

import pytest

from tasks.audit import DEFAULT, Profile, all_rules, audit, find_rule
from tasks.audit.samples import status
from tasks.errors import InputError
from tasks.model import Severity


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"select": ["title-to-long"]}, "unknown rule or category 'title-to-long': did you mean title-too-long"),
        ({"ignore": ["titel"]}, "unknown rule or category 'titel': did you mean title"),
        ({"severity": {"noindx": "error"}}, "unknown rule 'noindx': did you mean noindex?"),
        ({"severity": {"noindex": "fatal"}}, "profile: severity.noindex: .* not 'fatal'"),
        ({"options": {"content-thinn": {}}}, "unknown rule 'content-thinn': did you mean content-thin?"),
        ({"options": {"content-thin": {"word": 3}}}, "unknown option of content-thin 'word': did you mean words?"),
        ({"options": {"noindex": {"limit": 3}}}, "unknown option of noindex 'limit': there is none"),
        ({"options": {"content-thin": {"words": "3"}}}, "option words of content-thin: .*valid integer, not '3'"),
        ({"options": {"content-thin": {"words": True}}}, "option words of content-thin: .*valid integer, not True"),
        ({"options": {"content-thin": {"words": -1}}}, "option words of content-thin: .*greater than or equal to 0"),
        ({"options": {"content-thin": 3}}, "profile: options.content-thin: .* not 3"),
        ({"selected": []}, "unknown field of a profile 'selected': did you mean select?"),
        (7, "profile: value: .* not 7"),
    ],
)
def test_unusable_profile_is_refused_by_name(given, message):
    with pytest.raises(InputError, match=message):
        Profile.model_validate(given)


def test_usable_profile():
    profile = Profile.model_validate(
        {
            "select": ["title", "http"],
            "ignore": ["soft-404"],
            "severity": {"http-4xx": "notice"},
            "options": {"meta-refresh-redirect": {"seconds": 2.5}, "title-too-long": {"characters": 70}},
        }
    )
    (issue,) = audit(status(404), None, profile).issues
    assert (issue.rule, issue.severity) == ("http-4xx", Severity.NOTICE)


def test_profile_travels_between_processes_even_after_use():
    profile = Profile(options={"content-thin": {"words": 10}})
    verdict = audit(status(404), None, profile)
    copy = pickle.loads(pickle.dumps(profile))  # noqa: S301 - our own bytes
    assert copy == profile
    assert audit(status(404), None, copy) == verdict


def test_profile_is_json_and_the_default_judges_by_every_rule():
    assert Profile.model_validate_json(DEFAULT.model_dump_json()) == DEFAULT
    judges = DEFAULT.judges + DEFAULT.site_judges
    assert all(judge.check for judge in judges)
    assert {judge.rule for judge in judges} == {*all_rules()}


def test_find_rule():
    assert find_rule("noindex").category == "indexability"
    with pytest.raises(InputError, match=r"unknown rule 'no-index': did you mean noindex\?"):
        find_rule("no-index")


def test_rules_are_those_of_this_release():
    released = """
        http-4xx http-5xx soft-404 fetch-failed fetch-timeout redirect-permanent redirect-temporary redirect-chain
        redirect-too-many-hops redirect-loop redirect-to-error redirect-invalid-location redirect-https-to-http
        meta-refresh-redirect noindex unavailable-after-past page-nofollow
        robots-directive-conflict robots-directive-unknown directive-outside-head
        canonical-missing canonical-multiple canonical-invalid canonical-relative canonical-outside-head
        canonical-ignored canonicalised
        title-missing title-multiple title-too-long title-too-short title-outside-head
        description-missing description-multiple description-too-long description-too-short
        h1-missing h1-multiple content-thin image-alt-missing link-uncrawlable link-internal-nofollow
        hreflang-invalid-code hreflang-missing-self hreflang-x-default-missing sd-parse-error html-lang-missing
        viewport-missing head-broken-by-element charset-missing charset-mismatch https-missing mixed-content-active
        mixed-content-passive html-too-large page-unparsable
        title-duplicate description-duplicate h1-duplicate canonical-to-redirect canonical-to-error canonical-to-noindex
        canonical-to-blocked canonical-chain canonical-loop link-broken-internal link-to-redirect nofollow-inlinks-only
        orphan-page near-orphan-page click-depth-high hreflang-missing-return hreflang-to-redirect hreflang-to-error
        hreflang-to-noindex hreflang-to-noncanonical
        hreflang-cluster-incomplete sitemap-url-redirect sitemap-url-error sitemap-url-noindex sitemap-url-noncanonical
        sitemap-url-blocked sitemap-missing-page blocked-by-robots robots-txt-unreachable robots-txt-blocks-all
        robots-txt-syntax content-exact-duplicate content-near-duplicate missing-page-not-404 noindex-share-high
        link-broken-external image-broken conditional-get-broken
        js-redirect robots-directive-raw-vs-rendered canonical-raw-vs-rendered title-raw-vs-rendered
        content-requires-js sd-raw-vs-rendered console-errors font-size-small
    """
    assert {rule.id for rule in all_rules()} == {*released.split()}
    assert [(rule.category, rule.id) for rule in all_rules()] == sorted((r.category, r.id) for r in all_rules())
