"""A store of its own for each test, and pages to put into it."""

from datetime import UTC, datetime

import pytest

from tasks.model import (
    Canonical,
    FetchFailure,
    Heading,
    HeadText,
    Hop,
    Hreflang,
    Image,
    Issue,
    Link,
    MetaRefresh,
    Outcome,
    Page,
    PageState,
    Reason,
    Resource,
    Response,
    Robots,
    RuleResult,
    ScannedPage,
    Severity,
    StructuredData,
    Verdict,
)
from tasks.store import RunSpec, Store, Target
from tasks.urls import page_id

FETCHED_AT = datetime(2026, 11, 23, 15, 30, 1, 250_000, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def scanned():
    return _scanned


@pytest.fixture
def failed():
    return _failed


@pytest.fixture
def begin(store):
    """Starts a run over URLs, in chunks of ``size``."""

    def begin(*urls, size=250, **spec):
        run = store.start_run(RunSpec(**{"kind": "batch", "recipe": "r1", "batch_id": "b1", **spec}))
        store.add_targets(run, [Target(url, page_id("default", url)) for url in urls])
        store.assign_chunks(run, size)
        return store.get_run(run.run_id)

    return begin


def _scanned(url, *, status=200, title="Tea", fetched_at=FETCHED_AT, links=1, **changes):
    page = Page(
        url=url,
        requested_url=url,
        base_url=url,
        titles=(HeadText(title), HeadText("Second", in_head=False)),
        meta_descriptions=(HeadText("About tea"),),
        meta_keywords="tea, pot",
        robots=(Robots("googlebot", ("noindex", "max-snippet:-1"), "header"),),
        canonicals=(Canonical("/tea", "https://e.com/tea"), Canonical("http://[", None, "header")),
        hreflang=(Hreflang("de", "/de", "https://e.com/de"),),
        headings=(Heading(1, ""), Heading(1, "All tea"), Heading(2, "Green")),
        images=(Image("pot.png", "https://e.com/pot.png", None),),
        links=tuple(
            Link(f"/{n}", f"https://e.com/{n}", f"link {n}", "nofollow", "nav", internal=True) for n in range(links)
        ),
        lang="en",
        doctype="html",
        encoding="utf-8",
        viewport="width=device-width",
        meta_refresh=MetaRefresh(5.0, "https://e.com/next"),
        open_graph=(("og:title", "Tea"), ("og:image", "1"), ("og:image", "2")),
        twitter=(("twitter:card", "summary"),),
        structured_data=(
            StructuredData("json-ld", ("Product",), '{"@type": "Product", "price": 1.5}'),
            StructuredData("json-ld", (), '{"@type":', ("line 1: value expected",)),
        ),
        resources=(Resource("script", "https://e.com/a.js"),),
        word_count=7,
        minhash=(1, 2**32 - 1),
        title_px=30,
        html_length=11,
        content_hash="0123456789abcdef",
    )
    return ScannedPage(
        page_id=page_id("default", url),
        url=url,
        state=PageState.COMPLETED,
        reason=None,
        answer=Response(
            url=url,
            status=status,
            headers=(("content-type", "text/html; charset=utf-8"), ("etag", '"v1"')),
            body=b"<p>tea</p>\xff",
            text="<p>tea</p>�",
            encoding="utf-8",
            hops=(Hop("https://e.com/old", 301, "/new"),),
            wire_bytes=9,
            ttfb_ms=1.5,
            elapsed_ms=2.5,
            fetched_at=fetched_at,
        ),
        page=page,
        verdict=Verdict(
            issues=(
                Issue(
                    rule="title-too-short",
                    severity=Severity.WARNING,
                    category="title",
                    message="The title has 3 characters.",
                    evidence={"length": 3, "limit": 30, "title": title},
                    fingerprint="00112233445566ff",
                ),
            ),
            results=(
                RuleResult("title-too-short", Outcome.FAIL),
                RuleResult("soft-404", Outcome.NOT_APPLICABLE, "http-200"),
            ),
            not_indexable="noindex",
        ),
        **changes,
    )


def _failed(url, reason=Reason.DNS):
    return ScannedPage(
        page_id=page_id("default", url),
        url=url,
        state=PageState.FAILED,
        reason=reason,
        answer=FetchFailure(url=url, reason=reason, detail="no such host", fetched_at=FETCHED_AT, tries=2),
        page=None,
        verdict=Verdict(),
    )
