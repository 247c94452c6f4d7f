"""The facts of a page."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class HeadText:
    """Text of a head element; ``in_head`` is False where HTML tree building put it into the body."""

    text: str
    in_head: bool = True


@dataclass(frozen=True, slots=True)
class Robots:
    """One robots meta tag or X-Robots-Tag value: directives in lower case, for ``agent`` (``robots`` = all)."""

    agent: str
    directives: tuple[str, ...]
    source: Literal["meta", "header"] = "meta"
    in_head: bool = True


@dataclass(frozen=True, slots=True)
class Canonical:
    """A canonical as written and as resolved (None where it is no address).

    ``ignored_for`` names the attribute for which search engines ignore it; empty where they do not.
    """

    href: str
    url: str | None
    source: Literal["html", "header"] = "html"
    in_head: bool = True
    ignored_for: str = ""


@dataclass(frozen=True, slots=True)
class Hreflang:
    lang: str
    href: str
    url: str | None
    source: Literal["html", "header"] = "html"
    in_head: bool = True


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """An img element.

    Attributes:
        src: as written; None where absent.
        url: resolved ``src``.
        alt: None where the attribute is missing.
        width: attribute as written.
        needs_alt: False for role=presentation/none, aria-hidden, 1×1 and hidden subtrees.
    """

    src: str | None
    url: str | None
    alt: str | None
    srcset: str | None = None
    width: str | None = None
    height: str | None = None
    loading: str | None = None
    needs_alt: bool = True


Position = Literal["nav", "header", "main", "aside", "footer", "body"]


@dataclass(frozen=True, slots=True)
class Link:
    """An a or area element with an address or a click handler.

    Attributes:
        href: as written; None where absent.
        url: resolved, without fragment; None where it is no address.
        text: visible text with the alt of images inside, white space folded.
        rel: attribute in lower case.
        position: nearest landmark around it; ``body`` where there is none.
        internal: same host as the page.
        scripted: has a click handler or a client-side routing attribute.
        role: attribute in lower case.
    """

    href: str | None
    url: str | None
    text: str
    rel: str = ""
    position: Position = "body"
    internal: bool = False
    scripted: bool = False
    role: str = ""

    @property
    def nofollow(self) -> bool:
        return "nofollow" in self.rel.split()


ResourceKind = Literal["script", "style", "iframe", "image", "audio", "video", "form", "object"]


@dataclass(frozen=True, slots=True)
class Resource:
    """What the page loads, or where a form sends its data; ``url`` resolved."""

    kind: ResourceKind
    url: str


@dataclass(frozen=True, slots=True)
class StructuredData:
    """One JSON-LD block, microdata item or RDFa node.

    Attributes:
        types: its types, for JSON-LD those of all nodes in the block.
        data: the JSON-LD block as JSON text; of a broken one the text as found, at most 64 KiB.
        errors: why it cannot be read; empty where it can.
    """

    format: Literal["json-ld", "microdata", "rdfa"]
    types: tuple[str, ...] = ()
    data: str | None = None
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetaRefresh:
    """A meta refresh or Refresh header; ``delay`` in seconds, ``url`` None where it reloads the page."""

    delay: float
    url: str | None
    source: Literal["meta", "header"] = "meta"


PageType = Literal["article", "product", "other", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The facts of a successful HTML response, in document order.

    Attributes:
        url: final address. ``requested_url``: address asked for.
        base_url: what relative addresses resolve against (the base element obeyed).
        titles: every title element outside svg.
        robots: meta robots, per agent, and X-Robots-Tag.
        canonicals: all but ``ignored_canonicals``, which are ignored for an attribute.
        lang: of the html element; in XHTML its xml:lang.
        charset_header, charset_bom, charset_meta, charset_xml: labels as declared; None where absent. Meta element and
            XML declaration only count within the first 1,024 bytes.
        encoding: WHATWG name it was decoded with.
        charset_errors: the bytes are not valid in ``encoding``.
        viewport: the last one, which browsers obey.
        head_broken_by: name of the element (or ``text``) that ended head before other metadata.
        text: visible text. main_text: the same without nav, header, footer and aside.
        word_count: words of ``main_text``; scripts without spaces count two characters a word.
        cjk_count: characters of ``main_text`` in scripts written without spaces.
        minhash: 128 × uint32 over 5-word shingles of ``main_text``; empty where it has fewer than 5 words.
        title_px, description_px: width in Arial of the first one, pixels (20 px and 14 px); 0 where absent.
        html_length: decoded body, bytes.
        content_hash: of ``main_text`` with white space folded, 16 hex digits.
        cut: kinds of facts that the page has more of than are kept.
    """

    url: str
    requested_url: str
    status: int = 200
    base_url: str = ""
    titles: tuple[HeadText, ...] = ()
    meta_descriptions: tuple[HeadText, ...] = ()
    meta_keywords: str | None = None
    robots: tuple[Robots, ...] = ()
    canonicals: tuple[Canonical, ...] = ()
    ignored_canonicals: tuple[Canonical, ...] = ()
    hreflang: tuple[Hreflang, ...] = ()
    headings: tuple[Heading, ...] = ()
    images: tuple[Image, ...] = ()
    links: tuple[Link, ...] = ()
    lang: str | None = None
    doctype: str | None = None
    encoding: str | None = None
    charset_header: str | None = None
    charset_bom: str | None = None
    charset_meta: str | None = None
    charset_xml: str | None = None
    charset_errors: bool = False
    viewport: str | None = None
    meta_refresh: MetaRefresh | None = None
    open_graph: tuple[tuple[str, str], ...] = ()
    twitter: tuple[tuple[str, str], ...] = ()
    structured_data: tuple[StructuredData, ...] = ()
    resources: tuple[Resource, ...] = ()
    head_broken_by: str | None = None
    text: str = ""
    main_text: str = ""
    word_count: int = 0
    cjk_count: int = 0
    page_type: PageType = "unknown"
    minhash: tuple[int, ...] = ()
    title_px: int = 0
    description_px: int = 0
    html_length: int = 0
    content_hash: str = ""
    cut: tuple[str, ...] = ()

    @property
    def title(self) -> str | None:
        """The title a browser shows."""
        return self.titles[0].text if self.titles else None

    @property
    def meta_description(self) -> str | None:
        return self.meta_descriptions[0].text if self.meta_descriptions else None

    def h1(self) -> list[str]:
        """Texts of the non-empty h1 elements."""
        return [heading.text for heading in self.headings if heading.level == 1 and heading.text]
