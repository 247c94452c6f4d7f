"""Sitemap files: XML, feeds and plain lists of addresses.

https://www.sitemaps.org/protocol.html and
https://developers.google.com/search/docs/crawling-indexing/sitemaps/build-sitemap
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Literal, Self

from tasks.crawl.sitemap_text import Faults, text_of
from tasks.crawl.sitemap_xml import Item, read_xml
from tasks.urls import absolute, address, is_http, printable, same_domain, same_site

MAX_URLS = 50_000
MAX_LOC = 2048
MAX_LASTMOD = 64
MAX_LANG = 64

_MAX_LINES = 1_000_000
_MAX_SHOWN = 200
_SNIFFED = 32

Kind = Literal["urlset", "sitemapindex", "rss", "atom", "text", "unknown"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A page: its address, when it last changed (as written), its alternates as (language, address)."""

    loc: str
    lastmod: str | None = None
    alternates: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Child:
    """A further sitemap file, named by an index."""

    loc: str
    lastmod: str | None = None


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What one file says, in its order and with its repetitions; addresses are absolute, on any host.

    Attributes:
        errors: what is wrong with the file, in words; the first 100 faults, then how many more.
        kind: by its content; ``unknown`` where it is no sitemap.
    """

    entries: tuple[Entry, ...] = ()
    children: tuple[Child, ...] = ()
    errors: tuple[str, ...] = ()
    kind: Kind = "unknown"

    def on_site(self, url: str, *, domain: bool = False) -> Self:
        """The same with the entries and children on the host of ``url`` only, or on its registrable domain."""
        is_on_site = partial(same_domain if domain else same_site, url)
        return replace(
            self,
            entries=tuple(entry for entry in self.entries if is_on_site(entry.loc)),
            children=tuple(child for child in self.children if is_on_site(child.loc)),
        )


def parse_sitemap(body: bytes, url: str) -> Sitemap:
    """Reads any bytes as far as they make sense, at most 50 MiB of text and 50,000 addresses.

    Args:
        body: the file, also gzipped.
        url: where it was found; an address that names the file itself is dropped.
    """
    builder = _Builder(address(url))
    text = text_of(body, builder.faults)
    start = next(text, "")
    if not start:
        builder.faults.add("empty")
        return builder.built("unknown")
    pieces = chain([start], text)
    if start[:_SNIFFED].lower().startswith(("<!doctype html", "<html")):
        builder.faults.add("an HTML page, not a sitemap")
        return builder.built("unknown")
    if start.startswith("<"):
        return builder.built(read_xml(pieces, builder.add, builder.faults))
    _read_lines(pieces, builder)
    return builder.built("text")


class _Builder:
    def __init__(self, url: str) -> None:
        self.faults = Faults()
        self._url = url
        self._entries: list[Entry] = []
        self._children: list[Child] = []
        self._known: dict[str, tuple[str | None, str]] = {}
        self._taken = 0

    def add(self, item: Item) -> None:
        """Takes an item with one usable address; says what is wrong with any other."""
        self._taken += 1
        if self._taken > MAX_URLS:
            return
        loc, why = _usable(item.loc)
        if loc is not None and loc == self._url:
            loc, why = None, "names this file itself"
        if loc is None:
            self.faults.add(f"line {item.line}: {why}")
            return
        lastmod = item.lastmod.strip()[:MAX_LASTMOD] or None
        if item.is_sitemap:
            self._children.append(Child(loc, lastmod))
        else:
            self._entries.append(Entry(loc, lastmod, tuple(self._alternates(item))))

    def _alternates(self, item: Item) -> Iterator[tuple[str, str]]:
        for lang, href in item.alternates:
            # Each page of a cluster repeats the addresses of all.
            known = self._known.get(href)
            if known is None:
                known = self._known[href] = _usable(href)
            url, why = known
            if url is None:
                self.faults.add(f"line {item.line}: alternate {printable(lang[:MAX_LANG])}: {why}")
            else:
                yield lang.strip()[:MAX_LANG], url

    def built(self, kind: Kind) -> Sitemap:
        if self._taken > MAX_URLS:
            self.faults.add(f"{self._taken:,} addresses: only the first {MAX_URLS:,} are read")
        return Sitemap(tuple(self._entries), tuple(self._children), self.faults.told(), kind)


def _usable(text: str) -> tuple[str | None, str]:
    """The address in ``text``, or None and why not. Relative ones are ignored by search engines too."""
    text = text.strip()
    if not text:
        return None, "no address"
    if len(text) > MAX_LOC:
        return None, f"longer than {MAX_LOC:,} characters: {printable(text, _MAX_SHOWN)}"
    url = absolute(text)
    if url is None or not is_http(url):
        return None, f"not an absolute http or https address: {printable(text, _MAX_SHOWN)}"
    if "@" in url.split("/", 3)[2]:
        return None, "an address with a user name or password"
    return url, ""


def _read_lines(pieces: Iterator[str], builder: _Builder) -> None:
    """One address a line."""
    number, rest = 0, ""
    for piece in chain(pieces, ["\n"]):
        *lines, rest = (rest + piece.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        rest = rest[: MAX_LOC * 2]
        for number, line in enumerate(lines, number + 1):  # noqa: B020 - counts on from piece to piece
            if stripped := line.strip():
                builder.add(Item(line=number, loc=stripped))
        if number > _MAX_LINES:
            builder.faults.add(f"more than {_MAX_LINES:,} lines: the rest is not read")
            return
