"""The nouns. What is made by the thousand is a frozen dataclass; none knows Prefect, a client or a file.

Addresses are absolute and as requested on the wire; times are aware UTC; lengths say their unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.urls import host_port

Evidence = dict[str, str | int | float | bool | None]


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Outcome(StrEnum):
    """What one rule says of one page."""

    FAIL = "fail"
    PASS = "pass"  # noqa: S105 - a rule's outcome
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


class PageState(StrEnum):
    """Where one page of a run stands. The last four are terminal."""

    PENDING = "pending"
    LEASED = "leased"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"

    @property
    def terminal(self) -> bool:
        return self not in {PageState.PENDING, PageState.LEASED}


class Reason(StrEnum):
    """Why a page failed or was skipped."""

    DNS = "dns"
    CONNECT_REFUSED = "connect-refused"
    CONNECT_TIMEOUT = "connect-timeout"
    TLS = "tls"
    RESET = "reset"
    READ_TIMEOUT = "read-timeout"
    DEADLINE = "deadline"
    ADDRESS_REFUSED = "address-refused"
    BAD_RESPONSE = "bad-response"
    BAD_URL = "bad-url"
    TRUNCATED = "truncated"
    BAD_ENCODING = "bad-encoding"
    TOO_LARGE = "too-large"
    TOO_MANY_REDIRECTS = "too-many-redirects"
    REDIRECT_LOOP = "redirect-loop"
    INVALID_REDIRECT = "invalid-redirect"
    UNPARSABLE = "unparsable"
    NOT_HTML = "not-html"
    NOT_IMAGE = "not-image"
    LEASES_LOST = "leases-lost"
    BLOCKED_BY_ROBOTS = "blocked-by-robots"
    CRAWL_TRAP = "crawl-trap"
    NOT_FETCHED = "not-fetched"
    HOST_DOWN = "host-down"
    BROWSER_CRASHED = "browser-crashed"


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
        """Declared as HTML or XHTML, or undeclared and looking like it."""
        if self.mime:
            return self.mime in {"text/html", "application/xhtml+xml"}
        return self.body[:1024].lstrip().lower().startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


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
    """A canonical as written and as resolved (None where it is no address)."""

    href: str
    url: str | None
    source: Literal["html", "header"] = "html"
    in_head: bool = True


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
    """An a or area element.

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
        data: the block as JSON text; for broken JSON-LD the text as found, at most 64 KiB.
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
        charset_header, charset_bom, charset_meta: labels as declared; None where absent. Meta only counts
            within the first 1,024 bytes.
        encoding: WHATWG name it was decoded with.
        charset_errors: the bytes are not valid in ``encoding``.
        head_broken_by: name of the element (or ``text``) that ended head before other metadata.
        text: visible text. main_text: the same without nav, header, footer and aside.
        word_count: words of ``main_text``; scripts without spaces count two characters a word.
        cjk_count: characters of ``main_text`` in scripts written without spaces.
        minhash: 128 × uint32 over 5-word shingles of ``main_text``; empty where it has fewer than 5 words.
        title_px, description_px: width in Arial of the first one, pixels (20 px and 14 px); 0 where absent.
        html_length: decoded body, bytes.
        content_hash: of ``main_text`` with white space folded, 16 hex digits.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a page did in a browser until it had settled.

    Attributes:
        led_to: address of the page that it went on to by itself; None where it stayed.
        errors: uncaught exceptions, each once, one line; at most 20.
        settled: no request was open for half a second; what came later is not in the facts.
        small_text: part of the visible characters that is shown smaller than 12 px, 0 to 1; None without any.
        requests: how many it made. kept_back: how many of them were not let out: images, fonts and the like, what
            robots.txt disallows, and what is over the limit.
        refused: connections that the address guard refused.
        elapsed_ms: from the request to the settled page, milliseconds.
    """

    led_to: str | None = None
    errors: tuple[str, ...] = ()
    settled: bool = True
    small_text: float | None = None
    requests: int = 1
    kept_back: int = 0
    refused: int = 0
    elapsed_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A document as it stood in a browser: the DOM as HTML, under the address and headers it was got by."""

    document: Response
    behaviour: Behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a browser made of a page, beside the facts of its raw answer; ``page`` has those of the settled DOM."""

    page: Page
    behaviour: Behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A failed rule on one page, with what was seen.

    Attributes:
        message: one sentence naming the observed value.
        evidence: the observed value, the limit, a locator.
        fingerprint: identity across runs, 16 hex digits; free of counts, dates and thresholds.
        observed: False where inferred.
    """

    rule: str
    severity: Severity
    category: str
    message: str
    evidence: Evidence
    fingerprint: str
    observed: bool = True


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's word on one page; ``why`` names what excluded it or what is missing."""

    rule: str
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that the rules say of one page; ``not_indexable`` is empty where it may be indexed."""

    issues: tuple[Issue, ...] = ()
    results: tuple[RuleResult, ...] = ()
    not_indexable: str = ""


Revalidation = Literal["not-modified", "modified", "same"]
"""What a conditional request brought: 304, another body, or the same body in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierFacts:
    """The facts that an earlier run wrote of a page: which they are, and what they amount to."""

    run_id: str
    part: str
    state: PageState
    reason: Reason | None
    status: int
    errors: int = 0
    warnings: int = 0
    notices: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedPage:
    """One page of a run, done: what the store writes.

    Attributes:
        blocked_by_robots: robots.txt disallows it, or where it redirects to; None where robots.txt was not read.
        revalidation: None where it was asked for without condition.
        earlier: its facts, where it was not modified since they were written.
        rendered: what a browser made of it, or why nothing; None where it was not to be rendered.
    """

    page_id: str
    url: str
    state: PageState
    reason: Reason | None
    answer: Answer
    page: Page | None
    verdict: Verdict
    blocked_by_robots: bool | None = None
    revalidation: Revalidation | None = None
    earlier: EarlierFacts | None = None
    rendered: Rendered | FetchFailure | None = None


