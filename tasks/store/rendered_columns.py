"""The table ``rendered``: what a browser made of a page, beside the facts of its raw answer in ``pages``."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from tasks.model import Behaviour, FetchFailure, Page, Rendered, ScannedPage
from tasks.store.takes import COUNT, FLAG, REAL, TEXT, TEXTS, Column, Key, PageTable, Take

Rendering = Rendered | FetchFailure


def _rendering(scanned: ScannedPage) -> Sequence[Rendering]:
    return () if scanned.rendered is None else (scanned.rendered,)


def _of_page(read: Callable[[Page], Any]) -> Take:
    return lambda one: read(one.page) if isinstance(one, Rendered) else None


def _of_behaviour(name: str) -> Take:
    read: Callable[[Behaviour], Any] = attrgetter(name)
    return lambda one: read(one.behaviour) if isinstance(one, Rendered) else None


def _why(one: Rendering) -> str | None:
    return one.reason.value if isinstance(one, FetchFailure) else None


def _detail(one: Rendering) -> str | None:
    return one.detail or None if isinstance(one, FetchFailure) else None


def _elapsed(one: Rendering) -> float | None:
    return one.elapsed_ms if isinstance(one, FetchFailure) else one.behaviour.elapsed_ms


def _canonicals(page: Page) -> list[str]:
    return [canonical.url or canonical.href for canonical in page.canonicals]


def _directives(page: Page) -> list[str]:
    return [f"{robots.agent}: {', '.join(robots.directives)}" for robots in page.robots]


def _types(page: Page) -> list[str]:
    return [name for block in page.structured_data for name in block.types]


RENDERED = PageTable(
    "rendered",
    "One row for each page that a browser opened (`--render`), as it stood once it had settled. The facts of the raw "
    "answer are those of `pages` and the other tables.",
    (
        Column("run_id", TEXT, "Run that shows the page.", Key.RUN),
        Column("page_id", TEXT, "The page, as in pages.", Key.PAGE),
        Column("url", TEXT, "Address of the page as asked for.", Key.URL),
        Column("reason", TEXT, "Why it could not be rendered; null where it was.", _why),
        Column("detail", TEXT, "The same in words.", _detail),
        Column("final_url", TEXT, "Address in the browser at the end.", _of_page(attrgetter("url"))),
        Column(
            "led_to", TEXT, "Page that scripts or a refresh led on to; null where it stayed.", _of_behaviour("led_to")
        ),
        Column("settled", FLAG, "It came to rest within its time.", _of_behaviour("settled")),
        Column("title", TEXT, "First title.", _of_page(attrgetter("title"))),
        Column("meta_description", TEXT, "First description.", _of_page(attrgetter("meta_description"))),
        Column("canonicals", TEXTS, "Canonical addresses, as written where they are none.", _of_page(_canonicals)),
        Column("robots", TEXTS, "Robots directives with the crawler they are for.", _of_page(_directives)),
        Column("h1", TEXTS, "Texts of the h1 elements that are not empty.", _of_page(Page.h1)),
        Column("structured_data", TEXTS, "Types of structured data.", _of_page(_types)),
        Column("links", COUNT, "a and area elements.", _of_page(lambda page: len(page.links))),
        Column(
            "internal_links",
            COUNT,
            "Those to the same host.",
            _of_page(lambda page: sum(x.internal for x in page.links)),
        ),
        Column("images", COUNT, "img elements.", _of_page(lambda page: len(page.images))),
        Column("word_count", COUNT, "Words of the main text.", _of_page(attrgetter("word_count"))),
        Column("content_hash", TEXT, "Hash of the main text; 16 hex digits.", _of_page(attrgetter("content_hash"))),
        Column("html_length", COUNT, "The DOM as HTML, bytes.", _of_page(attrgetter("html_length"))),
        Column("small_text", REAL, "Part of the visible characters under 12 px, 0 to 1.", _of_behaviour("small_text")),
        Column("errors", TEXTS, "Uncaught exceptions of scripts, each once.", _of_behaviour("errors")),
        Column("requests", COUNT, "Requests that it made.", _of_behaviour("requests")),
        Column(
            "kept_back",
            COUNT,
            "Those not let out: images, fonts and the like, what robots.txt disallows to a crawl, what is over 300.",
            _of_behaviour("kept_back"),
        ),
        Column("refused", COUNT, "Connections that the address guard refused.", _of_behaviour("refused")),
        Column("elapsed_ms", REAL, "From the request to the settled page or its failure, milliseconds.", _elapsed),
    ),
    _rendering,
)
