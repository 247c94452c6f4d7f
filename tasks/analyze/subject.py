"""What is known of the page to be analysed: facts, findings, visible text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.analyze.visible import clean, visible
from tasks.audit import all_rules
from tasks.audit.rule import Rule
from tasks.fetch.charset import text_of
from tasks.model import Severity
from tasks.urls import address, printable

TEXT_CHARACTERS = 12_000
FINDINGS_OF_A_RULE = 4
MAX_FACT = 300
HEADINGS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An issue of the page; ``name`` is what prompt and answer call it, such as F1.

    Attributes:
        alike: fingerprints of further issues of its rule on the page, which have no name of their own.
    """

    name: str
    rule: str
    severity: Severity
    category: str
    message: str
    fingerprint: str
    alike: tuple[str, ...] = ()

    @property
    def fingerprints(self) -> tuple[str, ...]:
        return (self.fingerprint, *self.alike)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One stored page.

    Attributes:
        facts: name and value; the values are the page's words.
        findings: gravest first, at most 4 of a rule.
        text: what people see of it; empty where its source is not kept or cannot be read.
        hidden_words: in text that people do not see.
        links: addresses that the page names, and its own.
    """

    run_id: str
    page_id: str
    url: str
    facts: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    text: str = ""
    hidden_words: int = 0
    links: frozenset[str] = frozenset()


def subject_of(page: Mapping[str, Any], source: bytes | None) -> Subject:
    """The page object ``page`` with its stored ``source``."""
    encoding = page["facts"].get("encoding") or "utf-8"
    seen = visible(text_of(source, encoding), TEXT_CHARACTERS) if source else None
    return Subject(
        run_id=page["run_id"],
        page_id=page["page_id"],
        url=page["url"],
        facts=tuple((name, value) for name, value in _facts(page) if value),
        findings=tuple(_findings(page["issues"])),
        text=seen.text if seen else "",
        hidden_words=seen.hidden if seen else 0,
        links=frozenset(_links(page)),
    )


def rules_by_id() -> dict[str, Rule]:
    return {rule.id: rule for rule in all_rules()}


def _facts(page: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    facts = page["facts"]
    yield "url", printable(page["final_url"] or page["url"])
    yield "status", str(page["status"] or page["reason"] or "")
    yield "kept out of the index by", _text(facts["not_indexable"])
    yield "language", _text(facts["lang"])
    yield "title", _text(facts["title"])
    yield "meta description", _text(facts["meta_description"])
    yield "canonical", _text(next(iter(facts["canonicals"]), None))
    for heading in facts["headings"][:HEADINGS]:
        yield f"h{heading['level']}", _text(heading["text"])
    yield "words", str(facts["word_count"] or "")
    yield "page type", _text(facts["page_type"])
    images = facts["images"]
    yield "images", f"{len(images)}, {sum(not image['alt'] for image in images)} without alt text" if images else ""
    links = facts["links"]
    internal = sum(bool(link["internal"]) for link in links)
    yield "links", f"{internal} internal, {len(links) - internal} external" if links else ""
    yield "structured data", _text(", ".join(_types(facts["structured_data"])))
    yield "Open Graph", _text(", ".join(facts["open_graph"]))


def _text(value: object) -> str:
    """A value of the page, on one line, nothing hidden in it."""
    text = clean(str(value or ""))
    return text if len(text) <= MAX_FACT else f"{text[:MAX_FACT]}…"


def _types(blocks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for block in blocks[:20]:
        types = block["type"]
        yield from types[:5] if isinstance(types, list) else [types or "unnamed"]


def _findings(issues: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    ranked = sorted(issues, key=lambda issue: list(Severity).index(Severity(issue["severity"])))
    of_rule: dict[str, list[Mapping[str, Any]]] = {}
    for issue in ranked:
        of_rule.setdefault(issue["rule"], []).append(issue)
    number = 0
    for alike in of_rule.values():
        for place, issue in enumerate(alike[:FINDINGS_OF_A_RULE], 1):
            number += 1
            rest = alike[place:] if place == FINDINGS_OF_A_RULE else ()
            yield Finding(
                name=f"F{number}",
                rule=issue["rule"],
                severity=Severity(issue["severity"]),
                category=issue["category"],
                message=_text(issue["message"]),
                fingerprint=issue["fingerprint"],
                alike=tuple(other["fingerprint"] for other in rest),
            )


def _links(page: Mapping[str, Any]) -> Iterator[str]:
    facts = page["facts"]
    named = [page["url"], page["final_url"], *facts["canonicals"]]
    named += [found["url"] for kind in ("links", "hreflang", "resources") for found in facts[kind]]
    named += [image["src"] for image in facts["images"]]
    yield from (address(url) for url in named if url)