class FetchOptions(BaseModel):
    """How pages are fetched. What changes the bytes received is part of a batch's identity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_agent: str = Field(default="", description="User-Agent header; empty for seo-scan's own.")
    allow: tuple[str, ...] = Field(
        default=(), description="host:port pairs, as written in URLs, that may be non-public or on any port."
    )
    concurrency: int = Field(default=8, ge=1, le=256, description="Connections per host in the data folder.")
    rate: float | None = Field(
        default=None,
        ge=0,
        description="Pages a second per host; 0 for no limit; None for 10, loopback unlimited.",
    )
    connect_timeout: float = Field(default=10, gt=0, description="Seconds to connect.")
    read_timeout: float = Field(default=15, gt=0, description="Seconds without a byte.")
    deadline: float = Field(default=60, gt=0, description="Seconds for one URL, redirects included.")
    max_body: int = Field(default=15 * 1024 * 1024, gt=0, description="Bytes of a body, on the wire and decoded.")
    max_redirects: int = Field(default=10, ge=0, le=20, description="Redirects followed.")
    max_tries: int = Field(default=3, ge=1, le=10, description="Fetches of a page that fails for a passing reason.")

    def allowing(self, urls: Sequence[str]) -> "FetchOptions":
        """The same with the host:port of ``urls`` allowed: what a person typed may be local."""
        return self.model_copy(update={"allow": tuple(sorted({*self.allow, *map(host_port, urls)}))})


class RenderOptions(BaseModel):
    """How pages are rendered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    browser: str = Field(default="", description="Path of Chromium; empty to look for it.")


@dataclass(frozen=True, slots=True)
class HostDemand:
    """What one holder (a running chunk) wants of one host, ``host:port``.

    Attributes:
        connections: wanted now. in_use: open now; never granted away.
        departures: how many request start times are wanted.
        limit: connections to this host for the whole data folder.
        spacing: seconds between request starts for the whole data folder; 0 for no limit.
    """

    host: str
    connections: int
    in_use: int
    departures: int
    limit: int
    spacing: float


@dataclass(frozen=True, slots=True)
class HostShare:
    """What a holder may do until it asks again; times in seconds since the epoch.

    Attributes:
        connections: how many it may have open.
        first_departure: when its first request may start; the next ``departures`` - 1 follow ``spacing`` apart.
        pause_until: no request to the host starts before.
        open_until: the host failed so often that nobody asks it before; 0 where it does its work.
    """

    host: str
    connections: int
    first_departure: float
    departures: int
    spacing: float
    pause_until: float
    open_until: float = 0.0
