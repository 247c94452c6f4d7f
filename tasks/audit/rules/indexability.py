"""What robots directives say, in meta tags and in the X-Robots-Tag header."""

import re
from collections.abc import Iterator

from tasks.audit.indexability import NOFOLLOW, NOINDEX, OBEYED_AGENTS, expired, expiry
from tasks.audit.references import BING_ROBOTS_META, GOOGLE_ROBOTS_META, GOOGLE_VALID_HEAD, HTML, YANDEX_ROBOTS_META
from tasks.audit.rule import Applies, Finding, Word, page_rule, shown
from tasks.model import Page, Response, Robots, Severity

DOCUMENTED = frozenset(
    {
        # Google
        *("all", "index", "follow", "noindex", "nofollow", "none", "nosnippet", "indexifembedded", "notranslate"),
        *("noimageindex", "noarchive", "nocache", "nositelinkssearchbox", "nopagereadaloud"),
        # Bing; noodp and nopreview are retired
        *("noodp", "nopreview"),
        # Yandex
        "archive",
        # Yahoo and Yandex, retired
        *("noydir", "noyaca"),
        # DeviantArt, for collectors of training data
        *("noai", "noimageai"),
    }
)
VALUED = {
    "max-snippet": re.compile(r"-1|\d+"),
    "max-video-preview": re.compile(r"-1|\d+"),
    "max-image-preview": re.compile("none|standard|large"),
}
ALLOWED_FIRST = frozenset({"yandex", "yandexbot"})
OPPOSITES = (("index", NOINDEX), ("follow", NOFOLLOW))


@page_rule(
    "noindex",
    Severity.NOTICE,
    references=(GOOGLE_ROBOTS_META,),
    bad='<meta name="robots" content="noindex">',
    good='<meta name="robots" content="index">',
)
def noindex(page: Page) -> Iterator[Word]:
    """A robots directive keeps the page out of search.

    That is right for pages nobody should find, such as a basket or an internal search; on others it costs all visits.
    Counted are tags and headers for all crawlers and for Googlebot.

    Remove noindex (or none) from the page if it should be found.
    """
    yield from _stated(page, NOINDEX, "kept out of search")


@page_rule(
    "unavailable-after-past",
    Severity.ERROR,
    references=(GOOGLE_ROBOTS_META,),
    bad='<meta name="robots" content="unavailable_after: 25 Jun 2020 15:00:00 GMT">',
    good='<meta name="robots" content="unavailable_after: 2999-06-25">',
)
def unavailable_after_past(page: Page, answer: Response) -> Iterator[Word]:
    """The date of an unavailable_after directive had passed when the page was fetched.

    Google shows the page no longer, as if it said noindex. Counted are tags and headers for all crawlers and for
    Googlebot; a date without a time is the beginning of the day, and one without a zone in UTC.

    Set a later date, or remove the directive if the page should be found.
    """
    for robots, directive in expired(page, answer.fetched_at):
        yield Finding(
            f'"{shown(directive)}" has passed ({_locator(robots)}).',
            {
                "observed": shown(directive),
                "limit": answer.fetched_at.isoformat(timespec="seconds"),
                "locator": _locator(robots),
            },
            key=robots.agent,
        )


@page_rule(
    "page-nofollow",
    Severity.WARNING,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_ROBOTS_META,),
    bad='<meta name="robots" content="nofollow">',
    good='<meta name="robots" content="follow">',
)
def page_nofollow(page: Page) -> Iterator[Word]:
    """A robots directive asks crawlers to follow no link of the page.

    The pages it links to may get nothing from it, your own among them.

    Drop nofollow for the page, and put rel="nofollow" on the single links that need it.
    """
    yield from _stated(page, NOFOLLOW, "nofollow for all its links")


def _stated(page: Page, wanted: frozenset[str], effect: str) -> Iterator[Finding]:
    found = [
        robots for robots in page.robots if robots.agent in OBEYED_AGENTS and not wanted.isdisjoint(robots.directives)
    ]
    if found:
        where = "; ".join(f"{_locator(robots)}: {', '.join(robots.directives)}" for robots in found)
        yield Finding(
            f"The page is {effect} ({shown(where)}).",
            {
                "observed": shown(", ".join(found[0].directives)),
                "locator": _locator(found[0]),
                "in_head": found[0].in_head,
                "sources": shown(where),
            },
        )


