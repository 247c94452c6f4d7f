"""The XML kinds of sitemaps, read as a stream: no document type, no entities, nothing kept but the items.

Names are compared without their namespace, as many files declare a wrong one or none; that is reported.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from xml.parsers import expat

from tasks.crawl.sitemap_text import Faults
from tasks.urls import printable

MAX_DEPTH = 32
MAX_ELEMENTS = 3_000_000
MAX_ITEMS = 250_000
"""Five times what a file may have: so far they are counted."""
MAX_NAMES = 1000
"""Distinct names of elements and attributes; expat keeps each."""
MAX_TOKEN = 256 * 1024
"""Bytes of one tag or comment; expat starts an unfinished one over with every piece."""
MAX_FIELD = 8192
MAX_ALTERNATES = 1000

_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_MAX_SHOWN = 100

XmlKind = Literal["urlset", "sitemapindex", "rss", "atom", "unknown"]
_KINDS: dict[str, XmlKind] = {"urlset": "urlset", "sitemapindex": "sitemapindex", "rss": "rss", "feed": "atom"}
_ITEMS = {"urlset": ("url", "sitemap"), "sitemapindex": ("sitemap", "url"), "rss": ("item",), "atom": ("entry",)}
_FIELDS = {
    "urlset": {"loc": "loc", "lastmod": "lastmod"},
    "sitemapindex": {"loc": "loc", "lastmod": "lastmod"},
    "rss": {"link": "loc", "pubDate": "lastmod"},
    "atom": {"updated": "lastmod", "modified": "lastmod"},
}


@dataclass(slots=True)
class Item:
    """A page or a further sitemap as written, found in ``line``."""

    line: int
    loc: str = ""
    lastmod: str = ""
    alternates: list[tuple[str, str]] = field(default_factory=list)
    is_sitemap: bool = False


class _Stop(Exception):
    """Nothing further can or shall be read; the text says why."""


def read_xml(pieces: Iterator[str], take: Callable[[Item], None], faults: Faults) -> XmlKind:
    """Hands every item to ``take`` until the file ends or breaks."""
    reader = _Reader(take, faults)
    try:
        reader.read(pieces)
    except expat.ExpatError as error:
        faults.add(f"line {error.lineno}, column {error.offset + 1}: {expat.ErrorString(error.code)}")
    except _Stop as stop:
        faults.add(f"line {reader.line}: {stop}")
    reader.finish()
    return reader.kind


class _Reader:
    """Handlers of one file's events."""

    def __init__(self, take: Callable[[Item], None], faults: Faults) -> None:
        self.kind: XmlKind = "unknown"
        self._take = take
        self._faults = faults
        self._depth = 0
        self._elements = 0
        self._items = 0
        self._names: set[str] = set()
        self._prefix = ""
        self._item_depth = 2
        self._item: Item | None = None
        self._field = ""
        self._text: list[str] = []
        self._length = 0
        self._parser = expat.ParserCreate("utf-8", intern=None)
        self._parser.buffer_text = True
        self._parser.ordered_attributes = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype

    @property
    def line(self) -> int:
        return self._parser.CurrentLineNumber

    def read(self, pieces: Iterator[str]) -> None:
        fed = 0
        for piece in pieces:
            data = piece.encode()
            fed += len(data)
            self._parser.Parse(data, False)  # noqa: FBT003 - takes no keywords
            if fed - self._parser.CurrentByteIndex > MAX_TOKEN + len(data):
                raise _Stop(f"a tag or comment of more than {MAX_TOKEN:,} bytes")
        self._parser.Parse(b"", True)  # noqa: FBT003 - takes no keywords

    def finish(self) -> None:
        """Takes the item that the file breaks off in, where its address is complete."""
        if self._item is not None and self._item.loc:
            self._take(self._item)

    def _doctype(self, name: str, *_: object) -> None:
        if name.lower() == "html":
            raise _Stop("an HTML page, not a sitemap")
        raise _Stop("has a document type, which is not read")

    def _start(self, name: str, attributes: list[str]) -> None:
        self._depth += 1
        self._elements += 1
        self._names.add(name)
        if attributes:
            self._names.update(attributes[::2])
        if self._elements > MAX_ELEMENTS or len(self._names) > MAX_NAMES or self._depth > MAX_DEPTH:
            raise _Stop(self._excess())
        depth = self._depth - self._item_depth
        if depth > 1:
            return
        prefix, _, local = name.rpartition(":")
        if self._depth == 1:
            self._root(prefix, local, attributes)
        elif depth == 0:
            if prefix == self._prefix:
                self._begin(local)
        elif self._item is not None:
            self._inside(self._item, prefix, local, attributes)

    def _excess(self) -> str:
        if self._elements > MAX_ELEMENTS:
            return f"more than {MAX_ELEMENTS:,} elements"
        if len(self._names) > MAX_NAMES:
            return f"more than {MAX_NAMES:,} names of elements and attributes"
        return f"nested more than {MAX_DEPTH} deep"

    def _root(self, prefix: str, local: str, attributes: list[str]) -> None:
        kind = _KINDS.get(local)
        if kind is None:
            raise _Stop(f"root element {printable(local, _MAX_SHOWN)}: not a sitemap")
        self.kind, self._prefix = kind, prefix
        if kind == "rss":
            self._item_depth = 3
        elif kind != "atom":
            self._check_namespace(_named(attributes).get(f"xmlns:{prefix}" if prefix else "xmlns"))

    def _check_namespace(self, namespace: str | None) -> None:
        if namespace is None:
            self._faults.add(f"no namespace: expected {_NAMESPACE}")
        elif namespace != _NAMESPACE:
            self._faults.add(f"namespace {printable(namespace, _MAX_SHOWN)}: expected {_NAMESPACE}")

    def _begin(self, local: str) -> None:
        expected = _ITEMS[self.kind]
        if local not in expected:
            return
        self._items += 1
        if self._items > MAX_ITEMS:
            raise _Stop(f"more than {MAX_ITEMS:,} entries: the rest is not read")
        if local != expected[0]:
            self._faults.add(f"line {self.line}: {local} in a {self.kind}")
        self._item = Item(self.line, is_sitemap=local == "sitemap")

    def _inside(self, item: Item, prefix: str, local: str, attributes: list[str]) -> None:
        name = _FIELDS[self.kind].get(local)
        if name is not None and prefix == self._prefix:
            self._field = name
            self._parser.CharacterDataHandler = self._collect
        elif local == "link":
            self._link(item, _named(attributes))

    def _link(self, item: Item, attributes: dict[str, str]) -> None:
        href, lang = attributes.get("href", ""), attributes.get("hreflang")
        is_alternate = "alternate" in attributes.get("rel", "alternate" if self.kind == "atom" else "").lower().split()
        if not is_alternate:
            return
        if self.kind == "atom":
            item.loc = item.loc or href
        elif self.kind == "urlset" and lang is not None:
            if len(item.alternates) < MAX_ALTERNATES:
                item.alternates.append((lang, href))
            else:
                self._faults.add(f"line {self.line}: more than {MAX_ALTERNATES:,} alternates")

    def _collect(self, text: str) -> None:
        if self._length < MAX_FIELD:
            self._text.append(text)
            self._length += len(text)

    def _end(self, _: str) -> None:
        depth = self._depth - self._item_depth
        self._depth -= 1
        if self._item is None or depth > 1:
            return
        if depth == 0:
            self._take(self._item)
            self._item = None
        elif self._field:
            self._close_field(self._item)

    def _close_field(self, item: Item) -> None:
        text = "".join(self._text).strip()
        if not getattr(item, self._field):
            setattr(item, self._field, text)
        elif self._field == "loc":
            self._faults.add(f"line {self.line}: a second address in one entry")
        self._parser.CharacterDataHandler = None
        self._field, self._text, self._length = "", [], 0


def _named(attributes: list[str]) -> dict[str, str]:
    return dict(zip(attributes[::2], attributes[1::2], strict=True))
