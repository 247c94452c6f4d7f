"""robots.txt: what an agent may fetch, by RFC 9309 and Google's reading of it.

https://developers.google.com/search/docs/crawling-indexing/robots/robots_txt
"""

import math
import re
from dataclasses import dataclass, field
from typing import Self

from tasks.crawl.robots_lines import Directive, Line, RobotsProblem, lines
from tasks.crawl.robots_rules import Rule, RuleSet, path_of
from tasks.model import Answer, Reason, Response
from tasks.urls import absolute, is_http

MAX_CRAWL_DELAY = 30.0
MAX_PROBLEMS = 100
PATH = "/robots.txt"

_ANY = ""
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_IN_A_COMMENT = re.compile(
    r"[(;]\s*compatible;\s*([A-Za-z0-9_-]+)|\AMozilla/.*\(([A-Za-z0-9_-]+)/[\d.]+;\s*\+https?:", re.IGNORECASE
)
_UNAVAILABLE = frozenset({Reason.TOO_MANY_REDIRECTS, Reason.REDIRECT_LOOP, Reason.INVALID_REDIRECT})
_TOO_MANY_REQUESTS = 429


@dataclass(slots=True)
class _Group:
    rules: list[Rule] = field(default_factory=list)


@dataclass(slots=True)
class _Delay:
    """What the agents of some lines in a row are asked to wait; shared, as there may be 10,000 of both."""

    seconds: float | None = None


class RobotsPolicy:
    """What one robots.txt says.

    An ``agent`` is a product token (``Googlebot``) or a whole User-Agent header; letter case does not count. The
    groups that name it apply together, those for ``*`` only where none does.

    Attributes:
        sitemaps: the absolute http and https addresses it declares, each once.
        syntax_errors: its first 100 problems in order of lines.
    """

    __slots__ = ("_delays", "_groups", "_rule_sets", "sitemaps", "syntax_errors")

    def __init__(
        self,
        groups: dict[str, list[_Group]],
        delays: dict[str, float],
        sitemaps: tuple[str, ...],
        syntax_errors: tuple[RobotsProblem, ...],
    ) -> None:
        self._groups = groups
        self._delays = delays
        self._rule_sets: dict[str, RuleSet] = {}
        self.sitemaps = sitemaps
        self.syntax_errors = syntax_errors

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Any bytes; what cannot be read is ignored and named in ``syntax_errors``."""
        reader = _Reader()
        for line in lines(body):
            reader.take(line)
        return cls(reader.groups, reader.longest_delays(), tuple(reader.sitemaps), tuple(reader.problems))

    def allows(self, agent: str, url: str) -> bool:
        """Whether ``agent`` may fetch ``url``, an absolute address or a path."""
        path = path_of(url)
        return path == PATH or self._rules(agent).allows(path)

    def blocks_all(self, agent: str) -> bool:
        """True where every path is disallowed to ``agent`` and no Allow opens any."""
        return self._rules(agent).blocks_all

    def crawl_delay(self, agent: str) -> float | None:
        """Seconds between requests that the agent's groups ask for, at most 30; None where they ask for nothing."""
        return self._delays.get(self._section(agent))

    def _rules(self, agent: str) -> RuleSet:
        rules = self._rule_sets.get(agent)
        if rules is None:
            groups = self._groups.get(self._section(agent), [])
            rules = self._rule_sets[agent] = RuleSet(rule for group in groups for rule in group.rules)
        return rules

    def _section(self, agent: str) -> str:
        token = product_token(agent)
        return token if token in self._groups else _ANY


