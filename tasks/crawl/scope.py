"""How far a crawl goes from its start."""

from dataclasses import dataclass, field
from enum import StrEnum

from tasks.urls import registrable_domain, same_domain, same_site


class ScopeKind(StrEnum):
    """How much of a site around the start URL belongs to a crawl."""

    FOLDER = "folder"
    HOST = "host"
    DOMAIN = "domain"


class UrlPattern:
    """A part of an address: ``*`` stands for any characters, a ``$`` at the end for the end of the address.

    ``/tag/`` matches every address that contains it, ``https://example.com/*.pdf$`` every PDF file of that host.
    Letter case counts.
    """

    __slots__ = ("_at_end", "_parts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._at_end = text.endswith("$")
        self._parts = text.removesuffix("$").split("*")

    def matches(self, url: str) -> bool:
        """Takes time linear in the length of ``url``: leftmost matches of the parts suffice."""
        at = 0
        for part in self._parts[:-1]:
            found = url.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        last = self._parts[-1]
        return url.endswith(last, at) if self._at_end else url.find(last, at) >= 0


@dataclass(frozen=True, slots=True)
class Scope:
    """Which addresses a crawl fetches.

    Scheme does not count; the port does, but for the two default ones. The start URL always belongs.

    Attributes:
        kind: ``folder`` is the start URL's host and path up to its last slash, ``host`` its host, ``domain`` its
            registrable domain with all subdomains.
        start_url: absolute, as the URL standard writes it and without fragment, like all addresses asked about.
        include: patterns (``UrlPattern``), one of which must match; none for no such demand.
        exclude: patterns, none of which may match.
    """

    kind: ScopeKind
    start_url: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    _bases: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _included: tuple[UrlPattern, ...] = field(init=False, repr=False, compare=False)
    _excluded: tuple[UrlPattern, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", ScopeKind(self.kind))
        object.__setattr__(self, "_bases", _bases(self.kind, self.start_url))
        object.__setattr__(self, "_included", tuple(map(UrlPattern, self.include)))
        object.__setattr__(self, "_excluded", tuple(map(UrlPattern, self.exclude)))

    def contains(self, url: str) -> bool:
        """Whether ``url`` is fetched by the crawl."""
        return (self.covers(url) and self._selects(url)) or url == self.start_url

    def covers(self, url: str) -> bool:
        """Whether ``url`` lies in the folder, host or domain, whatever the patterns say."""
        if self.kind is ScopeKind.DOMAIN:
            return _domain_and_port(url) == self._bases
        return url.startswith(self._bases)

    def is_internal(self, source: str, target: str) -> bool:
        """Whether a link stays on its site: on the host of ``source``, or on its registrable domain for ``domain``."""
        return same_domain(source, target) if self.kind is ScopeKind.DOMAIN else same_site(source, target)

    def _selects(self, url: str) -> bool:
        if self._included and not any(pattern.matches(url) for pattern in self._included):
            return False
        return not any(pattern.matches(url) for pattern in self._excluded)


def _bases(kind: ScopeKind, start_url: str) -> tuple[str, ...]:
    """What addresses in scope begin with; for ``domain`` its registrable domain and port."""
    if kind is ScopeKind.DOMAIN:
        return _domain_and_port(start_url)
    authority, path = _split(start_url)
    folder = path.partition("?")[0].rpartition("/")[0] if kind is ScopeKind.FOLDER else ""
    return tuple(f"{scheme}://{authority}{folder}/" for scheme in ("http", "https"))


def _domain_and_port(url: str) -> tuple[str, str]:
    authority, _ = _split(url)
    name, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        name, port = authority, ""
    return registrable_domain(name.strip("[]")), port


def _split(url: str) -> tuple[str, str]:
    """Authority and the rest of an address, which begins with a slash."""
    authority, slash, rest = url.partition("://")[2].partition("/")
    return authority, f"{slash}{rest}"
