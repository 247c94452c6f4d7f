"""What a model may answer: one closed shape, whatever it was asked for."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

SCHEMA_VERSION = 1
MAX_RECOMMENDATIONS = 12
MAX_ANSWER = 200_000
"""Characters of an answer that are read."""

MAX_PROBLEMS = 5
_STARTS_TRIED = 200

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
    listed = _listed(text[:MAX_ANSWER])
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


def _listed(text: str) -> list[Any]:
    """What the last object with recommendations lists: a model may think aloud before it, and explain after it."""
    answers = list(_objects(text))
    listed: list[list[Any]] = [found for answer in answers if isinstance(found := answer.get("recommendations"), list)]
    if not listed:
        raise Nonsense(
            'the JSON object has no list "recommendations"' if answers else "the answer is not one JSON object"
        )
    return listed[-1]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    start = text.find("{")
    for _ in range(_STARTS_TRIED):
        if start < 0:
            return
        try:
            found, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield found
        start = text.find("{", end)


_DECODER = json.JSONDecoder(strict=False)
"""Takes line breaks within texts as they are."""
