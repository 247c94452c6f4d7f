"""Refresh, as a meta element and as a header: https://html.spec.whatwg.org/#shared-declarative-refresh-steps."""

import re
from collections.abc import Callable
from typing import Literal

from tasks import urls
from tasks.extract import limits
from tasks.model import MetaRefresh

_REFRESH = re.compile(
    r"""[\t\n\f\r ]*(?P<delay>[0-9]*+)(?P<fraction>[0-9.]*+)
        (?P<rest>(?:[\t\n\f\r ;,].*)?)\Z""",
    re.VERBOSE | re.DOTALL,
)
_SEPARATOR = re.compile(r"[\t\n\f\r ]*[;,]?[\t\n\f\r ]*")
_URL_PREFIX = re.compile(r"[uU][rR][lL][\t\n\f\r ]*=[\t\n\f\r ]*")
_LONGEST_DELAY_DIGITS = 9


def parse(
    content: str, page_url: str, resolve: Callable[[str], str | None], source: Literal["meta", "header"]
) -> MetaRefresh | None:
    """The refresh that ``content`` asks for on the page at ``page_url``; None where a browser ignores it."""
    found = _REFRESH.match(content[: limits.VALUE])
    if found is None or not (found["delay"] or found["fraction"].startswith(".")):
        return None
    delay = float(found["delay"][:_LONGEST_DELAY_DIGITS] or 0)
    target = _target(found["rest"])
    if not target:
        return MetaRefresh(delay, None, source)
    url = resolve(target)
    if url is None or url.startswith("javascript:"):
        return None
    return MetaRefresh(delay, None if urls.address(url) == urls.address(page_url) else url, source)


def _target(rest: str) -> str:
    rest = _SEPARATOR.sub("", rest, count=1)
    prefix = _URL_PREFIX.match(rest)
    if prefix is not None:
        rest = rest[prefix.end() :]
    if rest.startswith(('"', "'")):
        rest = rest[1:].partition(rest[0])[0]
    return rest.strip()