def _locator(robots: Robots) -> str:
    if robots.source == "meta":
        return f'meta[name="{shown(robots.agent)}"]'
    return "X-Robots-Tag" if robots.agent == "robots" else f"X-Robots-Tag for {shown(robots.agent)}"


@page_rule(
    "robots-directive-conflict",
    Severity.WARNING,
    references=(GOOGLE_ROBOTS_META, YANDEX_ROBOTS_META),
    bad='<meta name="robots" content="noindex"><meta name="googlebot" content="index">',
    good='<meta name="robots" content="index"><meta name="gptbot" content="noindex">',
)
def robots_directive_conflict(page: Page) -> Iterator[Word]:
    """Robots directives for the same crawler say both yes and no.

    The stricter one wins, whatever was meant: a crawler obeys tags that name it together with those for all.
    To allow all crawlers and deny one by its name is no conflict. What Yandex is told by its name is left out: there
    what allows wins.

    State each directive once, in one place.
    """
    by_agent: dict[str, list[Robots]] = {"robots": []}
    for robots in page.robots:
        if robots.agent not in ALLOWED_FIRST:
            by_agent.setdefault(robots.agent, []).append(robots)
    for positive, negatives in OPPOSITES:
        general = _sides(by_agent["robots"], positive, negatives)
        for agent, sources in by_agent.items():
            own = _sides(sources, positive, negatives)
            allowing, denying = own[0], own[1] or general[1]
            if allowing and denying:
                yield _conflict(agent, positive, allowing, denying)
                if agent == "robots":
                    break


def _sides(sources: list[Robots], positive: str, negatives: frozenset[str]) -> tuple[Robots | None, Robots | None]:
    """The first to allow and the first to deny."""
    allowing = (robots for robots in sources if positive in robots.directives or "all" in robots.directives)
    denying = (robots for robots in sources if not negatives.isdisjoint(robots.directives))
    return next(allowing, None), next(denying, None)


def _conflict(agent: str, positive: str, allowing: Robots, denying: Robots) -> Finding:
    winner = f"no{positive}"
    places = f"{_locator(allowing)}, {_locator(denying)}"
    return Finding(
        f"Both {positive} and {winner} are stated ({places}): {winner} wins.",
        {"observed": f"{positive}, {winner}", "winner": winner, "agent": shown(agent), "locator": places},
        key=f"{agent}:{positive}",
    )


@page_rule(
    "robots-directive-unknown",
    Severity.WARNING,
    references=(GOOGLE_ROBOTS_META, BING_ROBOTS_META, YANDEX_ROBOTS_META),
    bad='<meta name="robots" content="no-index">',
    good='<meta name="robots" content="max-snippet:-1, max-image-preview:large">',
)
def robots_directive_unknown(page: Page) -> Iterator[Word]:
    """A robots directive is not among the documented ones.

    Crawlers ignore what they do not know, so whatever was meant does not happen.
    Known are the directives that Google, Bing and Yandex document, retired ones included, and noai and noimageai;
    unavailable_after is only with a date as RFC 822, RFC 850 or ISO 8601 write it.

    Correct the spelling: directives are separated by commas, values follow a colon, as in max-snippet:50.
    """
    for robots in page.robots:
        for directive in robots.directives:
            if directive not in DOCUMENTED and not _valued(directive) and expiry(directive) is None:
                yield Finding(
                    f'"{shown(directive)}" is no documented robots directive ({_locator(robots)}).',
                    {"observed": shown(directive), "locator": _locator(robots)},
                    key=directive,
                )


def _valued(directive: str) -> bool:
    name, colon, value = directive.partition(":")
    pattern = VALUED.get(name.strip())
    return not directive or bool(colon and pattern and pattern.fullmatch(value.strip()))


@page_rule(
    "directive-outside-head",
    Severity.WARNING,
    references=(GOOGLE_VALID_HEAD, HTML),
    bad='<body><p>Tea</p><meta name="robots" content="noindex"></body>',
    good='<head><meta name="robots" content="noindex"></head>',
)
def directive_outside_head(page: Page) -> Iterator[Word]:
    """A robots meta tag ends up in body when the page is read.

    An element that may not stand in head ends the head where it stands; crawlers may ignore tags behind it.

    Move the tag into head, in front of any element that belongs into body.
    """
    for robots in page.robots:
        if robots.source == "meta" and not robots.in_head:
            stated = shown(", ".join(robots.directives))
            yield Finding(
                f'The {_locator(robots)} with "{stated}" is in body.',
                {"observed": stated, "locator": f"body {_locator(robots)}"},
                key=robots.agent,
            )
