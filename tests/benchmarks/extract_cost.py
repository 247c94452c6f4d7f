"""Time of one page, part by part: ``python tests/benchmarks/extract_cost.py [FOLDER] [PAGES]``.

Reads, judges and stages the HTML below FOLDER, or made-up pages of 40 kB and 100 links. The last column takes the
machine out: time by that of parsing alone, which is Lexbor's. Processor time, the best of several rounds.
"""

# ruff: noqa: T201 - figures are what it is for

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from tasks.audit.engine import audit
from tasks.extract.addresses import Addresses
from tasks.extract.names import names
from tasks.extract.page import extract, linked
from tasks.extract.text import content_hash, minhash, words
from tasks.extract.walk import walk
from tasks.model import PageState, Response, ScannedPage
from tasks.store.part_folder import PartFolder
from tasks.store.parts import stage
from tasks.urls import page_id

ROUNDS = 5
RANDOM = random.Random(42)
WORDS = sorted(
    names(
        """
        tea garden leaf water cup brew green black white shop product price delivery order customer review guide season
        harvest mountain village farmer quality aroma taste sweet bitter fresh organic certified package gram
        temperature the of and to in is for on with as that this are be
        """
    )
)


def text(length: int) -> str:
    return " ".join(RANDOM.choices(WORDS, k=length))


def link(href: str) -> str:
    return f'<a class="{text(2)}" href="{href}">{text(2)}</a>'


def made(number: int) -> Response:
    menu = "".join(f'<li class="{text(3)}">{link(f"/{word}/")}</li>\n' for word in WORDS[:40])
    story = "".join(
        f'<p class="{text(4)}">{text(40).capitalize()} — <strong>{text(3)}</strong> {text(30)} '
        f"{link(f'../{number + n}/{WORDS[n]}.html?from={number}')} {text(40)}’s.</p>\n"
        for n in range(20)
    )
    cards = "".join(
        f'<div class="{text(6)}" data-id="{n}">{link(f"https://shop.example/p/{number}-{n}")}'
        f'<img src="/img/{n}.webp" alt="{text(3)}" width="300" height="200" loading="lazy" class="{text(4)}">'
        f'<h3><span class="{text(3)}">{text(4)}</span></h3><span class="{text(2)}">€{n}.90</span></div>\n'
        for n in range(40)
    )
    source = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{text(6)}</title>'
        f'<meta name="description" content="{text(20)}"><link rel="canonical" href="/{number}/">'
        f'<link rel="stylesheet" href="/app.css"></head><body><header><nav><ul>{menu}</ul></nav></header>'
        f'<main style="margin: 0"><h1>{text(5)}</h1>{story}{cards}</main><footer role="contentinfo">{text(40)}</footer>'
        f'<script src="/app.js"></script></body></html>'
    )
    return response(f"https://shop.example/{number}/", source.encode())


def response(url: str, body: bytes) -> Response:
    content_type = ("content-type", "text/html; charset=utf-8")
    return Response(
        url=url,
        status=200,
        headers=(content_type,),
        body=body,
        text=body.decode("utf-8", "replace"),
        encoding="utf-8",
    )


def read(folder: Path, count: int) -> list[Response]:
    files = sorted(folder.rglob("*.html"))
    chosen = RANDOM.sample(files, min(count, len(files)))
    return [response(f"https://docs.example/{file.relative_to(folder)}", file.read_bytes()) for file in chosen]


class Clock:
    """Sums up processor time by part."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()

    def run(self, part: str, work: Callable[..., Any], *arguments: Any) -> Any:
        start = time.process_time_ns()
        result = work(*arguments)
        self.spent[part] += time.process_time_ns() - start
        return result


def parse(page: Response) -> LexborHTMLParser:
    return LexborHTMLParser((page.text or "").encode())


def one_round(pages: list[Response], clock: Clock) -> None:
    for page in pages:
        clock.run("parse", parse, page)
    for page in pages:
        found = clock.run("  tree walk", walk, parse(page))
        _, main_text = clock.run("  texts", found.texts)
        tokens = clock.run("  words", words, main_text).tokens
        clock.run("  minhash", minhash, tokens)
        clock.run("  content hash", content_hash, main_text)
        addresses = Addresses(page.url, found.base)
        clock.run("  links", lambda found, addresses: tuple(linked(found.links, addresses)), found, addresses)
    scanned = []
    for page in pages:
        facts = clock.run("extract", extract, page)
        verdict = clock.run("audit", audit, page, facts)
        scanned.append(
            ScannedPage(
                page_id=page_id("", page.url),
                url=page.url,
                state=PageState.COMPLETED,
                reason=None,
                answer=page,
                page=facts,
                verdict=verdict,
            )
        )
    with tempfile.TemporaryDirectory() as folder:
        clock.run("stage", lambda: stage(PartFolder(Path(folder)), "run", "part", scanned, keep_html=True))


def main(folder: str = "", count: str = "250") -> None:
    pages = read(Path(folder), int(count)) if folder else [made(number) for number in range(int(count))]
    clocks = [Clock() for _ in range(ROUNDS)]
    for clock in clocks:
        one_round(pages, clock)
    best = {part: min(clock.spent[part] for clock in clocks) for part in clocks[0].spent}
    size = sum(len(page.body) for page in pages) / len(pages)
    print(f"{len(pages)} pages of {size / 1000:.0f} kB\n{'part':16}{'ms/page':>8}{'× parse':>9}")
    for part in ("parse", "extract", *(part for part in best if part.startswith(" ")), "audit", "stage"):
        print(f"{part:16}{best[part] / len(pages) / 1e6:8.3f}{best[part] / best['parse']:9.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
