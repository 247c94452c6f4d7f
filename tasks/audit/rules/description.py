"""The meta description."""

from collections.abc import Iterator

from tasks.audit.length import folded, units
from tasks.audit.references import GOOGLE_SNIPPET
from tasks.audit.rule import Applies, Characters, Finding, NotApplicable, Pixels, Word, page_rule, shown
from tasks.model import Page, Severity

LOCATOR = 'meta[name="description"]'
GOOD = (
    '<meta name="description" content="Green tea from the first spring harvest, dried by hand and sent within a day.">'
)


@page_rule(
    "description-missing",
    Severity.NOTICE,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_SNIPPET,),
    bad="<title>Tea</title>",
    good=GOOD,
)
def description_missing(page: Page) -> Iterator[Word]:
    """The page has no meta description, or an empty one.

    Search engines then choose the text under the title from the page alone.

    Write one or two sentences that say what the page offers.
    """
    if not any(description.text.strip() for description in page.meta_descriptions):
        empty = bool(page.meta_descriptions)
        what = "The meta description is empty" if empty else "There is no meta description"
        yield Finding(f"{what}.", {"observed": "" if empty else None, "locator": LOCATOR})


@page_rule(
    "description-multiple",
    Severity.WARNING,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_SNIPPET,),
    bad='<meta name="description" content="Green tea."><meta name="description" content="Black tea.">',
    good=GOOD,
)
def description_multiple(page: Page) -> Iterator[Word]:
    """More than one meta description.

    It is unclear which one search engines take.

    Keep one, and find out which template or plug-in adds the other.
    """
    count = len(page.meta_descriptions)
    if count > 1:
        texts = " | ".join(shown(folded(description.text), 80) for description in page.meta_descriptions[:5])
        yield Finding(
            f"The page has {count} meta descriptions: {texts}.",
            {"observed": count, "limit": 1, "texts": texts, "locator": LOCATOR},
        )


@page_rule(
    "description-too-long",
    Severity.NOTICE,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_SNIPPET,),
    bad=f'<meta name="description" content="{"Green tea from the first spring harvest. " * 4}">',
    good=GOOD,
)
def description_too_long(page: Page, *, characters: Characters = 160, pixels: Pixels = 985) -> Iterator[Word]:
    """The meta description is longer than results show.

    The end of it is cut off. Search engines set no limit: results are as wide as the device allows.
    Chinese, Japanese and Korean characters count two; pixels are those of Arial at 14 px.

    Lead with the point, and shorten the rest.
    """
    text = folded(page.meta_description or "")
    if not text:
        yield NotApplicable("no meta description")
        return
    length = units(text)
    if length > characters:
        yield _length_finding(text, length, "more", characters, "characters")
    elif page.description_px > pixels:
        yield _length_finding(text, page.description_px, "more", pixels, "px")


@page_rule(
    "description-too-short",
    Severity.NOTICE,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_SNIPPET,),
    bad='<meta name="description" content="Green tea.">',
    good=GOOD,
)
def description_too_short(page: Page, *, characters: Characters = 70) -> Iterator[Word]:
    """The meta description says little.

    Search engines rarely show so short a text and take one from the page instead.
    Chinese, Japanese and Korean characters count two.

    Say in one or two full sentences what the page offers.
    """
    text = folded(page.meta_description or "")
    if not text:
        yield NotApplicable("no meta description")
        return
    length = units(text)
    if length < characters:
        yield _length_finding(text, length, "fewer", characters, "characters")


def _length_finding(text: str, observed: int, than: str, limit: int, unit: str) -> Finding:
    return Finding(
        f'The meta description has {observed} {unit}, {than} than {limit}: "{shown(text)}".',
        {"observed": observed, "limit": limit, "unit": unit, "text": shown(text), "locator": LOCATOR},
    )
