"""No facts, and no document, make a rule crash."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.audit import DEFAULT, audit
from tasks.audit.engine import CRASHED
from tasks.audit.samples import html
from tasks.extract.page import extract
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
    Page,
    Reason,
    Resource,
    Response,
    Robots,
    StructuredData,
)

TEXTS = st.text(max_size=30) | st.sampled_from(
    ["https://example.com/", "http://[", "javascript:", "//", "%", "x-default"]
)
RESOLVED = st.sampled_from(["http://example.com/a.js", "http://[::1]/", "https://example.com/a.js", "data:,a"])
MAYBE = st.none() | TEXTS
COUNTS = st.integers(0, 10**6)


def several(kind, *fields, **named):
    return st.lists(st.builds(kind, *fields, **named), max_size=4).map(tuple)


PAGES = st.builds(
    Page,
    url=TEXTS,
    requested_url=TEXTS,
    titles=several(HeadText, TEXTS, st.booleans()),
    meta_descriptions=several(HeadText, TEXTS, st.booleans()),
    robots=several(Robots, TEXTS, st.lists(TEXTS).map(tuple)),
    canonicals=several(Canonical, TEXTS, MAYBE),
    ignored_canonicals=several(Canonical, TEXTS, MAYBE, ignored_for=TEXTS),
    hreflang=several(Hreflang, TEXTS, TEXTS, MAYBE),
    headings=several(Heading, st.integers(1, 6), TEXTS),
    images=several(Image, MAYBE, MAYBE, MAYBE),
    links=several(Link, MAYBE, MAYBE, TEXTS, TEXTS, internal=st.booleans(), scripted=st.booleans(), role=TEXTS),
    lang=MAYBE,
    encoding=MAYBE,
    charset_header=MAYBE,
    charset_bom=MAYBE,
    charset_meta=MAYBE,
    charset_xml=MAYBE,
    charset_errors=st.booleans(),
    viewport=MAYBE,
    meta_refresh=st.none() | st.builds(MetaRefresh, st.floats(0), MAYBE),
    structured_data=several(StructuredData, st.just("json-ld"), data=MAYBE, errors=st.lists(TEXTS).map(tuple)),
    resources=several(Resource, st.sampled_from(["script", "image", "form"]), RESOLVED),
    head_broken_by=MAYBE,
    word_count=COUNTS,
    title_px=COUNTS,
    description_px=COUNTS,
)
HOPS = several(Hop, TEXTS, st.integers(300, 308), MAYBE)
ANSWERS = st.builds(Response, url=TEXTS, status=st.integers(100, 599), text=MAYBE, hops=HOPS) | st.builds(
    FetchFailure,
    url=TEXTS,
    reason=st.sampled_from(Reason),
    detail=TEXTS,
    status=st.none() | st.integers(100, 599),
    mime=st.sampled_from(["", "text/html"]),
    received=st.none() | COUNTS,
    hops=HOPS,
)


def assert_sound(verdict):
    assert [issue.message for issue in verdict.issues if issue.rule == CRASHED] == []
    assert len(verdict.results) == len(DEFAULT.judges)
    assert len({issue.fingerprint for issue in verdict.issues}) == len(verdict.issues)
    assert all(issue.message.isprintable() for issue in verdict.issues)


@given(PAGES)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_any_facts(page):
    assert_sound(audit(html("", url=page.url), page))


@given(ANSWERS)
@settings(deadline=None)
def test_any_answer(answer):
    assert_sound(audit(answer, None))


@given(
    st.lists(
        st.sampled_from([judge.rule.bad for judge in DEFAULT.judges if isinstance(judge.rule.bad, str)]), max_size=6
    )
)
@settings(deadline=None, max_examples=50)
def test_any_mixture_of_faults(snippets):
    answer = html("".join(snippets))
    assert_sound(audit(answer, extract(answer)))
