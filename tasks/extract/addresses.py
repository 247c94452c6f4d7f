"""Addresses of one page, each resolved once however often it is written."""

import re

from tasks import urls
from tasks.extract import limits, queries

_PLAIN = re.compile(
    r"""(?P<start>https?://[A-Za-z0-9.:-]++/|/|(?:\.\./)*+)
        (?P<rest>(?!\?)
            (?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]*+/)*+(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]*+)?+
            (?:\?[A-Za-z0-9_.~:/,;=&%+-]*+)?+)""",
    re.VERBOSE,
)
"""Where to start, and a path below that the URL parser takes over letter by letter: no escape, no dot segment.
Nearly all links are such; joining them here costs a tenth."""

Target = tuple[str | None, bool]
"""What is fetched, and whether it is internal."""


class Addresses:
    """What hrefs on a page mean; their queries are written in its ``encoding``.

    Attributes:
        base: what relative addresses resolve against.
    """

    def __init__(self, page_url: str, base_href: str | None, encoding: str | None = None) -> None:
        self._page_host = urls.host(page_url)
        self._page_origin = "/".join(page_url.split("/", 3)[:3]) + "/"
        base = urls.resolve(page_url, base_href) if base_href is not None else None
        # the standard ignores such a base: https://html.spec.whatwg.org/#set-the-frozen-base-url
        usable = base is not None and not base.startswith(("data:", "javascript:"))
        self.base = base if base is not None and usable else page_url
        self._encode = queries.encoder(encoding)
        self._is_http = urls.is_http(self.base)
        self._starts: dict[str, Target] = {}
        self._targets: dict[str, Target] = {}

    def resolve(self, href: str) -> str | None:
        """The absolute address with its fragment; None where ``href`` means none or is cut."""
        if "#" not in href:
            return self.target(href)[0]
        return self._joined(href)

    def address(self, href: str) -> str | None:
        """The same without fragment: what is fetched."""
        return self.target(href)[0]

    def target(self, href: str) -> Target:
        """The same, and whether it is internal."""
        known = self._targets.get(href)
        if known is None:
            known = self._targets[href] = self._target(href)
        return known

    def is_internal(self, url: str | None) -> bool:
        """True for an http(s) address on the host of the page, whatever scheme and port."""
        if url is None:
            return False
        return url.startswith(self._page_origin) or (urls.is_http(url) and urls.host(url) == self._page_host)

    def _target(self, href: str) -> Target:
        path, mark, _ = href.partition("#")
        if mark and not path:
            return self.target("")
        plain = _PLAIN.fullmatch(path) if path and self._is_http and len(path) < limits.VALUE else None
        if plain is None:
            return self._parsed(href)
        start, rest = plain.groups()
        known = self._starts.get(start)
        if known is None:
            known = self._starts[start] = self._parsed(start or ".")
        folder, internal = known
        return (folder + rest, internal) if folder is not None else known

    def _parsed(self, href: str) -> Target:
        resolved = self._joined(href)
        url = urls.address(resolved) if resolved is not None else None
        return url, self.is_internal(url)

    def _joined(self, href: str) -> str | None:
        if len(href) >= limits.VALUE:
            return None
        url = urls.resolve(self.base, href)
        if self._encode is None or href.isascii() or not urls.is_http(url):
            return url
        return urls.resolve(self.base, queries.encoded(href, self._encode))
