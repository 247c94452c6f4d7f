"""What a request brought."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tasks.model.states import Reason

_SNIFFED_BYTES = 1445
_HTML = re.compile(
    rb"""[\t\n\f\r ]*+<(?:!--|
        (?:!doctype\ html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[ >])""",
    re.IGNORECASE | re.VERBOSE,
)
"""https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type"""


@dataclass(frozen=True, slots=True)
class Hop:
    """One redirect that was observed: ``url`` answered ``status`` and named ``location`` as written."""

    url: str
    status: int
    location: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete answer, decoded.

    Attributes:
        url: address that gave this answer, after redirects.
        status: HTTP status of this answer.
        headers: (lower-case name, value) in order; at most 100 and 64 KiB are kept.
        body: content after undoing Content-Encoding, bytes.
        text: characters of a textual body; None where the body is not text.
        encoding: WHATWG name of the encoding ``text`` was decoded with.
        hops: the redirects before this answer, first to last.
        wire_bytes: length of the body as transferred.
        ttfb_ms: from request sent to first byte of the last answer, milliseconds.
        elapsed_ms: whole fetch with redirects, milliseconds.
        tries: how many times this page has been fetched in this run, this one included.
    """

    url: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    text: str | None = None
    encoding: str | None = None
    hops: tuple[Hop, ...] = ()
    wire_bytes: int | None = None
    ttfb_ms: float | None = None
    elapsed_ms: float | None = None
    fetched_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    tries: int = 1

    @property
    def requested_url(self) -> str:
        return self.hops[0].url if self.hops else self.url

    def header(self, name: str) -> str | None:
        """First value of the header ``name`` (lower case)."""
        return next((value for key, value in self.headers if key == name), None)

    def header_values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def mime(self) -> str:
        """Media type without parameters, lower case; empty where none is declared."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def is_html(self) -> bool:
        """Declared as HTML or XHTML, or undeclared and taken for it by browsers."""
        if self.mime:
            return self.mime in {"text/html", "application/xhtml+xml"}
        return _HTML.match(self.body, 0, _SNIFFED_BYTES) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailure:
    """No complete answer.

    Attributes:
        url: address that failed, after the redirects in ``hops``.
        reason: the class of failure.
        detail: one line for people, without addresses of ours, secrets or control characters.
        status: HTTP status where headers still arrived (a truncated or too large body).
        mime: declared media type where headers still arrived.
        received: decoded bytes of the body that had arrived, or the length announced where that alone was too large;
            None where no body began.
    """

    url: str
    reason: Reason
    detail: str = ""
    status: int | None = None
    mime: str = ""
    received: int | None = None
    hops: tuple[Hop, ...] = ()
    elapsed_ms: float | None = None
    fetched_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    tries: int = 1

    @property
    def requested_url(self) -> str:
        return self.hops[0].url if self.hops else self.url


Answer = Response | FetchFailure
