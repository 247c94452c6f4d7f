"""A response becomes a page: the facts, nothing judged."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from selectolax.lexbor import LexborHTMLParser

from tasks.extract import arial, labels, limits, refresh, relations, robots
from tasks.extract.addresses import Addresses
from tasks.extract.found import Found, FoundImage, FoundLink, HeadElement, keyword, written
from tasks.extract.head import broken_by
from tasks.extract.metas import Metas
from tasks.extract.structured import page_type
from tasks.extract.text import content_hash, minhash, words
from tasks.extract.walk import walk
from tasks.model import Heading, Image, Link, MetaRefresh, Page, Resource, ResourceKind, Response, Robots
from tasks.urls import resolve

_TITLE_SIZE = 20
_DESCRIPTION_SIZE = 14
_DATA_URL = 100
"""Characters kept of a data: URL."""

_NOT_LOADED = ("data:", "blob:", "javascript:", "about:")
_OPEN_GRAPH = ("og:", "article:", "product:", "book:", "profile:", "music:", "video:", "fb:")


def extract(response: Response) -> Page:
    """The facts of a successful HTML response.

    ``response.text`` is read; where it is None the body counts as UTF-8. Never raises for what a page holds; a page
    made to be slow is for ``tasks.extract.apart``.
    """
    decoded = response.text if response.text is not None else response.body.decode("utf-8", "replace")
    encoding = response.encoding or ("utf-8" if response.text is None else None)
    tree = LexborHTMLParser(decoded.encode("utf-8", "replace").replace(b"\0", b""))
    found = walk(tree)
    addresses = Addresses(response.url, found.base, encoding)
    metas = Metas(found.metas)
    header_links = relations.header_links(response)
    canonicals = list(relations.canonicals(found.head_links, header_links, response.url, addresses))
    text, main_text = found.texts()
    links = _within_limits(found, text, addresses)
    counted = words(main_text)
    descriptions = metas.texts("description")
    open_graph = metas.properties(_OPEN_GRAPH)
    return Page(
        url=response.url,
        requested_url=response.requested_url,
        status=response.status,
        base_url=addresses.base,
        titles=tuple(found.titles),
        meta_descriptions=descriptions,
        meta_keywords=metas.first("keywords"),
        robots=tuple(_robots(chain(metas.robots(), _header_robots(response)), found)),
        canonicals=tuple(canonical for canonical in canonicals if not canonical.ignored_for),
        ignored_canonicals=tuple(canonical for canonical in canonicals if canonical.ignored_for),
        hreflang=tuple(relations.hreflang(found.head_links, header_links, response.url, addresses)),
        headings=tuple(Heading(heading.level, heading.text) for heading in found.headings),
        images=tuple(_image(image, addresses) for image in found.images),
        links=tuple(linked(links, addresses)),
        lang=_lang(tree, response.mime),
        doctype=_doctype(tree),
        encoding=encoding,
        charset_header=labels.from_header(response.header("content-type")),
        charset_bom=labels.from_bom(response.body),
        charset_meta=labels.from_meta(response.body),
        charset_xml=labels.from_xml(response.body),
        charset_errors=labels.has_errors(decoded, response.body, encoding),
        viewport=metas.viewport(),
        meta_refresh=_header_refresh(response) or metas.refresh(response.url, addresses),
        open_graph=open_graph,
        twitter=metas.properties(("twitter:",)),
        structured_data=tuple(found.structured_data),
        resources=_resources([*found.resources, *_loaded(found.head_links)], addresses),
        head_broken_by=broken_by(decoded, found.titles, [*found.metas, *found.head_links]),
        text=text,
        main_text=main_text,
        word_count=counted.count,
        cjk_count=counted.spaceless,
        page_type=page_type(found.structured_data, open_graph),
        minhash=minhash(counted.tokens),
        title_px=arial.pixels(found.titles[0].text, _TITLE_SIZE) if found.titles else 0,
        description_px=arial.pixels(descriptions[0].text, _DESCRIPTION_SIZE) if descriptions else 0,
        html_length=len(response.body),
        content_hash=content_hash(main_text),
        cut=tuple(sorted(found.beyond)),
    )


def _within_limits(found: Found, text: str, addresses: Addresses) -> Sequence[FoundLink]:
    """The links that are kept; what is cut here is noted."""
    if len(text) >= limits.TEXT:
        found.beyond.add("text")
    most = limits.ADDRESSES // len(addresses.base)
    if len(found.links) <= most:
        return found.links
    found.beyond.add("links")
    return found.links[:most]


def linked(links: Iterable[FoundLink], addresses: Addresses) -> Iterator[Link]:
    for link in links:
        href = link.href
        url, internal = addresses.target(href) if href is not None else (None, False)
        yield link.finished(url, internal)


def _image(image: FoundImage, addresses: Addresses) -> Image:
    src = image.src
    if src is not None and src[:5].lower() == "data:":
        return image.finished(src[:_DATA_URL], None)  # the picture itself: no address, and up to megabytes
    return image.finished(src, addresses.resolve(src) if src and not src.isspace() else None)


def _loaded(head_links: Iterable[HeadElement]) -> Iterator[tuple[ResourceKind, str]]:
    for element in head_links:
        href = written(element.attributes, "href")
        rel = keyword(element.attributes, "rel").split()
        if href and "stylesheet" in rel:
            yield "style", href
        elif href and "icon" in rel:
            yield "image", href


def _resources(written_ones: Iterable[tuple[ResourceKind, str]], addresses: Addresses) -> tuple[Resource, ...]:
    """Each once; what is part of the page itself (data:, blob:, javascript:) is not loaded."""
    distinct = dict.fromkeys((kind, addresses.address(href)) for kind, href in written_ones)
    return tuple(Resource(kind, url) for kind, url in distinct if url is not None and not url.startswith(_NOT_LOADED))


def _lang(tree: LexborHTMLParser, mime: str) -> str | None:
    attributes = tree.root.attributes if tree.root is not None else {}
    lang = written(attributes, "xml:lang") if mime == "application/xhtml+xml" else None
    lang = written(attributes, "lang") if lang is None else lang
    return lang.strip() if lang is not None else None


def _doctype(tree: LexborHTMLParser) -> str | None:
    """``html``, and the public and system identifiers of older ones; None without doctype."""
    node = tree.root.prev if tree.root is not None else None
    while node is not None and node.tag != "-doctype":
        node = node.prev
    if node is None:
        return None
    return (node.html_pretty(full_doctype=True) or "").strip()[len("<!doctype ") : -1][: limits.VALUE]


def _robots(stated: Iterable[Robots], found: Found) -> Iterator[Robots]:
    """Those within the limit; what is cut is noted."""
    left = limits.DIRECTIVES
    for one in stated:
        yield replace(one, directives=one.directives[:left])
        left -= len(one.directives)
        if left < 0:
            found.beyond.add("robots-directives")
            return


def _header_robots(response: Response) -> Iterator[Robots]:
    for value in response.header_values("x-robots-tag"):
        yield from robots.header(value)


def _header_refresh(response: Response) -> MetaRefresh | None:
    """A browser reads the header first and then no meta element."""
    value = response.header("refresh")
    return refresh.parse(value, response.url, partial(resolve, response.url), "header") if value is not None else None
