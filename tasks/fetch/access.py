"""What a site wants to be shown, to whom it is shown, and the proxy that requests go through."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

HIDDEN = "…"
MIN_HIDDEN = 8
"""Characters of a secret that is looked for in what a server says: a shorter one may be any word."""

_ESCAPE = re.compile("%[0-9A-F]{2}")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy at ``at`` (host:port); ``authorization`` is what it is shown, empty for nothing."""

    at: str
    authorization: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials for some origins.

    Attributes:
        origins: scheme, host and port as the URL standard writes them, the default port left out.
        headers: what requests to them carry.
        secrets: what no record may show.
        proxy: what all requests go through, whatever their origin.
    """

    origins: frozenset[str] = frozenset()
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    proxy: Proxy | None = None

    def hidden(self, text: str) -> str:
        """``text`` without the secrets that a server may have repeated in it."""
        for secret in self.secrets:
            if len(secret) >= MIN_HIDDEN:
                for spelling in _spellings(secret):
                    text = text.replace(spelling, HIDDEN)
        return text


@lru_cache(maxsize=256)
def _spellings(secret: str) -> tuple[str, ...]:
    """As it stands in a text, and in an address."""
    escaped = quote(secret, safe="")
    lower = _ESCAPE.sub(lambda found: found[0].lower(), escaped)
    return tuple(dict.fromkeys((secret, escaped, lower)))


NO_ACCESS = Access()
