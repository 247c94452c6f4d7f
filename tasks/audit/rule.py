"""What a rule is: a generator function of one typed subject, and the record made of it.

A response rule sees the answer (``Response``, ``FetchFailure`` or either, as annotated) and, where it asks for it, the
``Page`` or None; a page rule sees a ``Page`` and, where it asks for it, the ``Response`` behind or what a browser made
of it (``Rendered``); a site rule sees the ``Site``, the tables of a whole run.
Keyword-only parameters are the options.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any, Literal, Required, TypedDict, TypeVar, Unpack, get_args

from pydantic import Field, TypeAdapter, ValidationError

from tasks.audit.references import Reference
from tasks.audit.site.site import Site
from tasks.model import Behaviour, Evidence, FetchFailure, Page, Rendered, Response, Severity
from tasks.urls import printable

FIRST_RELEASE = "0.1.0"
MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Unit:
    """What an option counts."""

    name: str


Characters = Annotated[int, Field(ge=0), Unit("characters")]
Pixels = Annotated[int, Field(ge=0), Unit("pixels")]
Words = Annotated[int, Field(ge=0), Unit("words")]
Bytes = Annotated[int, Field(ge=0), Unit("bytes")]
Hops = Annotated[int, Field(ge=1), Unit("hops")]
Seconds = Annotated[float, Field(ge=0), Unit("seconds")]
Languages = Annotated[int, Field(ge=1), Unit("languages")]
Pages = Annotated[int, Field(ge=1), Unit("pages")]
Clicks = Annotated[int, Field(ge=0), Unit("clicks")]
Percent = Annotated[float, Field(gt=0, le=100), Unit("percent")]


class Applies(StrEnum):
    """Which subjects a rule judges; all others are not applicable, or unknown where nothing was fetched."""

    ANY = "any"
    ANSWERED = "answered"
    REDIRECTED = "redirected"
    HTML200 = "html200"
    INDEXABLE = "indexable"
    SITE = "site"
    CRAWL = "crawl"
    COMPLETE_CRAWL = "complete-crawl"

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Applies.ANY: "every address that was asked for",
    Applies.ANSWERED: "an HTTP status was observed, of a redirect or of the final answer",
    Applies.REDIRECTED: "at least one redirect was observed",
    Applies.HTML200: "the final answer is HTML with status 200",
    Applies.INDEXABLE: "html200, and no robots.txt, refresh, directive or canonical to another page keeps it out",
    Applies.SITE: "a crawl as a whole",
    Applies.CRAWL: "the pages of a crawl; nothing found is unknown where it is incomplete or links are cut",
    Applies.COMPLETE_CRAWL: "the pages of a complete crawl; all is unknown where it is incomplete or links are cut",
}

_OF_SITES = (Applies.SITE, Applies.CRAWL, Applies.COMPLETE_CRAWL)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault.

    Attributes:
        message: one sentence with the observed value.
        evidence: ``observed``, ``limit``, ``locator`` and what else helps to find the place.
        key: tells the findings of one rule on one page apart, alike in every run: no count, date or threshold.
        severity: by degree; None for the rule's own.
        observed: False where inferred.
    """

    message: str
    evidence: Evidence = field(default_factory=dict)
    key: str = ""
    severity: Severity | None = None
    observed: bool = True


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """Nothing to judge here; ``why`` names what excluded it, in words that do not vary by page."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be told; ``why`` names the missing input, in words that do not vary by page."""

    why: str


@dataclass(frozen=True, slots=True)
class Findings:
    """All faults of a site: a SELECT of ``page_id``, ``url``, ``severity``, ``message``, ``evidence`` and ``key``.

    ``page_id`` is empty for what is no page of the run; ``evidence`` is a struct of plain values; a null ``severity``
    is the rule's own, and ``key`` tells the faults of one address apart, as those of a ``Finding``. A second look may
    tell the fault of a page again, with the severity it was ``raised_from``: that finding then stands for the page's.

    Attributes:
        values: of the query's ``$names``.
    """

    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)


Word = Finding | NotApplicable | Unknown
SiteWord = Findings | NotApplicable | Unknown
Check = Callable[..., Iterator[Any]]
"""Yields ``Word``; ``SiteWord`` of a site."""

CheckT = TypeVar("CheckT", bound=Check)


@dataclass(frozen=True, slots=True)
class Unparsable:
    """HTML that parsing gives up on."""

    html: str


@dataclass(frozen=True, slots=True)
class InBrowser:
    """HTML, and what a browser makes of it; ``told`` says for people what else it does there."""

    html: str
    becomes: str
    behaviour: Behaviour = field(default_factory=Behaviour)
    told: str = ""


Sample = str | Response | FetchFailure | Unparsable | InBrowser
Level = Literal["page", "site"]


@dataclass(frozen=True, slots=True)
class Param:
    """An option of a rule; ``type`` is its annotation, which also bounds the value."""

    name: str
    type: Any
    default: object
    unit: str = ""

    def fault(self, value: object) -> str:
        """What is wrong with ``value``; empty where nothing is."""
        try:
            TypeAdapter(self.type).validate_python(value, strict=True)
        except ValidationError as error:
            return error.errors()[0]["msg"]
        return ""