class _Reader:
    def __init__(self) -> None:
        self.groups: dict[str, list[_Group]] = {}
        self.sitemaps: dict[str, None] = {}
        self.problems: list[RobotsProblem] = []
        self._group: _Group | None = None
        self._takes_agents = False
        self._delays: dict[str, list[_Delay]] = {}
        self._delay = _Delay()
        self._takes_delayed = False

    def longest_delays(self) -> dict[str, float]:
        """Of each section that has any, seconds."""
        asked = {
            name: [one.seconds for one in delays if one.seconds is not None] for name, delays in self._delays.items()
        }
        return {name: max(seconds) for name, seconds in asked.items() if seconds}

    def take(self, line: Line) -> None:
        why = line.why
        match line.directive:
            case Directive.USER_AGENT:
                self._start(line.value)
            case Directive.ALLOW | Directive.DISALLOW:
                why = self._rule(line) or why
            case Directive.CRAWL_DELAY:
                why = self._wait(line.value) or why
            case Directive.SITEMAP:
                self._sitemap(line.value)
        if why and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(line.problem(why))

    def _start(self, value: bytes) -> None:
        if self._group is None or not self._takes_agents:
            self._group, self._takes_agents = _Group(), True
        if not self._takes_delayed:
            self._delay, self._takes_delayed = _Delay(), True
        section = _section_of(value)
        if section is None:
            return
        self._delays.setdefault(section, []).append(self._delay)
        groups = self.groups.setdefault(section, [])
        if not groups or groups[-1] is not self._group:
            groups.append(self._group)

    def _rule(self, line: Line) -> str:
        if self._group is None:
            return "stands before any user-agent line"
        self._takes_agents = self._takes_delayed = False
        self._group.rules.append(Rule(line.directive is Directive.ALLOW, line.value.decode("latin-1")))
        return ""

    def _wait(self, value: bytes) -> str:
        """A crawl-delay does not end the agents that rules are for (it is no rule), only those it is for itself."""
        if self._group is None:
            return "stands before any user-agent line"
        self._takes_delayed = False
        seconds = _seconds(value)
        if seconds is None:
            return "not a number of seconds"
        self._delay.seconds = max(seconds, self._delay.seconds or 0.0)
        return ""

    def _sitemap(self, value: bytes) -> None:
        url = absolute(value.decode("utf-8", "replace"))
        if url is not None and is_http(url):
            self.sitemaps[url] = None


def product_token(agent: str) -> str:
    """The name by which groups know ``agent``, in lower case: ``seo-scan`` of ``seo-scan/1.0 (+https://…)``.

    Of a header that begins like a browser's, the name after ``compatible;`` or before its address.
    """
    found = _IN_A_COMMENT.search(agent) or _TOKEN.match(agent.strip())
    return found[found.lastindex or 0].lower() if found else _ANY


def _section_of(value: bytes) -> str | None:
    """The key of the groups for a user-agent line's ``value``; None where it names nobody."""
    text = value.decode("latin-1")
    if text.startswith("*") and not text[1:2].strip():
        return _ANY
    found = _TOKEN.match(text)
    return found[0].lower() if found else None


def _seconds(value: bytes) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return min(seconds, MAX_CRAWL_DELAY) if math.isfinite(seconds) and seconds >= 0 else None


ALLOW_ALL = RobotsPolicy.parse(b"")
DISALLOW_ALL = RobotsPolicy.parse(b"User-agent: *\nDisallow: /")


def outcome_of(answer: Answer) -> RobotsPolicy | None:
    """What the answer to a request for /robots.txt means; None for disallow everything and ask again later.

    A missing file allows everything, and so do redirects that lead nowhere (RFC 9309, section 2.3.1). 429 counts as a
    server error: https://developers.google.com/search/docs/crawling-indexing/robots/robots_txt#http-status-codes
    """
    if not isinstance(answer, Response):
        missing = answer.reason in _UNAVAILABLE or _is_missing(answer.status)
        return ALLOW_ALL if missing else None
    if 200 <= answer.status < 300:  # noqa: PLR2004 - the class of success
        return RobotsPolicy.parse(answer.body)
    return ALLOW_ALL if _is_missing(answer.status) else None


def _is_missing(status: int | None) -> bool:
    return status is not None and 300 <= status < 500 and status != _TOO_MANY_REQUESTS  # noqa: PLR2004 - classes
