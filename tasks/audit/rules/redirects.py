"""Redirects as observed, hop by hop; none is inferred from the look of an address."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_HTTP, GOOGLE_REDIRECTS, MDN_HTTPS, RFC9110
from tasks.audit.rule import Applies, Finding, Hops, NotApplicable, Unknown, Word, response_rule, shown
from tasks.audit.samples import EXAMPLE, redirected
from tasks.model import Answer, FetchFailure, Hop, Reason, Response, Severity
from tasks.urls import is_http, resolve

ERRORS = range(400, 600)
PERMANENT = frozenset({301, 308})
TEMPORARY = frozenset({302, 303, 307})
UNREACHABLE = frozenset(
    {
        Reason.DNS,
        Reason.CONNECT_REFUSED,
        Reason.CONNECT_TIMEOUT,
        Reason.TLS,
        Reason.RESET,
        Reason.READ_TIMEOUT,
        Reason.DEADLINE,
        Reason.BAD_RESPONSE,
    }
)
BROKEN_BODY = frozenset({Reason.TRUNCATED, Reason.BAD_ENCODING, Reason.TOO_LARGE})
UNFOLLOWED = frozenset({Reason.TOO_MANY_REDIRECTS, Reason.REDIRECT_LOOP, Reason.INVALID_REDIRECT})


@response_rule(
    "redirect-permanent",
    Severity.NOTICE,
    applies=Applies.ANSWERED,
    references=(GOOGLE_REDIRECTS,),
    bad=redirected(301),
    good=redirected(302),
)
def redirect_permanent(answer: Response | FetchFailure) -> Iterator[Word]:
    """The address redirects permanently (301 or 308).

    That is the right answer for a page that has moved; links of your own to it cost a detour.

    Point your own links at the final address.
    """
    yield from _first_hop(answer, PERMANENT, "permanently")


@response_rule(
    "redirect-temporary",
    Severity.NOTICE,
    applies=Applies.ANSWERED,
    references=(GOOGLE_REDIRECTS,),
    bad=redirected(302),
    good=redirected(301),
)
def redirect_temporary(answer: Response | FetchFailure) -> Iterator[Word]:
    """The address redirects temporarily (302, 303 or 307).

    A temporary redirect is a weak sign of which address should be listed; for a lasting move it is the wrong one.

    Answer 301 or 308 if the page has moved for good.
    """
    yield from _first_hop(answer, TEMPORARY, "temporarily")


def _first_hop(answer: Answer, statuses: frozenset[int], adverb: str) -> Iterator[Word]:
    if not answer.hops or answer.hops[0].status not in statuses or not _leads_somewhere(answer.hops[0]):
        return
    hop = answer.hops[0]
    yield Finding(
        f"{shown(hop.url)} redirects {adverb} ({hop.status}) to {shown(hop.location or '')}.",
        {
            "observed": hop.status,
            "target": shown(hop.location or ""),
            "final": shown(answer.url),
            "locator": "status line",
        },
    )


def _leads_somewhere(hop: Hop) -> bool:
    return hop.location is not None and is_http(resolve(hop.url, hop.location))


@response_rule(
    "redirect-chain",
    Severity.WARNING,
    applies=Applies.ANSWERED,
    references=(GOOGLE_REDIRECTS, RFC9110),
    bad=redirected(301, 301),
    good=redirected(301),
)
def redirect_chain(answer: Response | FetchFailure, *, hops: Hops = 2, error_hops: Hops = 5) -> Iterator[Word]:
    """Several redirects in a row lie between the address and its page.

    Each one costs visitors a round trip and crawlers a request; crawlers give up after some.
    Five or more are an error.

    Point the first address straight at the last.
    """
    if answer.hops and _loops(answer):
        yield NotApplicable("redirect loop")
        return
    count = sum(map(_leads_somewhere, answer.hops))
    if count >= min(hops, error_hops):
        grave = count >= error_hops
        yield Finding(
            f"{count} redirects in a row start at {shown(answer.requested_url)}.",
            {"observed": count, "limit": error_hops if grave else hops, "unit": "hops", "path": _path(answer)},
            severity=Severity.ERROR if grave else None,
        )


@response_rule(
    "redirect-too-many-hops",
    Severity.ERROR,
    applies=Applies.ANSWERED,
    references=(GOOGLE_HTTP,),
    bad=FetchFailure(url=f"{EXAMPLE}11", reason=Reason.TOO_MANY_REDIRECTS, hops=redirected(*[301] * 11).hops),
    good=redirected(301),
)
def redirect_too_many_hops(answer: Response | FetchFailure, *, hops: Hops = 10) -> Iterator[Word]:
    """The redirects go on for more hops than crawlers follow.

    Googlebot gives up after 10, so the page behind them is never read.

    Collapse the chain into one redirect to the final address.
    """
    if answer.hops and _loops(answer):
        yield NotApplicable("redirect loop")
    elif len(answer.hops) > hops:
        yield Finding(
            f"{len(answer.hops)} redirects in a row were observed; crawlers follow {hops}.",
            {"observed": len(answer.hops), "limit": hops, "unit": "hops", "path": _path(answer)},
        )
    elif isinstance(answer, FetchFailure) and answer.reason is Reason.TOO_MANY_REDIRECTS:
        yield Unknown("the scan's own limit is lower")


@response_rule(
    "redirect-loop",
    Severity.ERROR,
    applies=Applies.ANSWERED,
    references=(RFC9110,),
    bad=FetchFailure(
        url=f"{EXAMPLE}a",
        reason=Reason.REDIRECT_LOOP,
        hops=(Hop(f"{EXAMPLE}a", 302, "/b"), Hop(f"{EXAMPLE}b", 302, "/a")),
    ),
    good=redirected(301),
)
def redirect_loop(answer: Response | FetchFailure) -> Iterator[Word]:
    """The redirects lead back to an address they came from.

    Without cookies, as crawlers come, the page can never be reached.

    Break the cycle: let one of the addresses answer 200, also for visitors without cookies.
    """
    if answer.hops and _loops(answer):
        last = answer.hops[-1]
        target = resolve(last.url, last.location or "") or answer.url
        yield Finding(
            f"The redirects from {shown(answer.requested_url)} come back to {shown(target)}.",
            {"observed": shown(target), "path": _path(answer), "locator": "Location header"},
        )


def _loops(answer: Answer) -> bool:
    if isinstance(answer, FetchFailure):
        return answer.reason is Reason.REDIRECT_LOOP
    trail = [*(hop.url for hop in answer.hops), answer.url]
    return len(set(trail)) < len(trail)


@response_rule(
    "redirect-to-error",
    Severity.ERROR,
    applies=Applies.REDIRECTED,
    references=(GOOGLE_HTTP,),
    bad=redirected(301, end=404),
    good=redirected(301),
)
def redirect_to_error(answer: Response | FetchFailure) -> Iterator[Word]:
    """The redirect ends at a client or server error, or at an address that cannot be reached.

    Whatever the old address had earned is lost, and visitors are led to an error page.

    Redirect to a page that exists, or answer 410 where there is no replacement.
    """
    if isinstance(answer, Response) or answer.reason in BROKEN_BODY:
        if answer.status in ERRORS:
            yield _broken_end(answer, answer.status)
    elif answer.reason in UNREACHABLE:
        yield _broken_end(answer, answer.reason.value)
    elif answer.reason in UNFOLLOWED:
        yield NotApplicable("the redirects have no end")
    else:
        yield Unknown(f"the target was not fetched: {answer.reason}")


def _broken_end(answer: Answer, observed: int | str | None) -> Finding:
    return Finding(
        f"{shown(answer.requested_url)} redirects to {shown(answer.url)}, which fails with {observed}.",
        {"observed": observed, "target": shown(answer.url), "path": _path(answer), "locator": "final answer"},
    )


@response_rule(
    "redirect-invalid-location",
    Severity.ERROR,
    applies=Applies.REDIRECTED,
    references=(RFC9110,),
    bad=FetchFailure(url=EXAMPLE, reason=Reason.INVALID_REDIRECT, status=301, hops=(Hop(EXAMPLE, 301, "https://"),)),
    good=redirected(301),
)
def redirect_invalid_location(answer: Response | FetchFailure) -> Iterator[Word]:
    """A redirect names no valid http(s) address to go to.

    Browsers and crawlers cannot follow it, so the page is lost.

    Send a Location header with a valid address in every redirect.
    """
    for hop in answer.hops:
        if not _leads_somewhere(hop):
            written = "no Location header" if hop.location is None else f'the Location "{shown(hop.location)}"'
            yield Finding(
                f"{shown(hop.url)} answers {hop.status} with {written}.",
                {
                    "observed": None if hop.location is None else shown(hop.location),
                    "status": hop.status,
                    "url": shown(hop.url),
                    "locator": "Location header",
                },
                key=hop.url,
            )


@response_rule(
    "redirect-https-to-http",
    Severity.ERROR,
    applies=Applies.REDIRECTED,
    references=(MDN_HTTPS,),
    bad=Response(url="http://example.com/b", status=200, hops=(Hop(f"{EXAMPLE}a", 301, "http://example.com/b"),)),
    good=redirected(301),
)
def redirect_https_to_http(answer: Response | FetchFailure) -> Iterator[Word]:
    """A redirect leads from https to http.

    The request can be read and changed on its way, and search engines no longer prefer the https address.

    Keep every hop on https.
    """
    for hop in answer.hops:
        target = resolve(hop.url, hop.location or "") or ""
        if hop.url.startswith("https:") and target.startswith("http:"):
            yield Finding(
                f"{shown(hop.url)} redirects to {shown(target)}, without encryption.",
                {"observed": shown(target), "url": shown(hop.url), "path": _path(answer), "locator": "Location header"},
                key=hop.url,
            )


def _path(answer: Answer) -> str:
    steps = [f"{shown(hop.url)} ({hop.status})" for hop in answer.hops]
    end = [] if answer.hops and answer.hops[-1].url == answer.url else [shown(answer.url)]
    return " → ".join(steps + end)
