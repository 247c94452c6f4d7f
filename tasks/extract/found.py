"""What the walk brings home: values as written, nothing resolved or judged."""

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeVar

from tasks.extract import limits
from tasks.extract.text import fold
from tasks.model import HeadText, Image, Link, Position, ResourceKind, StructuredData

Attributes = dict[str, str | None]
"""As selectolax gives them: an empty value is None, an absent attribute is absent."""

FrozenT = TypeVar("FrozenT")

_OF_IMAGES = ("src", "alt", "srcset", "width", "height", "loading")
_HIDDEN_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)


def written(attributes: Attributes, name: str) -> str | None:
    """The attribute as written, at most 10,000 characters; None where absent."""
    if name not in attributes:
        return None
    return (attributes[name] or "")[: limits.VALUE]


def keyword(attributes: Attributes, name: str) -> str:
    """The attribute in lower case without white space around; empty where absent."""
    return (attributes.get(name) or "")[: limits.VALUE].strip().lower()


def hides(attributes: Attributes) -> bool:
    """A popover, the hidden attribute (but not ``until-found``, which is searched) or an inline style that hides."""
    if "popover" in attributes or ("hidden" in attributes and keyword(attributes, "hidden") != "until-found"):
        return True
    style = attributes.get("style")
    return style is not None and _HIDDEN_STYLE.search(style[: limits.VALUE]) is not None


@dataclass(slots=True)
class FoundLink:
    """A ``Link`` in the making, field by field."""

    text_limit: ClassVar = limits.LINK_TEXT

    href: str | None
    url: str | None
    text: str
    rel: str
    position: Position
    internal: bool
    scripted: bool
    role: str

    def finished(self, url: str | None, internal: bool) -> Link:  # noqa: FBT001 - as Link
        self.url = url
        self.internal = internal
        return _frozen(self, Link)


@dataclass(slots=True)
class FoundHeading:
    text_limit: ClassVar = limits.VALUE

    level: int
    text: str = ""


@dataclass(slots=True)
class FoundImage:
    """An ``Image`` in the making, field by field."""

    src: str | None
    url: str | None
    alt: str | None
    srcset: str | None
    width: str | None
    height: str | None
    loading: str | None
    needs_alt: bool

    @classmethod
    def read(cls, attributes: Attributes, *, needs_alt: bool) -> Self:
        src, alt, srcset, width, height, loading = (written(attributes, name) for name in _OF_IMAGES)
        return cls(src, None, alt, srcset, width, height, loading, needs_alt)

    def finished(self, src: str | None, url: str | None) -> Image:
        self.src = src
        self.url = url
        return _frozen(self, Image)


def _frozen(found: object, kind: type[FrozenT]) -> FrozenT:
    """``found`` itself as ``kind``, which has the same fields: to build a frozen one costs four times as much."""
    same: Any = found
    same.__class__ = kind
    frozen: FrozenT = same
    return frozen


@dataclass(frozen=True, slots=True)
class HeadElement:
    """A meta or link element and where tree building put it."""

    attributes: Attributes
    in_head: bool


@dataclass(slots=True)
class Found:
    """Everything found on one page, in document order.

    Attributes:
        base: href of the first base element that has one.
        resources: kind and address as written.
        pieces: visible text, a space where a block begins or ends.
        cuts: ranges of ``pieces`` that are not main text: nav, header, footer and aside, by element or role, wherever
            they stand. Those of an article are cut too: its byline and share buttons are not what it says.
        beyond: what the page has more of than is kept.
    """

    titles: list[HeadText] = field(default_factory=list)
    metas: list[HeadElement] = field(default_factory=list)
    head_links: list[HeadElement] = field(default_factory=list)
    base: str | None = None
    headings: list[FoundHeading] = field(default_factory=list)
    images: list[FoundImage] = field(default_factory=list)
    links: list[FoundLink] = field(default_factory=list)
    resources: list[tuple[ResourceKind, str]] = field(default_factory=list)
    structured_data: list[StructuredData] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    cuts: list[tuple[int, int]] = field(default_factory=list)
    beyond: set[str] = field(default_factory=set)

    def texts(self) -> tuple[str, str]:
        """Visible text and main text, folded."""
        segments: list[str] = []
        main: list[str] = []
        start = 0
        for begin, end in self.cuts:
            main.append(self._segment(start, begin))
            segments += (main[-1], self._segment(begin, end))
            start = end
        main.append(self._segment(start, len(self.pieces)))
        segments.append(main[-1])
        return _assemble(segments), _assemble(main)

    def _segment(self, start: int, end: int) -> str:
        return fold("".join(self.pieces[start:end]), limits.TEXT)


def _assemble(segments: list[str]) -> str:
    return " ".join(filter(None, segments))[: limits.TEXT]
