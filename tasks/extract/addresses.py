"""Addresses of one page, each resolved once however often it is written."""

import re

from tasks import urls
from tasks.extract import limits

_BESIDE = re.compile(r"(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]*+/)*+(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]*+)?+")
"""A path below the base's folder that the URL parser takes over letter by letter: no scheme, no escape, no dot segment.
Most links are; joining them here costs a tenth."""


class Addresses:
    """What hrefs on a page mean.

    Attributes:
        base: what relative addresses resolve against.
    """

    def __init__(self, page_url: str, base_href: str | None) -> None:
        self._page_host = urls.host(page_url)
        self._page_origin = "/".join(page_url.split("/", 3)[:3]) + "/"
        base = urls.resolve(page_url, base_href) if base_href is not None else None
        # the standard ignores such a base: https://html.spec.whatwg.org/#set-the-frozen-base-url
        usable = base is not None and not base.startswith(("data:", "javascript:"))
        self.base = base if base is not None and usable else page_url
        self._folder = urls.resolve(self.base, ".") if urls.is_http(self.base) else None
        own = urls.resolve(self.base, "")
        self._own = urls.address(own) if own is not None else None
        self._resolved: dict[str, str | None] = {}
        self._internal: dict[str, bool] = {}

    def resolve(self, href: str) -> str | None:
        """The absolute address with its fragment; None where ``href`` means none or is cut."""
        try:
            return self._resolved[href]
        except KeyError:
            pass
        resolved: str | None
        if len(href) >= limits.VALUE:
            resolved = None
        elif href and self._folder is not None and _BESIDE.fullmatch(href):
            resolved = self._folder + href
        else:
            resolved = urls.resolve(self.base, href)
        self._resolved[href] = resolved
        return resolved

    def address(self, href: str) -> str | None:
        """The same without fragment: what is fetched."""
        start, mark, _ = href.partition("#")
        if not mark:
            return self.resolve(href)
        if not start:
            return self._own
        if _BESIDE.fullmatch(start):
            return self.resolve(start)
        resolved = self.resolve(href)
        return urls.address(resolved) if resolved is not None else None

    def is_internal(self, url: str | None) -> bool:
        """True for an http(s) address on the host of the page, whatever scheme and port."""
        if url is None:
            return False
        if url.startswith(self._page_origin):
            return True
        known = self._internal.get(url)
        if known is None:
            known = self._internal[url] = urls.is_http(url) and urls.host(url) == self._page_host
        return known
