"""Where a redirect leads, if it may be followed."""

from collections.abc import Sequence

from tasks.errors import BadUrl
from tasks.fetch.failures import FetchError
from tasks.model import Hop, Reason
from tasks.urls import address, is_http, nameable, parse, resolve, without_userinfo

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})


def next_address(hops: Sequence[Hop], location: str | None, max_redirects: int) -> str:
    """The address that the last of ``hops`` leads to by ``location``, without fragment.

    Raises:
        FetchError: invalid-redirect, bad-url, redirect-loop or too-many-redirects.
    """
    last = hops[-1]
    target = resolve(last.url, location) if location else None
    if target is None or not is_http(target):
        shown = f"Location {last.location}" if location else "no Location"
        raise FetchError(Reason.INVALID_REDIRECT, f"status {last.status} with {shown}")
    try:
        found = parse(target)
    except BadUrl as error:
        raise FetchError(Reason.BAD_URL, f"redirect to {error}") from None
    if found in {hop.url for hop in hops}:
        raise FetchError(Reason.REDIRECT_LOOP, f"{found} redirects back to itself")
    if len(hops) > max_redirects:
        raise FetchError(Reason.TOO_MANY_REDIRECTS, f"more than {max_redirects} redirects")
    return found


def location_to_keep(url: str, location: str | None) -> str | None:
    """``location`` as written, but never with a user name or password in it."""
    if location is None or "@" not in location:
        return location
    target = resolve(url, location)
    if target is None:
        return nameable(location)
    return location if without_userinfo(target) == target else without_userinfo(address(target))
