"""Canonicals and language versions, from link elements and the Link header."""

from collections.abc import Collection, Iterable, Iterator

from tasks import urls
from tasks.extract import limits, link_header
from tasks.extract.addresses import Addresses
from tasks.extract.found import HeadElement, keyword, written
from tasks.extract.link_header import HeaderLink
from tasks.model import Canonical, Hreflang, Response

_OF_VERSIONS = ("hreflang", "lang", "media", "type")
"""With one of these Google takes a canonical for a version of the page, and ignores it."""

_FEEDS = ("application/rss+xml", "application/atom+xml")
"""With one of these types an alternate is no version of the page: https://html.spec.whatwg.org/#rel-alternate."""


def header_links(response: Response) -> list[HeaderLink]:
    """The Link header's links that speak of this page, not of the one an anchor parameter names."""
    return [
        link
        for value in response.header_values("link")
        for link in link_header.parse(value)
        if link.anchor is None or _is_here(response.url, link.anchor)
    ]


def _is_here(page_url: str, anchor: str) -> bool:
    resolved = urls.resolve(page_url, anchor)
    return resolved is not None and urls.address(resolved) == urls.address(page_url)


def canonicals(
    elements: Iterable[HeadElement], header: Iterable[HeaderLink], page_url: str, addresses: Addresses
) -> Iterator[Canonical]:
    for element in elements:
        if "canonical" in keyword(element.attributes, "rel").split():
            href = (written(element.attributes, "href") or "").strip()
            url = addresses.resolve(href) if href else None
            yield Canonical(href, url, "html", element.in_head, _ignored_for(element.attributes))
    for link in header:
        if "canonical" in link.rel:
            url = _from_header(page_url, link.href)
            yield Canonical(link.href[: limits.VALUE], url, "header", ignored_for=_ignored_for(link.parameters))


def _ignored_for(attributes: Collection[str]) -> str:
    return next((name for name in _OF_VERSIONS if name in attributes), "")


def hreflang(
    elements: Iterable[HeadElement], header: Iterable[HeaderLink], page_url: str, addresses: Addresses
) -> Iterator[Hreflang]:
    for element in elements:
        lang = written(element.attributes, "hreflang")
        if lang is not None and _is_version(element):
            href = (written(element.attributes, "href") or "").strip()
            url = addresses.resolve(href) if href else None
            yield Hreflang(lang.strip(), href, url, "html", element.in_head)
    for link in header:
        if "alternate" in link.rel:
            url = _from_header(page_url, link.href)
            for lang in link.hreflang:
                yield Hreflang(lang.strip(), link.href[: limits.VALUE], url, "header")


def _is_version(element: HeadElement) -> bool:
    alternate = "alternate" in keyword(element.attributes, "rel").split()
    return alternate and not keyword(element.attributes, "type").startswith(_FEEDS)


def _from_header(page_url: str, href: str) -> str | None:
    """A header's addresses are relative to the response, whatever base element the page holds."""
    return urls.resolve(page_url, href) if 0 < len(href) < limits.VALUE else None
