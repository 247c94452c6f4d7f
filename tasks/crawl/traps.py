"""Addresses that a site makes without end: repeating paths, combined parameters, calendars."""

import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from tasks.urls import printable

MAX_LENGTH = 2083
MAX_REPEATS = 2
"""How often a segment may stand in one path."""
MIN_COMBINED = 500
"""Fewer addresses of one template are never a combination of parameters."""
MAX_COMBINED = 250
"""Combinations that may remain of a template's parameters whichever of them is left out."""
MANY_OF_ONE = 8
"""Addresses with one value of a parameter that are combinations of the others, not the few places of a thing."""
MAX_DATED = 5000
"""Addresses that may differ in dates only."""
MAX_NUMBERED = 50_000
"""Addresses that may differ in parameters only."""
MAX_YEARS_AHEAD = 2
MAX_DATES_AHEAD = 24
"""Dates past the horizon that one template may have: single ones are plans."""
MAX_TEMPLATES = 50_000
MAX_ADDRESSES = 200_000
MAX_CHARACTERS = 30_000_000
"""What is remembered, of all templates together; further addresses are let in."""

_MAX_PARAMETERS = 12
_MAX_NAMES = 100
_MAX_SHOWN = 200
_PAGING = frozenset({"p", "page", "paged", "pg", "seite", "pagina", "start", "offset", "from"})
_DATE = re.compile(
    r"(?<!\d)([12]\d{3})([-/_.])(0?[1-9]|1[0-2])(\2(?:0?[1-9]|[12]\d|3[01]))?(?!\d)|(?<=[?&]year=)([12]\d{3})(?!\d)"
)


@dataclass(slots=True)
class _Template:
    """Addresses that differ in parameters and dates only.

    Attributes:
        variants: what they differ in. dated: how many of them have a date.
        endless: why no further one is let in; combined: why none is with several parameters. Empty where they are.
        has_near: one has a date that is not ahead. ahead: how many have one that is.
    """

    variants: set[str] = field(default_factory=set)
    dated: int = 0
    endless: str = ""
    combined: str = ""
    has_near: bool = False
    ahead: int = 0


class Traps:
    """What is known of a run's addresses, to tell which go on for ever.

    What ends a template stays true however many addresses join it and in whatever order: so a site of which no template
    is a trap when all of it is known is never cut, whoever finds what first. Addresses that a person or a sitemap named
    are not asked about: nobody lists an endless calendar.

    Args:
        today: the calendar's horizon is counted from here; None for the current date.
    """

    def __init__(self, today: date | None = None) -> None:
        today = today or datetime.now(UTC).date()
        self._horizon = (today.year + MAX_YEARS_AHEAD, today.month)
        self._templates: dict[str, _Template] = {}
        self._remembered = 0
        self._characters = 0

    def seed(self, urls: Iterable[str]) -> None:
        """Takes into account what the run's frontier holds already."""
        for url in urls:
            self.why(url)

    def why(self, url: str) -> str | None:
        """The trap that ``url`` belongs to; None where it may be fetched, and then for ever."""
        if len(url) > MAX_LENGTH:
            return f"{len(url):,} characters long"
        path, _, query = url.partition("?")
        if (segment := _repeated(path)) is not None:
            return f"path segment {printable(segment, _MAX_SHOWN)} repeats more than {MAX_REPEATS} times"
        dates = list(_DATE.finditer(url))
        if not dates and not query:
            return None
        template = _DATE.sub("{date}", path) if dates else path
        variant = "&".join((query, *(f"{found.start()}={found[0]}" for found in dates if found.end() <= len(path))))
        return self._counted(template, variant, dates)

    def _counted(self, name: str, variant: str, dates: list[re.Match[str]]) -> str | None:
        template = self._templates.get(name)
        if template is None:
            if len(self._templates) >= MAX_TEMPLATES or self._characters >= MAX_CHARACTERS:
                return None
            self._characters += len(name)
            template = self._templates[name] = _Template()
        if variant in template.variants:
            return None
        ahead = next((found for found in dates if self._is_ahead(found)), None)
        template.has_near = template.has_near or bool(dates and ahead is None)
        why = template.endless or _calendar(name, template, ahead)
        if not why and template.combined and not _is_plain(variant):
            why = template.combined
        if not why and self._remembered < MAX_ADDRESSES and self._characters < MAX_CHARACTERS:
            self._remembered += 1
            self._characters += len(variant)
            template.variants.add(variant)
            template.dated += bool(dates)
            template.ahead += ahead is not None and _is_surely_a_date(ahead)
            _close(name, template)
        return why or None

    def _is_ahead(self, found: re.Match[str]) -> bool:
        year, month = (found[1], found[3]) if found[1] else (found[5], "1")
        return (int(year), int(month)) > self._horizon


