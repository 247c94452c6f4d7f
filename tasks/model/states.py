"""What may be said of a page, a rule and a finding, by name."""

from enum import StrEnum


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
