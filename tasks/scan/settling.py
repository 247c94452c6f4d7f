"""Redirects of a crawl: each URL was asked once, and whole chains are put together here."""

from collections.abc import Callable, Iterator, Mapping

from tasks.audit.engine import audit
from tasks.audit.profile import Profile
from tasks.model import Answer, FetchFailure, Hop, PageState, Reason, Response, ScannedPage
from tasks.store import Standing
from tasks.urls import address, is_http, resolve

MAX_HOPS = 10

Blocks = Callable[[str, str], bool | None]
"""Whether robots.txt disallows an address to search engines, or where that leads."""


def settled(pages: Mapping[str, Standing], profile: Profile, blocks: Blocks) -> Iterator[ScannedPage]:
    """Every redirecting URL with its whole chain, judged as if it had been followed."""
    for url, standing in pages.items():
        if standing.redirects:
            answer = _followed(url, pages)
            failed = isinstance(answer, FetchFailure) and answer.reason is not Reason.NOT_FETCHED
            yield ScannedPage(
                page_id=standing.page_id,
                url=url,
                state=PageState.FAILED if failed else PageState.COMPLETED,
                reason=answer.reason if failed and isinstance(answer, FetchFailure) else None,
                answer=answer,
                page=None,
                verdict=audit(answer, None, profile, moved=True),
                blocked_by_robots=blocks(url, answer.url),
            )


def _followed(url: str, pages: Mapping[str, Standing]) -> Answer:
    hops: list[Hop] = []
    seen = {url}
    while (standing := pages.get(url)) is not None and standing.redirects:
        hops.append(Hop(url, standing.status or 0, standing.location))
        target = resolve(url, standing.location) if standing.location is not None else None
        if target is None or not is_http(target):
            return _failure(url, Reason.INVALID_REDIRECT, hops)
        url = address(target)
        if url in seen:
            return _failure(url, Reason.REDIRECT_LOOP, hops)
        if len(hops) > MAX_HOPS:
            return _failure(url, Reason.TOO_MANY_REDIRECTS, hops)
        seen.add(url)
    if standing is None or standing.status is None:
        reason = Reason.NOT_FETCHED if standing is None or standing.reason is None else standing.reason
        return _failure(url, reason, hops)
    return Response(url=url, status=standing.status, hops=tuple(hops))


def _failure(url: str, reason: Reason, hops: list[Hop]) -> FetchFailure:
    return FetchFailure(url=url, reason=reason, status=hops[-1].status, hops=tuple(hops))