def _calendar(name: str, template: _Template, ahead: re.Match[str] | None) -> str:
    """Why a date is too far ahead of others; a template without any near is a row of numbers."""
    if ahead is None or not template.has_near or template.ahead < MAX_DATES_AHEAD:
        return ""
    return f"{ahead[0]} lies more than {MAX_YEARS_AHEAD} years ahead, as many dates in {_shown(name)}"


def _close(name: str, template: _Template) -> None:
    """Ends a template at its limits; combinations are looked for each time it has doubled, as looking takes time."""
    count = len(template.variants)
    if template.dated >= MAX_DATED or count >= MAX_NUMBERED:
        template.endless = f"{count:,} addresses are {_shown(name)} with other parameters or dates"
    elif count % MIN_COMBINED == 0 and (count // MIN_COMBINED).bit_count() == 1 and _is_combined(template.variants):
        template.combined = f"{count:,} addresses are {_shown(name)} with parameters combined anew"


def _shown(template: str) -> str:
    return printable(template, _MAX_SHOWN)


def _repeated(path: str) -> str | None:
    """A segment that stands too often in ``path``; numbers are no names, and may."""
    segments = path.split("/")[3:]
    if len(segments) - len(set(segments)) < MAX_REPEATS:
        return None
    counted = Counter(segment for segment in segments if segment and not segment.isdigit())
    return next((segment for segment, count in counted.items() if count > MAX_REPEATS), None)


def _is_surely_a_date(found: re.Match[str]) -> bool:
    """True with a day, a month of two digits that begins with 0, or a parameter's name; 2101/12 may be anything."""
    return found[1] is None or found[4] is not None or found[3].startswith("0")


def _is_plain(variant: str) -> bool:
    """True with one parameter at most, but for the page of a list."""
    return len({pair.partition("=")[0].lower() for pair in variant.split("&") if pair} - _PAGING) <= 1


def _is_combined(variants: Collection[str]) -> bool:
    """True where many combinations remain whichever parameter is left out, with those that follow from it.

    Of a catalogue, a forum or any row of things a few remain once the thing itself is left out: its pages, its
    languages. What names the thing, as ``id`` does, decides the rest; or nearly so, where things are in several of many
    categories.
    """
    columns = list(zip(*set(zip(*_columns(variants), strict=True)), strict=True))
    return all(_crowded(one) >= MAX_COMBINED and _remaining(one, columns) >= MAX_COMBINED for one in columns)


def _crowded(column: Sequence[int]) -> int:
    """Addresses that share their value with many others."""
    return sum(count for count in Counter(column).values() if count >= MANY_OF_ONE)


def _columns(variants: Collection[str]) -> list["array[int]"]:
    """The values of each parameter, address by address; of many parameters those with the most values, these first.

    They are hashed: tens of thousands of addresses may each have hundreds of parameters.
    """
    columns = {name: array("q", bytes(8 * len(variants))) for name in _names(variants)}
    for number, variant in enumerate(variants):
        for name, value in _pairs(variant):
            if (column := columns.get(name)) is not None:
                column[number] = hash((column[number], value))
    return sorted(columns.values(), key=lambda column: len(set(column)), reverse=True)[:_MAX_PARAMETERS]


def _names(variants: Iterable[str]) -> list[str]:
    names: set[str] = set()
    for variant in variants:
        names.update(name for name, _ in _pairs(variant))
        if len(names) > 2 * _MAX_NAMES:
            names = set(sorted(names)[:_MAX_NAMES])
    return sorted(names)[:_MAX_NAMES]


def _pairs(variant: str) -> Iterator[tuple[str, str]]:
    for pair in variant.split("&", _MAX_NAMES)[:_MAX_NAMES]:
        name, _, value = pair.partition("=")
        yield name, value


def _remaining(decisive: Sequence[int], columns: Iterable[Sequence[int]]) -> int:
    """Combinations of the values of what does not follow from ``decisive``."""
    values = len(set(decisive))
    free = [column for column in columns if len(set(zip(decisive, column, strict=True))) > values]
    return len(set(zip(*free, strict=True)))
