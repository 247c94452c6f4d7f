"""What a model may answer: one closed shape, whatever it was asked for."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

SCHEMA_VERSION = 1
MAX_RECOMMENDATIONS = 12
MAX_ANSWER = 200_000
"""Characters of an answer that are read."""

MAX_PROBLEMS = 5
_STARTS_TRIED = 20
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)

Priority = Literal["high", "medium", "low"]
Category = Literal[
    "canonical", "content", "description", "document", "headings", "hreflang", "http", "images", "indexability",
    "links", "redirects", "rendering", "security", "sitemap", "structured-data", "title",
]  # fmt: skip
CATEGORIES: tuple[str, ...] = get_args(Category)


def _at_most(length: int) -> Any:
    return StringConstraints(strip_whitespace=True, max_length=length)


class Advised(BaseModel):
    """One recommendation as the model wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=150)]
    description: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000)]
    priority: Priority
    category: Category
    findings: Annotated[list[Annotated[str, _at_most(20)]], Field(max_length=50)]
    quote: Annotated[str, _at_most(500)] = ""
    proposed_title: Annotated[str, _at_most(300)] = ""
    proposed_description: Annotated[str, _at_most(1000)] = ""
    proposed_json_ld: Annotated[str, _at_most(10_000)] = ""


class Nonsense(ValueError):
    """An answer without a usable recommendation; its text tells the model what is wrong."""


def read_advice(text: str) -> tuple[list[Advised], list[str]]:
    """The recommendations in an answer that are as they should be, and what is wrong with the others.

    Raises:
        Nonsense: there is no JSON object of that form, or none of its recommendations is of use.
    """
    answer = _object(text[:MAX_ANSWER])
    listed = answer.get("recommendations")
    if not isinstance(listed, list):
        raise Nonsense('the JSON object has no list "recommendations"')
    advised: list[Advised] = []
    problems: list[str] = []
    for number, item in enumerate(listed[:MAX_RECOMMENDATIONS]):
        try:
            advised.append(Advised.model_validate(item))
        except ValidationError as error:
            problems += [f"recommendations.{number}.{problem}" for problem in _problems(error)]
    if listed and not advised:
        raise Nonsense("; ".join(problems[:MAX_PROBLEMS]))
    return advised, problems


def wire_schema() -> dict[str, Any]:
    """The shape as strict JSON Schema: all required, nothing more, and only keywords that every server takes."""
    properties = {name: _plain(part) for name, part in Advised.model_json_schema()["properties"].items()}
    item = {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
    listed = {"type": "array", "items": item}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["recommendations"],
        "properties": {"recommendations": listed},
    }


def _plain(part: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: part[name] for name in ("type", "enum") if name in part}
    return kept | {"items": _plain(part["items"])} if "items" in part else kept


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False, include_context=False)[:MAX_PROBLEMS]:
        # what the answer itself made up as a field name is not repeated
        path = [str(step) for step in problem["loc"] if step in Advised.model_fields or isinstance(step, int)]
        yield f"{'.'.join(path) or 'item'}: {problem['msg']}"


def _object(text: str) -> Mapping[str, Any]:
    for candidate in _candidates(text):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    raise Nonsense("the answer is not one JSON object")


def _candidates(text: str) -> Iterator[str]:
    """The answer itself, what it fences, and what begins and ends with braces in it."""
    yield text
    yield from (found[1] for found in _FENCE.finditer(text))
    end = text.rfind("}") + 1
    start = -1
    for _ in range(_STARTS_TRIED):
        start = text.find("{", start + 1)
        if start < 0 or start >= end:
            return
        yield text[start:end]
