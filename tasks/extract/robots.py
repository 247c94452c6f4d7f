"""Robots directives: meta elements and X-Robots-Tag.

https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
"""

from collections.abc import Iterator

from tasks.extract import limits
from tasks.extract.names import names
from tasks.model import Robots

AGENTS = names(
    """
    robots googlebot googlebot-news googlebot-image googlebot-video storebot-google google-extended googleother
    google-inspectiontool adsbot-google mediapartners-google bingbot msnbot adidxbot bingpreview slurp yandex
    yandexbot baiduspider duckduckbot applebot applebot-extended naverbot yeti seznambot sogou petalbot teoma
    ia_archiver amazonbot gptbot oai-searchbot chatgpt-user claudebot claude-searchbot claude-user anthropic-ai
    perplexitybot ccbot bytespider meta-externalagent facebookexternalhit facebookbot twitterbot linkedinbot
    pinterestbot mj12bot ahrefsbot semrushbot dotbot
    """
)
"""Names of meta elements that address a crawler."""

_WITH_VALUE = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
_DIRECTIVES = _WITH_VALUE | names(
    """
    all index noindex follow nofollow none noarchive nocache nosnippet noimageindex notranslate
    nositelinkssearchbox indexifembedded noodp noydir noyaca nopreview noai noimageai
    """
)


def meta(agent: str, content: str, *, in_head: bool) -> Robots:
    groups = dict(_groups(content, agent, may_name_agents=False))
    return Robots(agent, tuple(groups.get(agent, ())), "meta", in_head)


def header(value: str) -> Iterator[Robots]:
    """What one X-Robots-Tag value says, per agent it names."""
    for agent, directives in _groups(value, "robots", may_name_agents=True):
        yield Robots(agent, tuple(directives), "header")


def _groups(value: str, agent: str, *, may_name_agents: bool) -> Iterator[tuple[str, list[str]]]:
    directives: list[str] = []
    for part in value[: limits.VALUE].lower().split(","):
        text = " ".join(part.split())
        name, colon, rest = text.partition(":")
        name = name.rstrip()
        if may_name_agents and colon and name not in _DIRECTIVES and _is_agent(name):
            if directives:
                yield agent, directives
            agent, directives, text = ("robots" if name == "*" else name), [], rest.strip()
            name, colon, rest = text.partition(":")
            name = name.rstrip()
        if name not in _DIRECTIVES and directives and _is_date(directives[-1], text):
            directives[-1] += f", {text}"
        elif name in _WITH_VALUE and colon:
            directives.append(f"{name}:{' ' if name == 'unavailable_after' else ''}{rest.strip()}")
        elif text:
            directives.append(text)
    if directives or not may_name_agents:
        yield agent, directives


def _is_date(before: str, text: str) -> bool:
    """True for what goes on with a date that holds commas: "Sunday, 25-Jun-27 15:00:00 GMT"."""
    return before.startswith("unavailable_after:") and any(map(str.isdigit, text))


def _is_agent(name: str) -> bool:
    return name == "*" or (name.replace("-", "").replace("_", "").isalnum() and not name[0].isdigit())
