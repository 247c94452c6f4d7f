"""Texts that a model proposes, judged by the rules that would judge them on the page."""

import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from tasks.analyze.addresses import Named
from tasks.analyze.visible import clean
from tasks.audit import Profile, audit
from tasks.extract.page import extract
from tasks.model import Response

_PAGE = "https://example.com/"
_VOCABULARY = re.compile(r"https?://(?:www\.)?schema\.org(?:/|$)")
_VALUES = 2000
"""Names and values of one JSON-LD block that are looked at; more are not proposed by anyone in earnest."""


class Unfit(ValueError):
    """A proposal that is not shown; its text says why."""


def fit_title(text: str, profile: Profile) -> str:
    """``text`` as a title that the rules pass.

    Raises:
        Unfit: naming what a rule has against it.
    """
    title = clean(text)
    return _judged(title, f"<title>{escape(title)}</title>", "title", profile)


def fit_description(text: str, profile: Profile) -> str:
    """As ``fit_title``, of a meta description."""
    description = clean(text)
    return _judged(description, f'<meta name="description" content="{escape(description)}">', "description", profile)


def fit_json_ld(text: str, profile: Profile, named: Named) -> str:
    """``text`` as a JSON-LD block, written so that it can stand in a script element.

    Raises:
        Unfit: it is no JSON-LD of schema.org, names an address that the page does not, or a rule is against it.
    """
    try:
        block = json.loads(text)
        # Python takes NaN, and a slash ends no script
        written = json.dumps(block, ensure_ascii=False, indent=2, allow_nan=False).replace("<", "\\u003c")
    except (ValueError, RecursionError):
        raise Unfit("the JSON-LD is not JSON") from None
    if not isinstance(block, dict) or not _has_vocabulary(block) or not ("@type" in block or "@graph" in block):
        raise Unfit("the JSON-LD is no object with @context https://schema.org and @type")
    for value in _strings(block):
        if named.only(value) != value:
            raise Unfit("the JSON-LD names an address that the page does not")
    html = f'<script type="application/ld+json">{written}</script>'
    return _judged(written, html, "structured-data", profile)


def _judged(text: str, element: str, category: str, profile: Profile) -> str:
    """``text``, where the rules of ``category`` pass a page with ``element`` in its head."""
    rules = Profile(select=(category,), ignore=profile.ignore, severity=profile.severity, options=profile.options)
    source = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{element}</head><body><h1>Tea</h1></body></html>'
    )
    answer = Response(
        url=_PAGE, status=200, headers=(("content-type", "text/html"),), body=source.encode(), text=source
    )
    verdict = audit(answer, extract(answer), rules)
    if verdict.issues:
        raise Unfit(verdict.issues[0].message)
    return text


def _has_vocabulary(block: dict[str, Any]) -> bool:
    context = block.get("@context")
    named = context if isinstance(context, list) else [context]
    return any(isinstance(name, str) and _VOCABULARY.match(name) for name in named)


def _strings(block: Any) -> Iterator[str]:
    pending, seen = [block], 0
    while pending:
        value = pending.pop()
        seen += 1
        if seen > _VALUES:
            raise Unfit("the JSON-LD is too large")
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            pending += [*value, *value.values()]
