"""The Link header: https://www.rfc-editor.org/rfc/rfc8288#appendix-B.2."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TARGET = re.compile(r"[\s,]*<([^>]*)>")
_PARAMETER = re.compile(
    r"""[ \t]*;[ \t]*
        (?:(?P<name>[^\s=;,]+)[ \t]*
           (?:=[ \t]*(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"?|(?P<plain>[^;,]*)))?
        )?""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class HeaderLink:
    """One link of a Link header; ``rel`` and ``anchor`` are the first of their name, as the RFC asks.

    ``parameters`` are the names of all.
    """

    href: str
    rel: tuple[str, ...]
    hreflang: tuple[str, ...]
    anchor: str | None
    parameters: frozenset[str]


def parse(value: str) -> Iterator[HeaderLink]:
    """The links in ``value``, up to the first thing that is none."""
    position = 0
    while (target := _TARGET.match(value, position)) is not None:
        position = target.end()
        parameters: list[tuple[str, str]] = []
        while (found := _PARAMETER.match(value, position)) is not None:
            position = found.end()
            if found["name"]:
                parameters.append((found["name"].lower(), _value(found)))
        yield _link(target[1].strip(), parameters)
        comma = value.find(",", position)
        if comma < 0:
            return
        position = comma


def _value(found: re.Match[str]) -> str:
    if found["quoted"] is not None:
        return _ESCAPED.sub(r"\1", found["quoted"])
    return (found["plain"] or "").strip()


def _link(href: str, parameters: list[tuple[str, str]]) -> HeaderLink:
    rel = next((value for name, value in parameters if name == "rel"), "")
    return HeaderLink(
        href,
        rel=tuple(rel.lower().split()),
        hreflang=tuple(value for name, value in parameters if name == "hreflang"),
        anchor=next((value for name, value in parameters if name == "anchor"), None),
        parameters=frozenset(name for name, _ in parameters),
    )
