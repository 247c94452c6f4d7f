"""Recommendations for people at a terminal."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tasks.report.escape import terminal as safe
from tasks.store import Recommendation

BEST = 5
STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan"}
LONG = 2000
LONG_JSON_LD = 10_000
COLUMNS = (
    "page_id",
    "url",
    "priority",
    "category",
    "title",
    "description",
    "rules",
    "findings",
    "proposed_title",
    "proposed_description",
    "proposed_json_ld",
    "source",
    "model",
    "template_version",
    "run_id",
    "created_at",
)


def advice_view(found: Sequence[Recommendation]) -> RenderableType:
    """Recommendations in their order, each with what it rests on and what it proposes."""
    if not found:
        return Text("nothing to recommend", style="green")
    first = found[0]
    by = f"{first.model}, template {first.template_version}" if first.source == "llm" else "the rules"
    counted = "1 recommendation" if len(found) == 1 else f"{len(found)} recommendations"
    head = Text.assemble((safe(first.url, LONG), "bold"), (f"  {counted} by {safe(by, 200)}", "dim"))
    return Group(head, *(part for number, item in enumerate(found, 1) for part in _item(number, item)))


def best_view(found: Sequence[Recommendation]) -> RenderableType:
    """A run's best recommendations: high priority first, each rule once, with their pages."""
    pages = len({item.page_id for item in found})
    counted = f"{len(found):,} recommendations for {pages:,} page{'' if pages == 1 else 's'}"
    by = " and ".join(sorted({item.model or "the rules" for item in found}))
    head = Text.assemble((counted, "bold"), (f" by {safe(by, 200)}, the first of them", "dim"))
    return Group(
        head, *(part for number, item in enumerate(best_of(found), 1) for part in _item(number, item, item.url))
    )


def beside_issues(found: Sequence[Recommendation]) -> tuple[RenderableType, ...]:
    """A model's advice under a page's issues; the rules' own stands there already."""
    return ("", advice_view(found)) if any(item.source == "llm" for item in found) else ()


def best_of(found: Sequence[Recommendation], count: int = BEST) -> list[Recommendation]:
    chosen: list[Recommendation] = []
    seen: set[str] = set()
    for item in sorted(found, key=lambda item: tuple(STYLES).index(item.priority)):
        if len(chosen) < count and seen.isdisjoint(item.rules):
            chosen.append(item)
            seen.update(item.rules)
    return chosen


def advice_row(item: Recommendation) -> dict[str, Any]:
    """A recommendation for programs."""
    return {name: getattr(item, name) for name in COLUMNS}


def _item(number: int, item: Recommendation, page: str = "") -> Iterable[RenderableType]:
    yield Text("")
    yield Text.assemble(
        f"{number:>2}. ", (f"{item.priority:<7}", STYLES[item.priority]), (safe(item.title, LONG), "bold")
    )
    if page:
        yield _indented(page, "dim")
    for paragraph in item.description.splitlines():
        yield _indented(paragraph)
    proposals = (
        ("title", item.proposed_title),
        ("description", item.proposed_description),
    )
    for name, text in proposals:
        if text:
            yield _indented(f"→ {name}: {text}", "green")
    if item.proposed_json_ld:
        yield _indented("→ JSON-LD:", "green")
        lines = item.proposed_json_ld[:LONG_JSON_LD].splitlines()
        yield Padding(Text("\n".join(_line(line) for line in lines), "green"), (0, 0, 0, 6), expand=False)
    counted = f" ({len(item.findings)} findings)" if len(item.findings) > 1 else ""
    yield _indented(f"rests on {', '.join(item.rules)}{counted}", "dim")


def _line(line: str) -> str:
    """A line of JSON with its indentation, which folding would take."""
    start = len(line) - len(line.lstrip(" "))
    return line[:start] + safe(line[start:], LONG)


def _indented(text: str, style: str = "") -> Padding:
    return Padding(Text(safe(text, LONG), style=style), (0, 0, 0, 4), expand=False)
