"""Status, reachability, size and client-side redirects."""

from collections.abc import Iterator

from tasks.audit.indexability import HTML_TYPES, same_address
from tasks.audit.not_found import looks_missing
from tasks.audit.references import GOOGLE_HTTP, GOOGLE_REDIRECTS, GOOGLEBOT, RFC9110, WCAG
from tasks.audit.rule import (
    Applies,
    Bytes,
    Finding,
    NotApplicable,
    Seconds,
    Unknown,
    Word,
    Words,
    page_rule,
    response_rule,
    shown,
)
from tasks.audit.samples import EXAMPLE, html, status
from tasks.model import Answer, FetchFailure, Page, Reason, Response, Severity

MEBIBYTE = 1024 * 1024
CLIENT_ERRORS = range(400, 500)
SERVER_ERRORS = range(500, 600)
NOT_ABSENT = frozenset({401, 403, 407, 429})
TIMEOUTS = frozenset({Reason.READ_TIMEOUT, Reason.DEADLINE, Reason.CONNECT_TIMEOUT})
UNREACHABLE = frozenset({Reason.DNS, Reason.CONNECT_REFUSED, Reason.TLS, Reason.RESET, Reason.BAD_RESPONSE})


@response_rule(
    "http-4xx",
    Severity.ERROR,
    applies=Applies.ANSWERED,
    references=(GOOGLE_HTTP, RFC9110),
    bad=status(404),
    good=status(200),
)
def http_4xx(answer: Response | FetchFailure) -> Iterator[Word]:
    """The address answers with a client error, such as 404 or 410.

    Search engines drop such addresses from their index, and links to them lead people and crawlers nowhere.
    401, 403, 407 and 429 are left out: they may be meant for the scanner alone.

    Restore the page, redirect it permanently to a true replacement, or remove the links to it.
    """
    code = answer.status
    if code is None:
        yield NotApplicable("no final status")
    elif code in CLIENT_ERRORS and code not in NOT_ABSENT:
        yield _status_finding(answer, code)


@response_rule(
    "http-5xx",
    Severity.ERROR,
    applies=Applies.ANSWERED,
    references=(GOOGLE_HTTP, RFC9110),
    bad=status(503),
    good=status(200),
)
def http_5xx(answer: Response | FetchFailure) -> Iterator[Word]:
    """The address answers with a server error on every try.

    Server errors slow down crawling of the whole site, and pages that keep failing are dropped from the index.

    Repair the fault on the server; for planned downtime answer 503 with a Retry-After header.
    """
    code = answer.status
    if code is None:
        yield NotApplicable("no final status")
    elif code in SERVER_ERRORS:
        yield _status_finding(answer, code)


def _status_finding(answer: Answer, code: int) -> Finding:
    return Finding(
        f"{shown(answer.url)} answers with status {code}.",
        {"observed": code, "locator": "status line", "url": shown(answer.url), "tries": answer.tries},
    )


@response_rule(
    "fetch-timeout",
    Severity.ERROR,
    references=(GOOGLE_HTTP,),
    bad=FetchFailure(url=EXAMPLE, reason=Reason.READ_TIMEOUT, detail="no byte for 15 s", tries=3),
    good=status(200),
)
def fetch_timeout(answer: Response | FetchFailure) -> Iterator[Word]:
    """The server does not answer in full within the limits of the fetch, on every try.

    A page that does not arrive can be neither crawled nor used.

    Find what blocks the server: make the page cheaper to build, cache it, or add capacity.
    """
    return _failure_findings(answer, TIMEOUTS, "timed out")


@response_rule(
    "fetch-failed",
    Severity.ERROR,
    references=(GOOGLE_HTTP,),
    bad=FetchFailure(url=EXAMPLE, reason=Reason.DNS, detail="no such host", tries=2),
    good=status(200),
)
def fetch_failed(answer: Response | FetchFailure) -> Iterator[Word]:
    """No HTTP answer: the name does not resolve, or connecting, TLS or HTTP itself fails, on every try.

    Nobody can reach the address, and search engines drop what they cannot reach.
    Timeouts are told by fetch-timeout; a body that breaks off, or that the scan refused, is no failure to connect.

    Repair the DNS entry, the firewall, the certificate or the server process that the reason points to.
    """
    return _failure_findings(answer, UNREACHABLE, "cannot be reached")


def _failure_findings(answer: Answer, reasons: frozenset[Reason], verb: str) -> Iterator[Word]:
    if isinstance(answer, Response):
        return
    if answer.reason not in reasons:
        yield NotApplicable(f"ended for another reason: {answer.reason}")
        return
    detail = f", {shown(answer.detail)}" if answer.detail else ""
    yield Finding(
        f"{shown(answer.url)} {verb} ({answer.reason}{detail}).",
        {
            "observed": answer.reason.value,
            "detail": shown(answer.detail),
            "url": shown(answer.url),
            "tries": answer.tries,
        },
    )


