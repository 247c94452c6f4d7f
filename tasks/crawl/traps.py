"""Addresses that a site makes without end: repeating paths, combined parameters, calendars."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime

from tasks.urls import printable

MAX_LENGTH = 2083
MAX_REPEATS = 2
"""How often a segment may stand in one path."""
MAX_VARIANTS = 500
"""Addresses that may differ in combinations of parameters only."""
MAX_IDENTIFIED = 5000
"""Addresses that may differ in parameters or dates only, where one of these tells most of them apart."""
MAX_YEARS_AHEAD = 2
MAX_DATES_AHEAD = 24
"""Dates past the horizon that one template may have: single ones are part numbers and plans."""
MAX_TEMPLATES = 50_000

_TOLD_APART = 4
_MAX_SHOWN = 200
_DATE = re.compile(
    r"(?<!\d)([12]\d{3})([-/_.])(0?[1-9]|1[0-2])(\2(?:0?[1-9]|[12]\d|3[01]))?(?!\d)|(?<=[?&]year=)([12]\d{3})(?!\d)"
)


class Traps:
    """What one process has seen of a run's addresses, to tell which go on for ever.

    Addresses that a person or a sitemap named are not asked about: nobody lists an endless calendar.

    Args:
        today: the calendar's horizon is counted from here; None for the current date.
    """

    def __init__(self, today: date | None = None) -> None:
        today = today or datetime.now(UTC).date()
        self._horizon = (today.year + MAX_YEARS_AHEAD, today.month)
        self._variants: dict[str, set[str]] = {}
        self._ahead: Counter[str] = Counter()
        self._closed: dict[str, str] = {}

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

    def _counted(self, template: str, variant: str, dates: list[re.Match[str]]) -> str | None:
        variants = self._variants.get(template)
        if variants is None:
            if len(self._variants) >= MAX_TEMPLATES:
                return None
            variants = self._variants[template] = set()
        if variant in variants:
            return None
        why = self._closed.get(template) or self._calendar(template, dates)
        if why is None:
            variants.add(variant)
            self._close(template, variants)
        return why

    def _calendar(self, template: str, dates: list[re.Match[str]]) -> str | None:
        ahead = next((found for found in dates if self._is_ahead(found)), None)
        if ahead is None:
            return None
        if self._ahead[template] >= MAX_DATES_AHEAD:
            return f"{ahead[0]} lies more than {MAX_YEARS_AHEAD} years ahead, as many dates in {_shown(template)}"
        self._ahead[template] += _is_surely_a_date(ahead)
        return None

    def _is_ahead(self, found: re.Match[str]) -> bool:
        year, month = (found[1], found[3]) if found[1] else (found[5], "1")
        return (int(year), int(month)) > self._horizon

    def _close(self, template: str, variants: set[str]) -> None:
        """Ends a template at its limit; looked at each time it has doubled, as looking takes time."""
        count = len(variants)
        if count >= MAX_IDENTIFIED:
            self._closed[template] = f"{count:,} addresses are {_shown(template)} with other parameters or dates"
        elif count % MAX_VARIANTS == 0 and (count // MAX_VARIANTS).bit_count() == 1 and _is_combined(variants):
            self._closed[template] = f"{count:,} addresses are {_shown(template)} with parameters combined anew"


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


def _is_combined(variants: set[str]) -> bool:
    """True where no parameter tells even a quarter of the addresses apart, as the id of a thing would."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for variant in variants:
        for pair in variant.split("&"):
            name, _, value = pair.partition("=")
            values[name].add(value)
    return max(map(len, values.values())) * _TOLD_APART < len(variants)
