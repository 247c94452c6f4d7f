"""Each rule's condition at its edges, on literal facts: what fails, passes, and is none of its business."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.audit import all_rules, audit
from tasks.audit.samples import EXAMPLE, html, redirected, status
from tasks.model import (
    Answer,
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
    Resource,
    Response,
    Robots,
    Severity,
    StructuredData,
)

FAIL, PASS, NOT, UNKNOWN = Outcome.FAIL, Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN
ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE
MIB = 1024 * 1024


@dataclass
class Case:
    rule: str
    subject: Page | Answer
    outcome: Outcome
    severity: Severity | None = None
    message: str = ""
    issues: int | None = None
    answer: Response | None = None


def page(**facts) -> Page:
    return Page(**{"url": EXAMPLE, "requested_url": EXAMPLE, **facts})


def failure(reason: Reason, **facts) -> FetchFailure:
    return FetchFailure(**{"url": EXAMPLE, "reason": reason, **facts})


def robots(*directives: str, agent: str = "robots", source: str = "meta", in_head: bool = True) -> Robots:
    return Robots(agent, directives, source, in_head)


def canonical(href: str, url: str | None = "", **facts) -> Canonical:
    return Canonical(href, href if url == "" else url, **facts)


def hreflang(lang: str, url: str = EXAMPLE, **facts) -> Hreflang:
    return Hreflang(lang, url, url, **facts)


def link(href: str | None, url: str | None = None, **facts) -> Link:
    return Link(href, url, "Teas", **facts)


def titled(text: str, **facts) -> Page:
    return page(titles=(HeadText(text),), **facts)


def described(text: str, **facts) -> Page:
    return page(meta_descriptions=(HeadText(text),), **facts)


def resource(kind: str, url: str) -> Page:
    return page(resources=(Resource(kind, url),))


def chain(count: int, **facts) -> Response:
    return replace(redirected(*[301] * count), **facts)


def on_shelf(until: str, **facts) -> dict[str, Any]:
    """A page that is fetched in the afternoon of 25 June 2026."""
    return {"subject": page(robots=(robots(f"unavailable_after: {until}", **facts),)), "answer": FETCHED}


NOINDEX = page(robots=(robots("noindex"),))
MOVES_ON = page(meta_refresh=MetaRefresh(0, f"{EXAMPLE}b"))
OF_GERMAN = canonical(f"{EXAMPLE}de", ignored_for="hreflang")
FETCHED = replace(html(""), fetched_at=datetime(2026, 6, 25, 15, tzinfo=UTC))
PDF = Response(url=EXAMPLE, status=200, headers=(("content-type", "application/pdf"),), body=b"%PDF")
DNS = failure(Reason.DNS)
# The fetch reports the address of the last hop where the redirects lead nowhere.
LOOP = failure(Reason.REDIRECT_LOOP, hops=(Hop(EXAMPLE, 302, "/b"), Hop(f"{EXAMPLE}b", 302, "/")))
UPGRADING = html("", content_security_policy="default-src https:; upgrade-insecure-requests")

HTTP = [
    *(Case("http-4xx", status(code), FAIL) for code in (400, 404, 410, 499)),
    *(Case("http-4xx", status(code), PASS) for code in (200, 399, 401, 403, 407, 429, 500)),
    Case("http-4xx", failure(Reason.TRUNCATED, status=404), FAIL, ERROR),
    Case("http-4xx", DNS, NOT),
    Case("http-4xx", failure(Reason.DNS, hops=(Hop(EXAMPLE, 301, "/"),)), NOT),
    *(Case("http-5xx", status(code), FAIL, ERROR) for code in (500, 503, 599)),
    *(Case("http-5xx", status(code), PASS) for code in (200, 499)),
    Case("http-5xx", DNS, NOT),
    *(
        Case("fetch-timeout", failure(reason), FAIL, ERROR)
        for reason in (Reason.READ_TIMEOUT, Reason.DEADLINE, Reason.CONNECT_TIMEOUT)
    ),
    Case("fetch-timeout", status(404), PASS),
    Case("fetch-timeout", DNS, NOT),
    *(
        Case("fetch-failed", failure(reason), FAIL, ERROR)
        for reason in (Reason.DNS, Reason.CONNECT_REFUSED, Reason.TLS, Reason.RESET, Reason.BAD_RESPONSE)
    ),
    Case("fetch-failed", failure(Reason.DNS, detail="no such host", tries=2), FAIL, message="no such host"),
    Case("fetch-failed", status(500), PASS),
    *(
        Case("fetch-failed", failure(reason), NOT)
        for reason in (Reason.DEADLINE, Reason.ADDRESS_REFUSED, Reason.BAD_URL, Reason.TRUNCATED, Reason.TOO_LARGE)
    ),
    Case("soft-404", titled("Page not found", word_count=199), FAIL, WARNING),
    Case("soft-404", titled("Page not found", word_count=200), PASS),
    Case("soft-404", page(headings=(Heading(1, "Error 404"),), word_count=3), FAIL),
    Case("soft-404", page(headings=(Heading(2, "Error 404"),)), PASS),
    Case("soft-404", titled("How to fix 404 not found errors in your shop"), PASS),
    Case("soft-404", status(404), NOT),
    Case("html-too-large", html("x" * 2 * MIB), FAIL, WARNING),
    Case("html-too-large", html("x" * (2 * MIB + 1)), FAIL, ERROR),
    Case("html-too-large", html("x" * MIB), PASS),
    Case("html-too-large", html("x" * (MIB + 1)), FAIL, WARNING),
    Case("html-too-large", replace(PDF, body=b"x" * (2 * MIB + 1)), NOT),
    Case("html-too-large", failure(Reason.TOO_LARGE, mime="text/html"), FAIL, ERROR),
    Case("html-too-large", failure(Reason.TOO_LARGE, mime="text/html", received=2 * MIB), UNKNOWN),
    Case("html-too-large", failure(Reason.TOO_LARGE, mime="text/html", received=2 * MIB + 1), FAIL, ERROR),
    Case("html-too-large", failure(Reason.TOO_LARGE, mime="video/mp4"), NOT),
    Case("html-too-large", DNS, UNKNOWN),
    Case("page-unparsable", html("<div>"), FAIL, WARNING, "5 bytes"),
    Case("page-unparsable", replace(html("<div>"), status=201), FAIL, WARNING),
    Case("page-unparsable", page(), PASS),
    Case("page-unparsable", status(404), NOT),
    Case("page-unparsable", PDF, NOT),
    Case("page-unparsable", DNS, NOT),
    Case("meta-refresh-redirect", page(meta_refresh=MetaRefresh(5, f"{EXAMPLE}b")), FAIL, WARNING),
    Case("meta-refresh-redirect", page(meta_refresh=MetaRefresh(0, f"{EXAMPLE}b", "header")), FAIL),
    Case("meta-refresh-redirect", page(meta_refresh=MetaRefresh(5.1, f"{EXAMPLE}b")), PASS),
    Case("meta-refresh-redirect", page(meta_refresh=MetaRefresh(0, None)), PASS),
    Case("meta-refresh-redirect", page(meta_refresh=MetaRefresh(0, f"{EXAMPLE}#top")), PASS),
    Case("meta-refresh-redirect", PDF, NOT),
]

REDIRECTS = [
    *(Case("redirect-permanent", redirected(code), FAIL, NOTICE) for code in (301, 308)),
    *(Case("redirect-permanent", redirected(code), PASS) for code in (302, 303, 307)),
    Case("redirect-permanent", redirected(302, 301), PASS),
    Case("redirect-permanent", status(200), PASS),
    Case("redirect-permanent", failure(Reason.INVALID_REDIRECT, hops=(Hop(EXAMPLE, 301, None),)), PASS),
    Case("redirect-permanent", DNS, NOT),
    *(Case("redirect-temporary", redirected(code), FAIL, NOTICE) for code in (302, 303, 307)),
    *(Case("redirect-temporary", redirected(code), PASS) for code in (301, 308)),
    Case("redirect-temporary", DNS, NOT),
    Case("redirect-chain", chain(1), PASS),
    Case("redirect-chain", chain(2), FAIL, WARNING),
    Case("redirect-chain", chain(4), FAIL, WARNING),
    Case("redirect-chain", chain(5), FAIL, ERROR),
    Case("redirect-chain", LOOP, NOT),
    Case("redirect-chain", DNS, NOT),
    Case(
        "redirect-chain",
        failure(Reason.INVALID_REDIRECT, hops=(Hop(EXAMPLE, 301, "/b"), Hop(f"{EXAMPLE}b", 301, None))),
        PASS,
    ),
    Case("redirect-too-many-hops", chain(10), PASS),
    Case("redirect-too-many-hops", chain(11), FAIL, ERROR),
    Case("redirect-too-many-hops", failure(Reason.TOO_MANY_REDIRECTS, hops=chain(11).hops), FAIL, ERROR),
    Case("redirect-too-many-hops", failure(Reason.TOO_MANY_REDIRECTS, hops=chain(3).hops), UNKNOWN),
    Case("redirect-too-many-hops", DNS, NOT),
    Case("redirect-loop", LOOP, FAIL, ERROR),
    Case("redirect-loop", failure(Reason.REDIRECT_LOOP, hops=(Hop(EXAMPLE, 301, EXAMPLE),)), FAIL, ERROR),
    Case("redirect-loop", failure(Reason.INVALID_REDIRECT, hops=(Hop(EXAMPLE, 301, None),)), PASS),
    Case("redirect-loop", chain(3), PASS),
    Case("redirect-loop", failure(Reason.TOO_MANY_REDIRECTS, url=f"{EXAMPLE}10", hops=chain(11).hops), PASS),
    Case("redirect-loop", replace(LOOP, url=f"{EXAMPLE}b"), FAIL, message=f"come back to {EXAMPLE}."),
    Case("redirect-loop", DNS, NOT),
    *(Case("redirect-to-error", redirected(301, end=code), FAIL, ERROR) for code in (400, 404, 429, 500, 599)),
    Case("redirect-to-error", redirected(301, end=304), PASS),
    Case("redirect-to-error", failure(Reason.DNS, hops=chain(1).hops), FAIL, ERROR),
    Case("redirect-to-error", failure(Reason.DEADLINE, hops=chain(1).hops), FAIL, ERROR),
    Case("redirect-to-error", failure(Reason.ADDRESS_REFUSED, status=301, hops=chain(1).hops), UNKNOWN),
    Case("redirect-to-error", failure(Reason.DNS, status=301, hops=chain(1).hops), FAIL),
    Case("redirect-to-error", failure(Reason.TOO_LARGE, status=200, hops=chain(1).hops), PASS),
    Case("redirect-to-error", failure(Reason.TRUNCATED, status=500, hops=chain(1).hops), FAIL),
    Case("redirect-to-error", LOOP, NOT),
    Case("redirect-to-error", status(404), NOT),
    Case(
        "redirect-invalid-location",
        failure(Reason.INVALID_REDIRECT, hops=(Hop(EXAMPLE, 302, None),)),
        FAIL,
        ERROR,
        "no Location header",
    ),
    *(
        Case("redirect-invalid-location", failure(Reason.INVALID_REDIRECT, hops=(Hop(EXAMPLE, 301, location),)), FAIL)
        for location in ("http://[", "mailto:tea@example.com", "https://")
    ),
    Case("redirect-invalid-location", redirected(301), PASS),
    Case("redirect-invalid-location", status(200), NOT),
    Case(
        "redirect-https-to-http",
        failure(Reason.DNS, url="http://example.com/b", hops=(Hop(EXAMPLE, 301, "http://example.com/b"),)),
        FAIL,
        ERROR,
    ),
    Case(
        "redirect-https-to-http",
        Response(url=EXAMPLE, status=200, hops=(Hop("http://example.com/", 301, EXAMPLE),)),
        PASS,
    ),
    Case(
        "redirect-https-to-http",
        Response(
            url=f"{EXAMPLE}c",
            status=200,
            hops=(Hop(EXAMPLE, 301, "http://example.com/b"), Hop("http://example.com/b", 301, f"{EXAMPLE}c")),
        ),
        FAIL,
        issues=1,
    ),
    Case(
        "redirect-https-to-http",
        failure(
            Reason.REDIRECT_LOOP,
            hops=(Hop("http://example.com/", 301, EXAMPLE), Hop(EXAMPLE, 301, "http://example.com/")),
        ),
        FAIL,
        message="https://example.com/ redirects to http://example.com/",
    ),
    Case(
        "redirect-https-to-http",
        Response(url="http://example.com/b", status=200, hops=(Hop("http://example.com/", 301, "/b"),)),
        PASS,
    ),
    Case("redirect-https-to-http", redirected(301), PASS),
    Case("redirect-https-to-http", status(200), NOT),
]

ROBOTS = [
    Case("noindex", NOINDEX, FAIL, NOTICE, "noindex"),
    Case("noindex", page(robots=(robots("none"),)), FAIL),
    Case("noindex", page(robots=(robots("noindex", agent="googlebot"),)), FAIL),
    Case("noindex", page(robots=(robots("noindex", source="header"),)), FAIL, message="X-Robots-Tag"),
    Case("noindex", page(robots=(robots("noindex"), robots("noindex", source="header"))), FAIL, issues=1),
    Case("noindex", page(robots=(robots("noindex", agent="bingbot"),)), PASS),
    Case("noindex", page(robots=(robots("noindex", agent="googlebot-news"),)), PASS),
    Case("noindex", page(robots=(robots("nofollow"),)), PASS),
    Case("noindex", PDF, NOT),
    Case("page-nofollow", page(robots=(robots("nofollow"),)), FAIL, WARNING),
    Case("page-nofollow", page(robots=(robots("follow"),)), PASS),
    Case("page-nofollow", page(robots=(robots("none"),)), NOT),
    Case("robots-directive-conflict", page(robots=(robots("index", "noindex"),)), FAIL, WARNING, "noindex wins"),
    Case("robots-directive-conflict", page(robots=(robots("all"), robots("none", source="header"))), FAIL, issues=2),
    Case(
        "robots-directive-conflict",
        page(robots=(robots("noindex"), robots("index", agent="googlebot"), robots("index", agent="bingbot"))),
        FAIL,
        issues=2,
    ),
    Case(
        "robots-directive-conflict",
        page(robots=(robots("index", agent="googlebot"), robots("noindex", agent="bingbot"))),
        PASS,
    ),
    *(
        Case("robots-directive-conflict", page(robots=(robots(general, "follow"), named)), PASS)
        for general in ("index", "all")
        for named in (
            robots("noindex", agent="gptbot"),
            robots("none", agent="googlebot-news"),
            robots("noindex", agent="otherbot", source="header"),
        )
    ),
    Case(
        "robots-directive-conflict",
        page(robots=(robots("index"), robots("index", agent="gptbot"), robots("noindex", agent="gptbot"))),
        FAIL,
        message='meta[name="gptbot"], meta[name="gptbot"]',
        issues=1,
    ),
    Case("robots-directive-conflict", page(robots=(robots("none"), robots("all", agent="googlebot"))), FAIL, issues=2),
    Case("robots-directive-conflict", page(robots=(robots("noindex"), robots("index", agent="yandex"))), PASS),
    Case("robots-directive-conflict", page(robots=(robots("index", "nofollow"),)), PASS),
    Case("robots-directive-conflict", PDF, NOT),
    Case("robots-directive-unknown", page(robots=(robots("no-index", "nofolow", "nofolow"),)), FAIL, WARNING, issues=2),
    Case("robots-directive-unknown", page(robots=(robots("max-snippet"),)), FAIL),
    Case("robots-directive-unknown", page(robots=(robots("max-snippet:many"),)), FAIL),
    Case("robots-directive-unknown", page(robots=(robots("max-image-preview:huge"),)), FAIL),
    Case(
        "robots-directive-unknown",
        page(
            robots=(
                robots("max-snippet:-1", "max-image-preview:large", "max-video-preview: 30", "noarchive", "noai"),
                robots("index", "follow", "archive"),
                robots("unavailable_after: 25 jun 2027 15:00:00 pst", "indexifembedded", "notranslate"),
            )
        ),
        PASS,
    ),
    *(
        Case("robots-directive-unknown", page(robots=(robots(f"unavailable_after: {date}"),)), FAIL, WARNING)
        for date in ("soon", "31 feb 2027 10:00:00 gmt", "2027-13-01", "25", "25 jun 99999 10:00:00 gmt", "")
    ),
    Case("robots-directive-unknown", PDF, NOT),
    *(
        Case("unavailable-after-past", outcome=FAIL, severity=ERROR, message=date, **on_shelf(date))
        for date in (
            "25 jun 2026 15:00:00 gmt",
            "thu, 25 jun 26 15:00 gmt",
            "thursday, 25-jun-26 15:00:00 gmt",
            "2026-06-25t17:00:00+02:00",
            "2026-06-25 15:00:00 utc",
            "2026-06-25",
            "25 june 2026",
            "25 jun 2026 08:00:00 pdt",
        )
    ),
    *(
        Case("unavailable-after-past", outcome=PASS, **on_shelf(date))
        for date in (
            "25 jun 2026 15:00:01 gmt",
            "2026-06-25t15:00:00-01:00",
            "2026-06-26",
            "25 jun 2026 09:00 pdt",
            "?",
        )
    ),
    Case("unavailable-after-past", outcome=FAIL, message="X-Robots-Tag", **on_shelf("2026-01-01", source="header")),
    Case("unavailable-after-past", outcome=FAIL, **on_shelf("2026-01-01", agent="googlebot")),
    Case("unavailable-after-past", outcome=PASS, **on_shelf("2026-01-01", agent="bingbot")),
    Case("title-missing", outcome=NOT, **on_shelf("2026-01-01")),
    Case("unavailable-after-past", NOINDEX, PASS),
    Case("unavailable-after-past", PDF, NOT),
    Case("directive-outside-head", page(robots=(robots("noindex", in_head=False),)), FAIL, WARNING),
    Case("directive-outside-head", NOINDEX, PASS),
    Case("directive-outside-head", PDF, NOT),
]

CANONICALS = [
    Case("canonical-missing", page(), FAIL, NOTICE),
    Case("canonical-missing", page(canonicals=(canonical(EXAMPLE, in_head=False),)), FAIL, message="only in body"),
    Case("canonical-missing", page(canonicals=(canonical(EXAMPLE, source="header"),)), PASS),
    Case("canonical-missing", page(canonicals=(canonical(""),)), PASS),
    Case("canonical-missing", NOINDEX, NOT),
    Case(
        "canonical-multiple", page(canonicals=(canonical(EXAMPLE), canonical(f"{EXAMPLE}b"))), FAIL, ERROR, "different"
    ),
    Case("canonical-multiple", page(canonicals=(canonical(EXAMPLE), canonical(EXAMPLE))), FAIL, NOTICE, "same"),
    Case("canonical-multiple", page(canonicals=(canonical(f"{EXAMPLE}%7ea"), canonical(f"{EXAMPLE}~a"))), FAIL, NOTICE),
    Case("canonical-multiple", page(canonicals=(canonical(EXAMPLE), canonical("https://", None))), PASS),
    Case("canonical-multiple", page(canonicals=(canonical(EXAMPLE), canonical(f"{EXAMPLE}b", in_head=False))), PASS),
    Case("canonical-multiple", PDF, NOT),
    Case("canonical-invalid", page(canonicals=(canonical("", EXAMPLE),)), FAIL, ERROR),
    Case("canonical-invalid", page(canonicals=(canonical("https://", None),)), FAIL, ERROR),
    Case("canonical-invalid", page(canonicals=(canonical("mailto:a@example.com"),)), FAIL, ERROR),
    Case("canonical-invalid", page(canonicals=(canonical("/teas", f"{EXAMPLE}teas"),)), PASS),
    Case("canonical-invalid", PDF, NOT),
    *(
        Case("canonical-relative", page(canonicals=(canonical(href, f"{EXAMPLE}teas"),)), FAIL, NOTICE)
        for href in ("/teas", "teas", "//example.com/teas", "https:teas", "example.com/teas")
    ),
    *(
        Case("canonical-relative", page(canonicals=(canonical(href, f"{EXAMPLE}teas"),)), PASS)
        for href in ("https://example.com/teas", " HTTPS://EXAMPLE.COM/teas")
    ),
    Case("canonical-relative", page(canonicals=(canonical("", EXAMPLE),)), PASS),
    Case("canonical-relative", PDF, NOT),
    Case("canonical-outside-head", page(canonicals=(canonical(EXAMPLE, in_head=False),)), FAIL, ERROR),
    Case("canonical-outside-head", page(canonicals=(canonical(EXAMPLE),)), PASS),
    Case("canonical-outside-head", PDF, NOT),
    Case("canonical-ignored", page(ignored_canonicals=(OF_GERMAN,)), FAIL, WARNING, "its hreflang"),
    Case("canonical-ignored", page(canonicals=(canonical(EXAMPLE),), ignored_canonicals=(OF_GERMAN,)), FAIL, NOTICE),
    Case("canonical-ignored", page(canonicals=(canonical(EXAMPLE),)), PASS),
    Case("canonical-ignored", PDF, NOT),
    Case("canonical-missing", page(ignored_canonicals=(OF_GERMAN,)), FAIL, message="only ignored ones"),
    Case("canonical-multiple", page(ignored_canonicals=(OF_GERMAN, canonical(EXAMPLE, ignored_for="hreflang"))), PASS),
    Case("canonicalised", page(ignored_canonicals=(OF_GERMAN,)), PASS),
    Case("canonicalised", page(canonicals=(canonical(f"{EXAMPLE}b"),)), FAIL, NOTICE, f"{EXAMPLE}b"),
    Case("canonicalised", page(canonicals=(canonical("http://example.com/"),)), FAIL),
    Case("canonicalised", page(url=f"{EXAMPLE}a", canonicals=(canonical(f"{EXAMPLE}A"),)), FAIL),
    Case("canonicalised", page(url=f"{EXAMPLE}a", canonicals=(canonical(f"{EXAMPLE}a/"),)), FAIL),
    Case("canonicalised", page(canonicals=(canonical(f"{EXAMPLE}#top"),)), PASS),
    Case("canonicalised", page(url=f"{EXAMPLE}%c3%a9", canonicals=(canonical(f"{EXAMPLE}%C3%A9"),)), PASS),
    Case("canonicalised", page(canonicals=(canonical(f"{EXAMPLE}a"), canonical(f"{EXAMPLE}b"))), PASS),
    Case("canonicalised", page(canonicals=(canonical(f"{EXAMPLE}b", in_head=False),)), PASS),
    Case("canonicalised", page(canonicals=(canonical("mailto:a@example.com"),)), PASS),
    Case("canonicalised", PDF, NOT),
]

TEXTS = [
    Case("title-missing", page(), FAIL, ERROR, "There is no title"),
    Case("title-missing", titled(" \n"), FAIL, ERROR, "empty"),
    Case("title-missing", page(titles=(HeadText("Tea", in_head=False),)), FAIL, ERROR, "in body"),
    Case("title-missing", titled("T"), PASS),
    Case("title-missing", NOINDEX, NOT),
    Case("title-multiple", page(titles=(HeadText("Tea"), HeadText("Tea"))), FAIL, WARNING),
    Case("title-multiple", titled("Tea"), PASS),
    Case("title-multiple", NOINDEX, NOT),
    Case("title-outside-head", page(titles=(HeadText("Tea", in_head=False),)), FAIL, WARNING),
    Case("title-outside-head", page(titles=(HeadText("Tea"), HeadText("Pot", in_head=False))), PASS),
    Case("title-outside-head", page(), PASS),
    Case("title-outside-head", NOINDEX, NOT),
    Case("title-too-long", titled("a" * 60), PASS),
    Case("title-too-long", titled("a" * 61), FAIL, NOTICE, "61 characters, more than 60"),
    Case("title-too-long", titled("茶" * 30), PASS),
    Case("title-too-long", titled("茶" * 30 + "a"), FAIL, message="61 characters"),
    Case("title-too-long", titled("👩‍👩‍👧‍👦é" * 30), PASS),
    Case("title-too-long", titled(" a  \n" * 30), PASS),
    Case("title-too-long", titled("Tea", title_px=561), PASS),
    Case("title-too-long", titled("Tea", title_px=562), FAIL, NOTICE, "562 px"),
    Case("title-too-long", page(), NOT),
    Case("title-too-short", titled("a" * 30), PASS),
    Case("title-too-short", titled("a" * 29), FAIL, NOTICE),
    Case("title-too-short", titled("a" * 10), FAIL, NOTICE),
    Case("title-too-short", titled("a" * 9), FAIL, WARNING),
    Case("title-too-short", titled("茶" * 15), PASS),
    Case("title-too-short", titled("茶" * 14), FAIL, NOTICE),
    Case("title-too-short", titled(" "), NOT),
    Case("description-missing", page(), FAIL, NOTICE),
    Case("description-missing", described(" "), FAIL, NOTICE, "empty"),
    Case("description-missing", described("Tea"), PASS),
    Case("description-missing", NOINDEX, NOT),
    Case("description-multiple", page(meta_descriptions=(HeadText("a"), HeadText("b"))), FAIL, WARNING),
    Case("description-multiple", described("Tea"), PASS),
    Case("description-multiple", NOINDEX, NOT),
    Case("description-too-long", described("a" * 160), PASS),
    Case("description-too-long", described("a" * 161), FAIL, NOTICE),
    Case("description-too-long", described("茶" * 80), PASS),
    Case("description-too-long", described("茶" * 81), FAIL),
    Case("description-too-long", described("Tea", description_px=985), PASS),
    Case("description-too-long", described("Tea", description_px=986), FAIL),
    Case("description-too-long", page(), NOT),
    Case("description-too-short", described("a" * 70), PASS),
    Case("description-too-short", described("a" * 69), FAIL, NOTICE),
    Case("description-too-short", described("茶" * 35), PASS),
    Case("description-too-short", described("茶" * 34), FAIL),
    Case("description-too-short", page(), NOT),
    Case("h1-missing", page(headings=(Heading(2, "Tea"),)), FAIL, WARNING, "There is no h1"),
    Case("h1-missing", page(headings=(Heading(1, ""),)), FAIL, WARNING, "empty"),
    Case("h1-missing", page(headings=(Heading(1, "Tea"),)), PASS),
    Case("h1-missing", NOINDEX, NOT),
    Case("h1-multiple", page(headings=(Heading(1, "Tea"), Heading(1, "Pots"))), FAIL, NOTICE),
    Case("h1-multiple", page(headings=(Heading(1, "Tea"), Heading(1, ""))), PASS),
    Case("h1-multiple", NOINDEX, NOT),
    Case("content-thin", page(word_count=199), FAIL, NOTICE),
    Case("content-thin", page(word_count=200), PASS),
    Case("content-thin", page(word_count=199, page_type="product"), FAIL),
    Case("content-thin", page(word_count=199, page_type="other"), NOT),
    Case("content-thin", NOINDEX, NOT),
]

PARTS = [
    Case("image-alt-missing", page(images=(Image("a.png", None, None),)), FAIL, WARNING, "a.png"),
    Case("image-alt-missing", page(images=(Image("a.png", None, None), Image("a.png", None, None))), FAIL, issues=1),
    Case("image-alt-missing", page(images=(Image(None, None, None),)), FAIL, message="without src"),
    Case("image-alt-missing", page(images=(Image("a.png", None, ""),)), PASS),
    Case("image-alt-missing", page(images=(Image("a.png", None, None, needs_alt=False),)), PASS),
    Case("image-alt-missing", PDF, NOT),
    Case("link-uncrawlable", page(links=(link(None, scripted=True),)), FAIL, WARNING, "no href"),
    Case("link-uncrawlable", page(links=(link(None),)), PASS),
    *(
        Case("link-uncrawlable", page(links=(link(href, scripted=True, role=role),)), PASS)
        for href in (None, "javascript:;")
        for role in ("button", "tab", "switch", "menuitemradio")
    ),
    *(
        Case("link-uncrawlable", page(links=(link("javascript:void(0)", role=role),)), FAIL)
        for role in ("link", "menuitem", "treeitem", "none")
    ),
    *(
        Case("link-uncrawlable", page(links=(link(href),)), FAIL)
        for href in ("javascript:go()", "JavaScript:void(0)", " \njava\nscript:go()", "javascript:")
    ),
    *(
        Case("link-uncrawlable", page(links=(link(href, role="button"),)), PASS)
        for href in ("javascript:void(0)", "javascript:void(0);", "javascript:;", "javascript:", "javascript:void 0")
    ),
    Case("link-uncrawlable", page(links=(link("javascript:go()", role="button"),)), FAIL),
    *(Case("link-uncrawlable", page(links=(link(href),)), PASS) for href in ("/a", "#", "", "java/javascript:")),
    Case("link-uncrawlable", PDF, NOT),
    Case(
        "link-internal-nofollow",
        page(links=(link("/a", f"{EXAMPLE}a", rel="nofollow ugc", internal=True),)),
        FAIL,
        NOTICE,
    ),
    Case(
        "link-internal-nofollow",
        page(links=tuple(link(n, EXAMPLE + n, rel="nofollow", internal=True) for n in ("a", "b", "b"))),
        FAIL,
        issues=2,
    ),
    Case("link-internal-nofollow", page(links=(link("/", "https://a.org/", rel="nofollow"),)), PASS),
    Case("link-internal-nofollow", page(links=(link("/a", f"{EXAMPLE}a", rel="nofollower", internal=True),)), PASS),
    Case("link-internal-nofollow", page(links=(link("#a", EXAMPLE, rel="nofollow", internal=True),)), PASS),
    Case("link-internal-nofollow", PDF, NOT),
    *(
        Case("hreflang-invalid-code", page(hreflang=(hreflang(code),)), FAIL, ERROR)
        for code in ("en-UK", "en_GB", "", "xx", "en-GB-oed", "fil", "zh-Abcd", "es-419", "en-EU", "GB")
    ),
    *(
        Case("hreflang-invalid-code", page(hreflang=(hreflang(code),)), PASS)
        for code in ("en", "EN-gb", "zh-Hant-TW", "zh-hans", "sr-Cyrl-RS", "x-default", "X-Default", " de ")
    ),
    Case("hreflang-invalid-code", page(), NOT),
    Case("hreflang-missing-self", page(hreflang=(hreflang("de", f"{EXAMPLE}de"),)), FAIL, WARNING),
    Case("hreflang-missing-self", page(hreflang=(hreflang("en", f"{EXAMPLE}#a"),)), PASS),
    Case("hreflang-missing-self", page(requested_url=f"{EXAMPLE}x", hreflang=(hreflang("en", f"{EXAMPLE}x"),)), PASS),
    Case("hreflang-missing-self", page(hreflang=(hreflang("en", source="header"),)), PASS),
    Case("hreflang-missing-self", page(hreflang=(hreflang("de", f"{EXAMPLE}de", in_head=False),)), NOT),
    Case("hreflang-missing-self", page(), NOT),
    Case("hreflang-missing-self", replace(NOINDEX, hreflang=(hreflang("de", f"{EXAMPLE}de"),)), NOT),
    Case("hreflang-x-default-missing", page(hreflang=(hreflang("en"), hreflang("de"))), FAIL, NOTICE),
    Case("hreflang-x-default-missing", page(hreflang=(hreflang("en-US"), hreflang("en-GB"))), NOT),
    Case("hreflang-x-default-missing", page(hreflang=(hreflang("en"), hreflang("xx"))), NOT),
    Case("hreflang-x-default-missing", page(hreflang=tuple(map(hreflang, ("en", "de", "x-default")))), PASS),
    Case("hreflang-x-default-missing", page(), NOT),
    Case("sd-parse-error", page(structured_data=(StructuredData("json-ld", data="{", errors=("bad",)),)), FAIL, ERROR),
    Case(
        "sd-parse-error",
        page(structured_data=tuple(StructuredData("json-ld", data=data, errors=("bad",)) for data in ("{", "["))),
        FAIL,
        issues=2,
    ),
    Case("sd-parse-error", page(structured_data=(StructuredData("json-ld", data="{}"),)), PASS),
    Case("sd-parse-error", page(structured_data=(StructuredData("microdata"),)), NOT),
    Case("html-lang-missing", page(), FAIL, WARNING),
    Case("html-lang-missing", page(lang=" "), FAIL),
    Case("html-lang-missing", page(lang="en"), PASS),
    Case("html-lang-missing", MOVES_ON, NOT),
    Case("html-lang-missing", PDF, NOT),
    *(
        Case("viewport-missing", page(viewport=viewport), FAIL, WARNING)
        for viewport in (
            None,
            "",
            "width=1024",
            "min-width=device-width",
            "width=device-widths",
            "initial-scale=0.5",
            "initial-scale=none",
            "initial-scale=1, width=1024",
            "minimum-scale=1",
            "width=device-width, width=1024",
        )
    ),
    *(
        Case("viewport-missing", page(viewport=viewport), PASS)
        for viewport in (
            "width=device-width",
            "initial-scale=1,WIDTH = device-width",
            "user-scalable=no;width=device-width",
            "initial-scale=1",
            "Initial-Scale = 1.0, user-scalable=yes",
            "initial-scale=1.",
            "width=1024, width=device-width",
        )
    ),
    Case("viewport-missing", MOVES_ON, NOT),
    Case("viewport-missing", page(meta_refresh=MetaRefresh(1, f"{EXAMPLE}b")), FAIL),
    Case("viewport-missing", PDF, NOT),
    Case("head-broken-by-element", page(head_broken_by="img"), FAIL, WARNING, "<img>"),
    Case("head-broken-by-element", page(), PASS),
    Case("head-broken-by-element", PDF, NOT),
    Case("charset-missing", page(), FAIL, WARNING, "first 1,024 bytes"),
    Case("charset-missing", page(charset_meta="utf-80"), FAIL, message="unknown"),
    *(
        Case("charset-missing", page(**{f"charset_{where}": "utf-8"}), PASS)
        for where in ("header", "bom", "meta", "xml")
    ),
    Case("charset-missing", page(charset_xml="utf-80"), FAIL, message="unknown"),
    Case("charset-missing", page(), NOT, answer=html("", content_type="application/xhtml+xml")),
    Case("charset-missing", PDF, NOT),
    Case("charset-mismatch", page(charset_header="utf-8", charset_meta="latin1"), FAIL, WARNING),
    Case("charset-mismatch", page(charset_header="utf-8", encoding="utf-8", charset_errors=True), FAIL, WARNING),
    Case("charset-mismatch", page(charset_header="latin1", charset_meta="Windows-1252"), PASS),
    Case("charset-mismatch", page(charset_header="UTF8", charset_meta="utf-16"), PASS),
    Case("charset-mismatch", page(charset_meta="utf-8"), PASS),
    Case("charset-mismatch", page(charset_xml="windows-1251"), PASS),
    Case("charset-mismatch", page(charset_xml="utf-8", encoding="utf-8", charset_errors=True), FAIL, WARNING),
    Case("charset-mismatch", page(), NOT),
    Case("https-missing", page(url="http://example.com/"), FAIL, ERROR),
    Case("https-missing", page(), PASS),
    Case("https-missing", PDF, NOT),
    *(
        Case("mixed-content-active", resource(kind, "http://example.com/x"), FAIL, ERROR)
        for kind in ("script", "style", "iframe", "object", "form")
    ),
    Case("mixed-content-active", resource("image", "http://example.com/x"), PASS),
    *(
        Case("mixed-content-active", resource("script", f"http://{host}/x"), PASS)
        for host in ("127.0.0.1:8000", "localhost", "[::1]:80", "shop.localhost")
    ),
    Case("mixed-content-active", resource("script", "http://notlocalhost/x"), FAIL),
    Case("mixed-content-active", resource("script", "data:text/javascript,1"), PASS),
    Case("mixed-content-active", resource("script", "http://example.com/x"), NOT, answer=UPGRADING),
    Case(
        "mixed-content-active",
        resource("script", "http://example.com/x"),
        UNKNOWN,
        answer=html('<meta http-equiv="Content-Security-Policy" content="upgrade-insecure-requests">'),
    ),
    Case("mixed-content-active", replace(resource("script", "http://a.com/x"), url="http://example.com/"), NOT),
    *(
        Case("mixed-content-passive", resource(kind, "http://example.com/x"), FAIL, WARNING)
        for kind in ("image", "audio", "video")
    ),
    Case("mixed-content-passive", resource("script", "http://example.com/x"), PASS),
    Case("mixed-content-passive", replace(resource("image", "http://a.com/x"), url="http://example.com/"), NOT),
]

CASES = [*HTTP, *REDIRECTS, *ROBOTS, *CANONICALS, *TEXTS, *PARTS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.outcome}")
def test_condition(case):
    if isinstance(case.subject, Page):
        answer = case.answer or html("", url=case.subject.url)
        verdict = audit(answer, case.subject)
    else:
        verdict = audit(case.subject, None)
    issues = [issue for issue in verdict.issues if issue.rule == case.rule]
    result = next(result for result in verdict.results if result.rule == case.rule)

    assert result.outcome is case.outcome, result
    assert bool(issues) == (case.outcome is FAIL)
    assert bool(result.why) == (case.outcome in {NOT, UNKNOWN})
    if case.severity:
        assert {issue.severity for issue in issues} == {case.severity}
    if case.issues is not None:
        assert len(issues) == case.issues
    assert all(case.message in issue.message for issue in issues)


RULES = [rule for rule in all_rules() if rule.level == "page" and not rule.needs_browser]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_is_shown_to_fail_pass_and_not_apply(rule):
    seen = {case.outcome for case in CASES if case.rule == rule.id}
    assert {FAIL, PASS, NOT} <= seen