class Details(TypedDict, total=False):
    """What a decorator takes beside id and severity; the category is the module's name unless given."""

    bad: Required[Sample]
    good: Required[Sample]
    references: tuple[Reference, ...]
    applies: Applies
    category: str
    of_lists: bool
    version: int
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The record of a rule.

    Attributes:
        severity: by default; a finding may raise or lower it, a profile overrides both.
        sees: the types of subject it is called with.
        needs_both: takes the page and the ``Response`` behind it; a response rule its own subject first.
        needs_browser: takes the page and what a browser made of it.
        summary: one line. ``why`` and ``fix``: advice for people.
        bad, good: samples that fail and pass; text is the HTML of a page at https://example.com/, or a whole site.
        of_lists: a site rule that judges lists of pages, too.
        version: raised with every change of the condition.
        since: release that brought it.
    """

    id: str
    severity: Severity
    category: str
    applies: Applies
    check: Check
    sees: tuple[type, ...]
    needs_both: bool
    needs_browser: bool
    params: tuple[Param, ...]
    summary: str
    why: str
    fix: str
    references: tuple[Reference, ...]
    bad: Sample
    good: Sample
    level: Level = "page"
    of_lists: bool = False
    version: int = 1
    since: str = FIRST_RELEASE


registered: dict[str, Rule] = {}
second_looks: dict[str, Check] = {}
"""By id, what a rule of single pages says of them once the whole site is known."""


def response_rule(rule_id: str, severity: Severity, **details: Unpack[Details]) -> Callable[[CheckT], CheckT]:
    """Make a generator function of an answer a rule; it applies to any answer unless said otherwise."""

    def register(check: CheckT) -> CheckT:
        subjects = _subjects(check)
        if not {*subjects[0]} <= {Response, FetchFailure} or subjects[1:] not in ([], [(Page, NoneType)]):
            raise TypeError(f"{rule_id}: a response rule takes a Response, FetchFailure or either, and Page | None")
        return _register(rule_id, severity, check, {"applies": Applies.ANY, **details})

    return register


def page_rule(rule_id: str, severity: Severity, **details: Unpack[Details]) -> Callable[[CheckT], CheckT]:
    """Make a generator function of a page a rule; it applies to all HTML with status 200 unless said otherwise."""

    def register(check: CheckT) -> CheckT:
        if _subjects(check) not in ([(Page,)], [(Page,), (Response,)], [(Page,), (Rendered,)]):
            raise TypeError(f"{rule_id}: a page rule takes a Page, and a Response or Rendered where it needs one")
        if details.get("applies", Applies.HTML200) not in {Applies.HTML200, Applies.INDEXABLE}:
            raise TypeError(f"{rule_id}: a page rule applies to {Applies.HTML200} or {Applies.INDEXABLE}")
        return _register(rule_id, severity, check, {"applies": Applies.HTML200, **details})

    return register


def site_rule(rule_id: str, severity: Severity, **details: Unpack[Details]) -> Callable[[CheckT], CheckT]:
    """Make a generator function of a site a rule; it applies to the pages of a crawl unless said otherwise.

    Its ``bad`` and ``good`` are whole sites, one address a line, as the manual explains.
    """

    def register(check: CheckT) -> CheckT:
        if _subjects(check) != [(Site,)]:
            raise TypeError(f"{rule_id}: a site rule takes a Site")
        if details.get("applies", Applies.CRAWL) not in _OF_SITES:
            raise TypeError(f"{rule_id}: a site rule applies to {', '.join(_OF_SITES)}")
        return _register(rule_id, severity, check, {"applies": Applies.CRAWL, **details}, level="site")

    return register


def second_look(rule_id: str) -> Callable[[CheckT], CheckT]:
    """Make a generator function of a site the second part of a rule of single pages; it yields ``Findings``."""

    def register(check: CheckT) -> CheckT:
        second_looks[rule_id] = check
        return check

    return register


def _register(rule_id: str, severity: Severity, check: CheckT, details: Details, level: Level = "page") -> CheckT:
    if rule_id in registered:
        raise TypeError(f"{rule_id}: two rules of one id")
    subjects = _subjects(check)
    summary, why, fix = _manual_page(rule_id, check)
    registered[rule_id] = Rule(
        id=rule_id,
        severity=severity,
        category=details.get("category", check.__module__.rpartition(".")[2].replace("_", "-")),
        applies=details["applies"],
        check=check,
        sees=subjects[0],
        needs_both=len(subjects) > 1,
        needs_browser=subjects[1:] == [(Rendered,)],
        params=tuple(_params(check)),
        summary=summary,
        why=why,
        fix=fix,
        references=details.get("references", ()),
        bad=details["bad"],
        good=details["good"],
        level=level,
        of_lists=details.get("of_lists", False),
        version=details.get("version", 1),
        since=details.get("since", FIRST_RELEASE),
    )
    return check


def _subjects(check: Check) -> list[tuple[type, ...]]:
    """The types of each positional parameter, unions spread."""
    parameters = inspect.signature(check).parameters.values()
    return [get_args(p.annotation) or (p.annotation,) for p in parameters if p.kind is not p.KEYWORD_ONLY]


def _params(check: Check) -> Iterator[Param]:
    for parameter in inspect.signature(check).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            notes = getattr(parameter.annotation, "__metadata__", ())
            unit = next((note.name for note in notes if isinstance(note, Unit)), "")
            yield Param(parameter.name, parameter.annotation, parameter.default, unit)


def _manual_page(rule_id: str, check: Check) -> tuple[str, str, str]:
    """Summary, why and how to fix: the first, the middle and the last paragraph of the docstring."""
    paragraphs = [" ".join(text.split()) for text in inspect.cleandoc(check.__doc__ or "").split("\n\n")]
    if len(paragraphs) != 3:  # noqa: PLR2004 - the three named above
        raise TypeError(f"{rule_id}: the docstring has a summary, a paragraph why and a paragraph how to fix")
    return paragraphs[0], paragraphs[1], paragraphs[2]


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """``text`` for a message or evidence: one line, control characters escaped, cut at ``limit``."""
    cut = text[:limit]
    escaped = cut if cut.isprintable() else printable(cut)
    return escaped if len(text) <= limit else f"{escaped}…"
