"""The columns of ``pages``: one row for each page of a run that reached a terminal state."""

from operator import attrgetter
from typing import Any

import polars as pl

from tasks.model import Page, Response, ScannedPage
from tasks.store.takes import (
    COUNT,
    FLAG,
    REAL,
    SMALL,
    TEXT,
    TEXTS,
    TIME,
    Column,
    Key,
    each,
    first,
    microseconds,
    on_page,
    structs,
)


def _on_response(scanned: ScannedPage, name: str) -> Any:
    return getattr(scanned.answer, name) if isinstance(scanned.answer, Response) else None


def _fetched_at(scanned: ScannedPage) -> int | None:
    return microseconds(scanned.answer.fetched_at) if scanned.answer.tries else None


def _meta_refresh(page: Page) -> dict[str, Any] | None:
    refresh = page.meta_refresh
    return None if refresh is None else {"delay": refresh.delay, "url": refresh.url, "source": refresh.source}


def _body_length(scanned: ScannedPage) -> int | None:
    return len(scanned.answer.body) if isinstance(scanned.answer, Response) else None


_HEAD_TEXT = structs(text=TEXT, in_head=FLAG)

REVALIDATION = Column(
    "revalidation",
    TEXT,
    "What a conditional request brought: not-modified (304; the facts are those of the last full answer), modified, or "
    "same (sent in full without a change); null where no condition was sent.",
    attrgetter("revalidation"),
)

