"""Facts survive the way into Parquet and back, whatever text they carry."""

import dataclasses

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.model import Heading, HeadText, Link, Outcome, Page, PageState, Response, RuleResult, ScannedPage, Verdict
from tasks.store.columns import FACT_TABLES
from tasks.store.rows import frames

SCHEMAS = {table.name: table.schema for table in FACT_TABLES}
TEXTS = st.text(st.characters(), max_size=20)


def _page(titles, headings, links):
    page = Page(
        url="https://e.com/",
        requested_url="https://e.com/",
        titles=tuple(map(HeadText, titles)),
        headings=tuple(Heading(level, text) for level, text in headings),
        links=tuple(Link(text, None, text) for text in links),
    )
    return ScannedPage(
        page_id="p",
        url="https://e.com/",
        state=PageState.COMPLETED,
        reason=None,
        answer=Response(url="https://e.com/", status=200),
        page=page,
        verdict=Verdict(results=(RuleResult("a", Outcome.PASS),)),
    )


def _clean(text):
    return text.encode("utf-8", "replace").decode()


PAGES = st.builds(
    _page,
    st.lists(TEXTS, max_size=3),
    st.lists(st.tuples(st.integers(1, 6), TEXTS), max_size=4),
    st.lists(TEXTS, max_size=4),
)


@given(st.lists(st.one_of(PAGES, PAGES.map(lambda page: dataclasses.replace(page, page=None))), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_every_text_comes_back(pages):
    found = frames("run", pages)
    assert {name: dict(frame.schema) for name, frame in found.items()} == {name: SCHEMAS[name] for name in found}
    for page, row in zip(pages, found["pages"].to_dicts(), strict=True):
        if page.page is None:
            assert (row["titles"], row["headings"], row["title"]) == (None, None, None)
            continue
        assert [title["text"] for title in row["titles"]] == [_clean(title.text) for title in page.page.titles]
        assert [(h["level"], h["text"]) for h in row["headings"]] == [
            (h.level, _clean(h.text)) for h in page.page.headings
        ]
    texts = [_clean(link.text) for page in pages if page.page for link in page.page.links]
    assert found.get("links", pl.DataFrame({"text": []}))["text"].to_list() == texts


def test_tables_without_rows_are_left_out(failed):
    assert set(frames("run", [failed("https://e.com/")])) == {"pages"}


def test_values_of_a_page(scanned):
    row = frames("run", [scanned("https://e.com/")])["pages"].to_dicts()[0]
    assert row["robots"] == [
        {"agent": "googlebot", "directives": ["noindex", "max-snippet:-1"], "source": "header", "in_head": True}
    ]
    assert row["meta_refresh"] == {"delay": 5.0, "url": "https://e.com/next", "source": "meta"}
    assert row["minhash"] == [1, 4294967295]
    assert row["headers"][1] == {"name": "etag", "value": '"v1"'}
    assert (row["outcome"], row["body_length"], row["wire_bytes"], row["tries"], row["h1"]) == (
        "completed", 11, 9, 1, "All tea",
    )  # fmt: skip
    assert row["fetched_at"].isoformat() == "2026-11-23T15:30:01.250000"
