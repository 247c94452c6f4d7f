"""The lines of a robots.txt, read as Google's open parser reads them.

https://github.com/google/robotstxt: the name of a directive may go on (``Disallowed:``), some misspellings count, a
missing colon is forgiven where two words remain. What is forgiven is a problem all the same: other crawlers ignore it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tasks.urls import absolute, is_http, printable

MAX_BYTES = 500 * 1024
MAX_SHOWN = 200

_BOM = b"\xef\xbb\xbf"


class Directive(Enum):
    USER_AGENT = "user-agent"
    ALLOW = "allow"
    DISALLOW = "disallow"
    SITEMAP = "sitemap"
    CRAWL_DELAY = "crawl-delay"
    OTHER = "other"


_READ_AS = {
    b"user-agent": Directive.USER_AGENT,
    b"useragent": Directive.USER_AGENT,
    b"user agent": Directive.USER_AGENT,
    b"allow": Directive.ALLOW,
    b"disallow": Directive.DISALLOW,
    b"dissallow": Directive.DISALLOW,
    b"dissalow": Directive.DISALLOW,
    b"disalow": Directive.DISALLOW,
    b"diasllow": Directive.DISALLOW,
    b"disallaw": Directive.DISALLOW,
    b"sitemap": Directive.SITEMAP,
    b"site-map": Directive.SITEMAP,
    b"crawl-delay": Directive.CRAWL_DELAY,
}
_KNOWN = frozenset(
    {b"user-agent", b"allow", b"disallow", b"sitemap", b"crawl-delay"}
    | {b"host", b"clean-param", b"request-rate", b"visit-time"}  # other engines'
    | {b"noindex", b"nofollow"}  # once Google's
    | {b"content-signal", b"content-usage", b"license"}  # about use, not fetching
)
_NAMES = tuple(_READ_AS)
_PATTERN_STARTS = (b"/", b"*")


@dataclass(frozen=True, slots=True)
class RobotsProblem:
    """A line that some or all crawlers ignore: its number from 1, its text, and why it is ignored."""

    line: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """A directive; ``why`` says what is wrong with it, empty where nothing is."""

    number: int
    text: bytes
    directive: Directive
    value: bytes
    why: str

    def problem(self, why: str) -> RobotsProblem:
        return RobotsProblem(self.number, printable(self.text.decode("utf-8", "replace"), MAX_SHOWN), why)


def lines(body: bytes) -> Iterator[Line]:
    """The lines in the first 500 KiB that are neither empty nor a comment; a line cut by that limit is dropped."""
    if len(body) > MAX_BYTES:
        body = body[:MAX_BYTES]
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    for number, text in enumerate(body.removeprefix(_BOM).splitlines(), 1):
        if content := text.partition(b"#")[0].strip():
            yield _line(number, content)


def _line(number: int, content: bytes) -> Line:
    name, colon, value = content.partition(b":")
    name = name.strip().lower()
    why = ""
    if not colon or (b" " in name and not name.startswith(_NAMES[2])) or b"\t" in name:
        words = content.split()
        if len(words) == 2 and words[0].lower().startswith(_NAMES):  # noqa: PLR2004 - a name and a value
            name, value, why = words[0].lower(), words[1], "no colon after the directive"
        elif not colon:
            return Line(number, content, Directive.OTHER, b"", "no colon")
    value = value.strip()
    directive = _directive(name)
    if name not in _KNOWN:
        why = why or _unknown(name, directive)
    return Line(number, content, directive, value, why or _fault(directive, value))


def _directive(name: bytes) -> Directive:
    if (exact := _READ_AS.get(name)) is not None:
        return exact
    return next((_READ_AS[known] for known in _NAMES if name.startswith(known)), Directive.OTHER)


def _unknown(name: bytes, directive: Directive) -> str:
    if directive is Directive.OTHER:
        return "unknown directive"
    shown = printable(name.decode("utf-8", "replace"), MAX_SHOWN)
    return f"unknown directive {shown}, read as {directive.value} by some crawlers"


def _fault(directive: Directive, value: bytes) -> str:
    match directive:
        case Directive.USER_AGENT if not value:
            return "names no user agent"
        case Directive.ALLOW | Directive.DISALLOW if value and not value.startswith(_PATTERN_STARTS):
            return "the pattern does not start with / or *"
        case Directive.SITEMAP if not is_http(absolute(value.decode("utf-8", "replace"))):
            return "not an absolute http or https address"
    return ""
