"""What a page leads a crawl to."""

from collections.abc import Iterator

from tasks.audit.indexability import canonical_target
from tasks.model import Page
from tasks.store import EarlierPage, FoundBy
from tasks.urls import address, is_http


def leads(page: Page | EarlierPage) -> Iterator[tuple[FoundBy, str]]:
    """Addresses that the page names, and as what: links first, then what search engines look at besides."""
    if isinstance(page, EarlierPage):
        yield from (("link", url) for url in page.links)
    else:
        yield from (("link", link.url) for link in page.links if link.url is not None)
    if canonical := canonical_target(page):
        yield "canonical", canonical
    for version in page.hreflang:
        if version.url and version.in_head and (url := address(version.url)) != page.url:
            yield "hreflang", url


def refreshed_to(page: Page | EarlierPage) -> str | None:
    """Where a refresh of the page leads, at once or after a while; None where it has none."""
    refresh = page.meta_refresh
    return address(refresh.url) if refresh is not None and is_http(refresh.url) and refresh.url else None
