"""Which element ended head too early: https://developers.google.com/search/docs/crawling-indexing/valid-page-metadata.

The tree tells what landed in body, not what the author meant. That is in the source: whatever may not stand in head
and comes before metadata, with neither ``</head>`` nor ``<body>`` in between, broke it.
"""

import re
from collections.abc import Iterable
from itertools import islice

from tasks.extract.found import HeadElement, keyword
from tasks.model import HeadText

_TOKENS = 1_000
_TOKEN_LENGTH = 8_192
"""Longer ones are read in parts: an open quotation mark must not cost a look at all the rest for each tag."""

_TOKEN = re.compile(
    r"""[\t\n\f\r\ ]*(?:
        <!--(?P<comment>)
      | <[!?][^>]*>?
      | <(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*)(?P<attributes>(?:[^>"']|"[^"]*"|'[^']*')*+)>
      | (?P<text>[^<]+|<)
    )""",
    re.VERBOSE,
)
_RAW = frozenset({"title", "script", "style", "noframes", "template", "textarea", "xmp", "iframe", "noembed", "svg"})
_IN_HEAD = frozenset(
    {"base", "basefont", "bgsound", "link", "meta", *_RAW - {"textarea", "xmp", "iframe", "noembed", "svg"}}
)
_IN_HEAD_NOSCRIPT = frozenset({"basefont", "bgsound", "link", "meta", "noframes", "style"})
_LOADED = frozenset({"stylesheet", "preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch"})
"""Links that are allowed in body."""


def is_metadata(element: HeadElement) -> bool:
    """False for what HTML allows in body: microdata properties and links that load something."""
    attributes = element.attributes
    return "itemprop" not in attributes and _LOADED.isdisjoint(keyword(attributes, "rel").split())


def broken_by(source: str, titles: Iterable[HeadText], elements: Iterable[HeadElement]) -> str | None:
    """Name of the element, or ``text``, that ended head before metadata; None where head is whole."""
    strayed = any(not title.in_head for title in titles) or any(
        not element.in_head and is_metadata(element) for element in elements
    )
    return _first_stranger(source.replace("\0", "")) if strayed else None


def _first_stranger(source: str) -> str | None:
    stranger: str | None = None
    in_noscript = False
    for kind, attributes in islice(_tokens(source), _TOKENS):
        if kind in {"/head", "body", "/html", "/body"}:
            return None
        if kind == "noscript":
            in_noscript = True
        elif kind == "/noscript":
            in_noscript = False
        elif stranger is not None:
            if kind in {"title", "base"} or (kind in {"meta", "link"} and _declares(attributes)):
                return stranger
        elif in_noscript:
            if kind not in _IN_HEAD_NOSCRIPT and not kind.startswith("/"):
                stranger = "noscript"
        elif kind not in _IN_HEAD and kind not in {"html", "head"} and not kind.startswith("/"):
            stranger = kind
    return None


def _declares(attributes: str) -> bool:
    attributes = attributes.lower()
    return "itemprop" not in attributes and not any(rel in attributes for rel in _LOADED)


def _tokens(source: str) -> Iterable[tuple[str, str]]:
    """Tags as (name or /name, attributes as written) and text as ("text", ""); white space and comments left out."""
    position = 0
    while (found := _TOKEN.match(source, position, position + _TOKEN_LENGTH)) is not None:
        position = found.end()
        name = (found["name"] or "").lower()
        if found["comment"] is not None:
            position = _after(source, "-->", position)
        elif name:
            yield (found["end"] or "") + name, found["attributes"]
            if name in _RAW and not found["end"]:
                end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(source, position)
                position = end.start() if end else len(source)
        elif found["text"] is not None:
            yield "text", ""


def _after(source: str, mark: str, position: int) -> int:
    found = source.find(mark, position)
    return len(source) if found < 0 else found + len(mark)