PAGE_COLUMNS = (
    Column("run_id", TEXT, "Run that shows the page.", Key.RUN),
    Column("page_id", TEXT, "The page, the same in every run of a project; 16 hex digits.", Key.PAGE),
    Column("url", TEXT, "Address as asked for.", Key.URL),
    Column("final_url", TEXT, "Address that answered or failed, after redirects.", lambda s: s.answer.url),
    Column("status", SMALL, "HTTP status of the final response; null where there was none.", lambda s: s.answer.status),
    Column("outcome", TEXT, "State: completed, failed, skipped or quarantined.", lambda s: s.state.value),
    Column(
        "reason", TEXT, "Why it failed or was skipped; null where completed.", lambda s: s.reason and s.reason.value
    ),
    Column("fetched_at", TIME, "Time of the last fetch, UTC; null where it was never fetched.", _fetched_at),
    Column("html_length", COUNT, "Length of the decoded HTML, bytes.", on_page("html_length")),
    Column("title", TEXT, "The title a browser shows.", on_page("title")),
    Column(
        "titles",
        _HEAD_TEXT,
        "Every title element; in_head is false where it landed in the body.",
        each("titles", "text", "in_head"),
    ),
    Column("title_px", SMALL, "Width of the title in Arial 20 px, pixels.", on_page("title_px")),
    Column("meta_description", TEXT, "The first meta description.", on_page("meta_description")),
    Column("meta_descriptions", _HEAD_TEXT, "Every meta description.", each("meta_descriptions", "text", "in_head")),
    Column("description_px", SMALL, "Width of the description in Arial 14 px, pixels.", on_page("description_px")),
    Column("meta_keywords", TEXT, "The meta keywords.", on_page("meta_keywords")),
    Column(
        "robots",
        structs(agent=TEXT, directives=TEXTS, source=TEXT, in_head=FLAG),
        "Robots directives by agent (robots = all) from meta elements and X-Robots-Tag headers.",
        each("robots", "agent", "directives", "source", "in_head"),
    ),
    Column(
        "not_indexable",
        TEXT,
        "Why it may not be indexed; empty where it may. In a crawl, redirect where it leads to another address.",
        lambda s: s.verdict.not_indexable,
    ),
    Column(
        "blocked_by_robots",
        FLAG,
        "robots.txt disallows it to Googlebot, or where it redirects to; null where robots.txt was not read.",
        attrgetter("blocked_by_robots"),
    ),
    Column(
        "canonicals",
        structs(href=TEXT, url=TEXT, source=TEXT, in_head=FLAG),
        "Every canonical but ignored_canonicals, as written and as resolved, from html or header.",
        each("canonicals", "href", "url", "source", "in_head"),
    ),
    Column(
        "ignored_canonicals",
        structs(href=TEXT, url=TEXT, source=TEXT, in_head=FLAG, ignored_for=TEXT),
        "Canonicals that search engines ignore for an attribute: hreflang, lang, media or type.",
        each("ignored_canonicals", "href", "url", "source", "in_head", "ignored_for"),
    ),
    Column(
        "hreflang",
        structs(lang=TEXT, href=TEXT, url=TEXT, source=TEXT, in_head=FLAG),
        "Every alternate language, as written and as resolved, from html or header.",
        each("hreflang", "lang", "href", "url", "source", "in_head"),
    ),
    Column("h1", TEXT, "Text of the first h1 that has any.", on_page(lambda p: first(p.h1()))),
    Column(
        "headings", structs(level=SMALL, text=TEXT), "h1 to h6 in document order.", each("headings", "level", "text")
    ),
    Column("lang", TEXT, "The html element's lang attribute; xml:lang in XHTML.", on_page("lang")),
    Column("doctype", TEXT, "The document type.", on_page("doctype")),
    Column("viewport", TEXT, "The meta viewport's content.", on_page("viewport")),
    Column(
        "meta_refresh",
        pl.Struct({"delay": REAL, "url": TEXT, "source": TEXT}),
        "The meta refresh or Refresh header; delay in seconds.",
        on_page(_meta_refresh),
    ),
    Column("encoding", TEXT, "WHATWG name of the encoding it was decoded with.", on_page("encoding")),
    Column("charset_header", TEXT, "Charset label of the Content-Type header.", on_page("charset_header")),
    Column("charset_bom", TEXT, "Charset named by a byte order mark.", on_page("charset_bom")),
    Column("charset_meta", TEXT, "Charset label of a meta element in the first 1,024 bytes.", on_page("charset_meta")),
    Column("charset_xml", TEXT, "Charset label of an XML declaration.", on_page("charset_xml")),
    Column("charset_errors", FLAG, "The bytes are not valid in the encoding.", on_page("charset_errors")),
    Column("base_url", TEXT, "What relative addresses resolve against.", on_page("base_url")),
    Column(
        "open_graph",
        structs(property=TEXT, content=TEXT),
        "Open Graph properties in document order.",
        on_page("open_graph"),
    ),
    Column(
        "twitter",
        structs(name=TEXT, content=TEXT),
        "Twitter card properties in document order.",
        on_page("twitter"),
    ),
    Column(
        "resources",
        structs(kind=TEXT, url=TEXT),
        "What the page loads (script, style, iframe, image, audio, video, object) or sends forms to.",
        each("resources", "kind", "url"),
    ),
    Column(
        "head_broken_by", TEXT, "Element (or text) that ended head before other metadata.", on_page("head_broken_by")
    ),
    Column(
        "word_count",
        COUNT,
        "Words of the main text (without nav, header, footer, aside); symbols, icons and emoji are none.",
        on_page("word_count"),
    ),
    Column("cjk_count", COUNT, "Characters of the main text in scripts written without spaces.", on_page("cjk_count")),
    Column("page_type", TEXT, "article, product, other or unknown.", on_page("page_type")),
    Column(
        "content_hash", TEXT, "Hash of the main text with white space folded; 16 hex digits.", on_page("content_hash")
    ),
    Column(
        "minhash",
        pl.List(pl.UInt32()),
        "MinHash of the main text's 5-word shingles, 128 values; empty if shorter.",
        on_page("minhash"),
    ),
    Column(
        "cut",
        TEXTS,
        "Kinds of facts that the page has more of than are kept (see below): links, images, text, …; empty for nearly "
        "all pages.",
        on_page("cut"),
    ),
    Column("mime", TEXT, "Media type as declared, without parameters.", lambda s: s.answer.mime),
    Column(
        "headers",
        structs(name=TEXT, value=TEXT),
        "Headers of the final response, names in lower case.",
        lambda s: _on_response(s, "headers"),
    ),
    Column("body_length", COUNT, "Length of the body after undoing Content-Encoding, bytes.", _body_length),
    Column("wire_bytes", COUNT, "Length of the body as transferred, bytes.", lambda s: _on_response(s, "wire_bytes")),
    Column(
        "ttfb_ms",
        REAL,
        "From request sent to first byte of the final response, milliseconds.",
        lambda s: _on_response(s, "ttfb_ms"),
    ),
    Column("elapsed_ms", REAL, "Whole fetch with redirects, milliseconds.", lambda s: s.answer.elapsed_ms),
    Column("tries", SMALL, "Fetches of the page in its run, the last one included.", lambda s: s.answer.tries),
    REVALIDATION,
    Column("detail", TEXT, "What failed, one line for people.", lambda s: getattr(s.answer, "detail", None)),
)
