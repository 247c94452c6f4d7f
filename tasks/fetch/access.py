"""What a site wants to be shown, to whom it is shown, and the proxy that requests go through."""

from dataclasses import dataclass, field

HIDDEN = "…"
MIN_HIDDEN = 8
"""Characters of a secret that is looked for in what a server says: a shorter one may be any word."""


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
                text = text.replace(secret, HIDDEN)
        return text


NO_ACCESS = Access()