@page_rule(
    "soft-404",
    Severity.WARNING,
    references=(GOOGLE_HTTP,),
    bad="<title>Page not found | Teas</title><h1>Sorry!</h1><p>Try the search.",
    good="<title>Green teas | Teas</title><h1>Green teas</h1><p>Grown in the shade.",
)
def soft_404(page: Page, *, words: Words = 200) -> Iterator[Word]:
    """A page says that it was not found, with status 200.

    Search engines treat it as an error, yet keep coming back for it; monitoring and people's tools see a success.
    A title or h1 that consists of a not-found phrase counts, on pages with little text of their own; in a crawl also
    the very main text that the site answers with where there is nothing.

    Answer 404 or 410 for what is gone, and give real content to what is there.
    """
    if page.word_count >= words:
        return
    headings = [heading.text for heading in page.headings if heading.level == 1]
    for place, text in [("title", page.title or ""), *(("h1", text) for text in headings[:5])]:
        if looks_missing(text, page.lang):
            yield Finding(
                f'The {place} says "{shown(text)}" but the status is 200.',
                {
                    "observed": shown(text),
                    "locator": place,
                    "status": page.status,
                    "words": page.word_count,
                    "limit": words,
                },
            )
            return


@response_rule(
    "html-too-large",
    Severity.ERROR,
    references=(GOOGLEBOT,),
    bad=html("<title>Tea</title>" + "<p>tea</p>" * (MEBIBYTE // 4)),
    good=html("<title>Tea</title>"),
)
def html_too_large(
    answer: Response | FetchFailure, *, error_bytes: Bytes = 2 * MEBIBYTE, warning_bytes: Bytes = MEBIBYTE
) -> Iterator[Word]:
    """The HTML is larger than crawlers read.

    Googlebot processes the first 2 MB of a page; text and links behind that are unseen.
    Over 1 MB is a warning, over 2 MB an error; sizes are after decompression.

    Move inline images, styles, scripts and data into files of their own, and split long lists into pages.
    """
    if isinstance(answer, FetchFailure):
        yield from _oversized_failure(answer, error_bytes)
        return
    if not answer.is_html:
        yield NotApplicable("not HTML")
        return
    size = len(answer.body)
    if size > min(warning_bytes, error_bytes):
        too_much = size > error_bytes
        limit = error_bytes if too_much else warning_bytes
        yield Finding(
            f"The HTML has {size:,} bytes, more than {limit:,}.",
            {"observed": size, "limit": limit, "unit": "bytes", "locator": "body"},
            severity=None if too_much else Severity.WARNING,
        )


def _oversized_failure(failure: FetchFailure, limit: int) -> Iterator[Word]:
    if failure.reason is not Reason.TOO_LARGE:
        yield Unknown(f"not fetched: {failure.reason}")
    elif failure.mime not in HTML_TYPES:
        yield NotApplicable("not HTML")
    elif failure.received is not None and failure.received <= limit:
        yield Unknown("the scan's own limit is lower")
    else:
        yield Finding(
            f"The HTML has more bytes than the scan reads ({shown(failure.detail) or 'too large'}).",
            {"observed": failure.received, "limit": limit, "unit": "bytes", "locator": "body"},
        )


@page_rule(
    "meta-refresh-redirect",
    Severity.WARNING,
    references=(GOOGLE_REDIRECTS, WCAG),
    bad='<meta http-equiv="refresh" content="0; url=/teas">',
    good='<meta http-equiv="refresh" content="300">',
)
def meta_refresh_redirect(page: Page, *, seconds: Seconds = 5) -> Iterator[Word]:
    """A meta refresh or Refresh header sends visitors to another address within seconds.

    It is slower and less certain than an HTTP redirect, and moves people who had no time to read. At 0 s search engines
    take it for a redirect: the page is not judged as one to be found, and what names it names a redirect.
    Reloading the same page, or moving on after a longer wait, is not meant here.

    Answer 301 or 308 instead, or 302 or 307 where the move is temporary.
    """
    refresh = page.meta_refresh
    if refresh is None or refresh.url is None or refresh.delay > seconds or same_address(refresh.url, page.url):
        return
    locator = "Refresh header" if refresh.source == "header" else 'meta[http-equiv="refresh"]'
    yield Finding(
        f"After {refresh.delay:g} s the page moves to {shown(refresh.url)}.",
        {"observed": refresh.delay, "limit": seconds, "unit": "s", "target": shown(refresh.url), "locator": locator},
    )
