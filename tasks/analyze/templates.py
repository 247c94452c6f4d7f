"""Prompt templates: plain text with ``{name}`` in it, replaced once and nothing else."""

import re
from collections.abc import Mapping

from tasks.errors import InputError
from tasks.urls import printable

NAMES = {
    "url": "address of the page",
    "facts": "what was extracted from the page, a line each",
    "findings": "the audit's findings, each with its id, severity, message, why it matters and how it is fixed",
    "count": "how many recommendations at most",
}
"""What a template may name."""

REQUIRED = ("findings",)
MAX_TEXT = 20_000
DEFAULT_NAME = "default"
DEFAULT_TEXT = """\
Page: {url}

What was extracted from it:
{facts}

What the audit found:
{findings}

Recommend what to change on this page, at most {count} recommendations, the most valuable first. For each one:
- say in "title" what to do, as an instruction of at most 80 characters;
- say in "description" why it matters for this page and how exactly to do it, with the wording, element or value to \
use; no generalities, nothing that holds for any page;
- treat findings with one cause in one recommendation, and name them all in "findings";
- choose "priority" by effect on search traffic: high for what keeps the page from being found or understood;
- where a finding is about the title or the meta description, write the new text in the page's own language: a title \
of 30 to 60 characters, a description of 70 to 160;
- where structured data fits what the page already shows, write it as JSON-LD; every value must be stated on the page.
"""

_NAME = re.compile(r"\{([a-z_]{1,40})\}")


def check(text: str) -> str:
    """``text``, where it can be used.

    Raises:
        InputError: it is empty or too long, names what there is not, or leaves the findings out.
    """
    if not text.strip():
        raise InputError("the template is empty: write what the model is to do with {findings}")
    if len(text) > MAX_TEXT:
        raise InputError(f"the template has {len(text):,} characters: at most {MAX_TEXT:,} are taken")
    named = set(_NAME.findall(text))
    there_are = ", ".join(f"{{{name}}}" for name in NAMES)
    if unknown := sorted(named - NAMES.keys()):
        raise InputError(f"the template names {{{printable(unknown[0], 50)}}}: there are {there_are}")
    if missing := [name for name in REQUIRED if name not in named]:
        raise InputError(f"the template does not name {{{missing[0]}}}: the model would have nothing to go by")
    return text


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with each ``{name}`` replaced; braces within the values stay as they are."""
    return _NAME.sub(lambda found: values.get(found[1], found[0]), text)
