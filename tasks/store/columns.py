"""Every table of facts: its columns, their meaning and units, and where the values come from.

docs/data.md is generated from here.
"""

import json
from collections.abc import Sequence
from operator import attrgetter

from tasks.model import Hop, Issue, Response, ScannedPage
from tasks.store.page_columns import PAGE_COLUMNS
from tasks.store.rendered_columns import RENDERED
from tasks.store.site_columns import SITE_TABLES
from tasks.store.takes import BYTES, FLAG, SMALL, TEXT, TEXTS, Column, FactTable, Key, PageTable

FACT_SCHEMA = 2
"""Version written into every part's metadata."""

_RUN = Column("run_id", TEXT, "Run that shows the row.", Key.RUN)
_PAGE = Column("page_id", TEXT, "The page, as in pages.", Key.PAGE)
_URL = Column("url", TEXT, "Address of the page as asked for.", Key.URL)
_SOURCE = Column("source_url", TEXT, "Address of the page as asked for.", Key.URL)


_JSON = json.JSONEncoder(ensure_ascii=False)


def _evidence(issue: Issue) -> str:
    return _JSON.encode(issue.evidence)


def _html(scanned: ScannedPage) -> Sequence[Response]:
    answer = scanned.answer
    return (answer,) if isinstance(answer, Response) and answer.body and answer.is_html else ()


def _hops(scanned: ScannedPage) -> list[tuple[int, Hop]]:
    return list(enumerate(scanned.answer.hops, 1))


PAGES = PageTable(
    "pages",
    "One row for each page of a run that reached a terminal state.",
    PAGE_COLUMNS,
    lambda scanned: (scanned,),
)

LINKS = PageTable(
    "links",
    "Every a and area element with an address or a click handler, in document order within a page.",
    (
        _RUN,
        _SOURCE,
        Column("url", TEXT, "Resolved target without fragment; null where it is no address.", attrgetter("url")),
        Column("text", TEXT, "Visible text with the alt of images inside.", attrgetter("text")),
        Column("rel", TEXT, "rel attribute in lower case.", attrgetter("rel")),
        Column("position", TEXT, "Nearest landmark: nav, header, main, aside, footer or body.", attrgetter("position")),
        Column("internal", FLAG, "Same host as the page.", attrgetter("internal")),
        _PAGE,
        Column("href", TEXT, "As written; null where absent.", attrgetter("href")),
        Column("scripted", FLAG, "Has a click handler or a client-side routing attribute.", attrgetter("scripted")),
        Column("role", TEXT, "role attribute in lower case.", attrgetter("role")),
    ),
    lambda scanned: scanned.page.links if scanned.page else (),
)

IMAGES = PageTable(
    "images",
    "Every img element, in document order within a page.",
    (
        _RUN,
        _SOURCE,
        Column("url", TEXT, "Resolved src.", attrgetter("url")),
        Column("src", TEXT, "As written; null where absent.", attrgetter("src")),
        Column("alt", TEXT, "Alternative text; null where the attribute is missing.", attrgetter("alt")),
        Column("srcset", TEXT, "As written.", attrgetter("srcset")),
        Column("width", TEXT, "As written.", attrgetter("width")),
        Column("height", TEXT, "As written.", attrgetter("height")),
        Column("loading", TEXT, "As written.", attrgetter("loading")),
        Column("needs_alt", FLAG, "False for decorative, hidden and 1×1 images.", attrgetter("needs_alt")),
        _PAGE,
    ),
    lambda scanned: scanned.page.images if scanned.page else (),
)

STRUCTURED_DATA = PageTable(
    "structured_data",
    "Every JSON-LD block, microdata item and RDFa node.",
    (
        _RUN,
        _PAGE,
        _URL,
        Column("format", TEXT, "json-ld, microdata or rdfa.", attrgetter("format")),
        Column("types", TEXTS, "Types; for JSON-LD those of all nodes in the block.", attrgetter("types")),
        Column(
            "data",
            TEXT,
            "A JSON-LD block as JSON text, a broken one as found; null for microdata and RDFa.",
            attrgetter("data"),
        ),
        Column("errors", TEXTS, "Why it cannot be read; empty where it can.", attrgetter("errors")),
    ),
    lambda scanned: scanned.page.structured_data if scanned.page else (),
)

REDIRECTS = PageTable(
    "redirects",
    "Every redirect followed on the way to a page, in order.",
    (
        _RUN,
        _PAGE,
        _SOURCE,
        Column("hop", SMALL, "Place in the chain, from 1.", lambda item: item[0]),
        Column("url", TEXT, "Address that redirected.", lambda item: item[1].url),
        Column("status", SMALL, "Its HTTP status.", lambda item: item[1].status),
        Column("location", TEXT, "Location header as written; null where absent.", lambda item: item[1].location),
    ),
    _hops,
)

RAISED_FROM = "raised_from"

ISSUES = PageTable(
    "issues",
    "Every failed rule with what was seen.",
    (
        _RUN,
        _PAGE,
        _URL,
        Column("rule", TEXT, "The rule's id.", attrgetter("rule")),
        Column("severity", TEXT, "error, warning or notice.", attrgetter("severity")),
        Column("category", TEXT, "The rule's category.", attrgetter("category")),
        Column("message", TEXT, "One sentence naming the observed value.", attrgetter("message")),
        Column("evidence", TEXT, "Observed value, limit and locator, as a JSON object.", _evidence),
        Column("fingerprint", TEXT, "Identity across runs; 16 hex digits.", attrgetter("fingerprint")),
        Column("observed", FLAG, "False where inferred.", attrgetter("observed")),
        Column(
            RAISED_FROM,
            TEXT,
            "Severity that the page has by itself; null but where its crawl changed it.",
            lambda _: None,
        ),
    ),
    lambda scanned: scanned.verdict.issues,
)

RESULTS = PageTable(
    "results",
    "What every rule says of every page, and every site rule of the run.",
    (
        _RUN,
        Column("page_id", TEXT, "The page, as in pages; empty for the run as a whole.", Key.PAGE),
        _URL,
        Column("rule", TEXT, "The rule's id.", attrgetter("rule")),
        Column("outcome", TEXT, "fail, pass, not_applicable or unknown.", attrgetter("outcome")),
        Column("why", TEXT, "What excluded it or what is missing.", attrgetter("why")),
    ),
    lambda scanned: scanned.verdict.results,
)

HTML = PageTable(
    "html",
    "The HTML of every page that has any, where the run keeps it.",
    (
        _RUN,
        _PAGE,
        _URL,
        Column("encoding", TEXT, "WHATWG name of the encoding.", attrgetter("encoding")),
        Column("body", BYTES, "The bytes after undoing Content-Encoding.", attrgetter("body")),
    ),
    _html,
)

PAGE_TABLES = (PAGES, LINKS, IMAGES, STRUCTURED_DATA, REDIRECTS, RENDERED, ISSUES, RESULTS, HTML)
FACT_TABLES: tuple[FactTable, ...] = (*PAGE_TABLES, *SITE_TABLES)

LINKED = "linked"
LINKED_SCHEMA = {"run_id": TEXT, "page_id": TEXT, "source_run_id": TEXT, "not_modified": FLAG}
"""Pages that a run shows from an earlier one; in every view they appear under the run that shows them."""
