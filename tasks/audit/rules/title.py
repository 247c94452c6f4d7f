"""The title element."""

from collections.abc import Iterator

from tasks.audit.length import folded, units
from tasks.audit.references import GOOGLE_TITLE, GOOGLE_VALID_HEAD, HTML
from tasks.audit.rule import Applies, Characters, Finding, NotApplicable, Pixels, Word, page_rule, shown
from tasks.model import Page, Severity

LOCATOR = "head title"


@page_rule(
    "title-missing",
    Severity.ERROR,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_TITLE, HTML),
    bad="<title> </title>",
    good="<title>Tea</title>",
)
def title_missing(page: Page) -> Iterator[Word]:
    """Head has no title, or an empty one.

    The title is the link people click in results; without one search engines make one up.

    Write a title that names what this page alone offers.
    """
    if any(title.in_head and title.text.strip() for title in page.titles):
        return
    stray = any(title.text.strip() for title in page.titles)
    what = "The only title is in body" if stray else "The title is empty" if page.titles else "There is no title"
    yield Finding(f"{what}.", {"observed": "" if page.titles and not stray else None, "locator": LOCATOR})


@page_rule(
    "title-multiple",
    Severity.WARNING,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_TITLE, HTML),
    bad="<title>Tea</title><title>Teas and pots</title>",
    good="<title>Tea</title><svg><title>A pot</title></svg>",
)
def title_multiple(page: Page) -> Iterator[Word]:
    """More than one title element; those inside svg do not count.

    It is unclear which one search engines take.

    Keep one, and find out which template or plug-in adds the other.
    """
    if len(page.titles) > 1:
        texts = " | ".join(shown(folded(title.text), 80) for title in page.titles[:5])
        yield Finding(
            f"The page has {len(page.titles)} titles: {texts}.",
            {"observed": len(page.titles), "limit": 1, "texts": texts, "locator": "title"},
        )


@page_rule(
    "title-outside-head",
    Severity.WARNING,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_VALID_HEAD, HTML),
    bad="<body><p>Tea</p><title>Tea</title></body>",
    good="<head><title>Tea</title></head>",
)
def title_outside_head(page: Page) -> Iterator[Word]:
    """The only title ends up in body when the page is read.

    An element that may not stand in head ends the head where it stands; a title behind it may be ignored.

    Move the title into head, in front of any element that belongs into body.
    """
    if page.titles and not any(title.in_head for title in page.titles):
        text = shown(folded(page.titles[0].text))
        yield Finding(f'The title "{text}" is in body.', {"observed": text, "locator": "body title"})


@page_rule(
    "title-too-long",
    Severity.NOTICE,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_TITLE,),
    bad="<title>All the green, black, white and oolong teas that we grow, dry and send you</title>",
    good="<title>Green tea from the first spring harvest</title>",
)
def title_too_long(page: Page, *, characters: Characters = 60, pixels: Pixels = 561) -> Iterator[Word]:
    """The title is longer than results show.

    It may be cut or rewritten. Search engines set no limit in characters: results are as wide as the device allows.
    Chinese, Japanese and Korean characters count two; pixels are those of Arial at 20 px.

    Put the words that matter first; what follows may never be read.
    """
    title = folded(page.title or "")
    if not title:
        yield NotApplicable("no title")
        return
    length = units(title)
    if length > characters:
        yield _too_long(title, length, characters, "characters")
    elif page.title_px > pixels:
        yield _too_long(title, page.title_px, pixels, "px")


def _too_long(title: str, observed: int, limit: int, unit: str) -> Finding:
    return Finding(
        f'The title has {observed} {unit}, more than {limit}: "{shown(title)}".',
        {"observed": observed, "limit": limit, "unit": unit, "text": shown(title), "locator": LOCATOR},
    )


@page_rule(
    "title-too-short",
    Severity.NOTICE,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_TITLE,),
    bad="<title>Green tea</title>",
    good="<title>Green tea from the first spring harvest</title>",
)
def title_too_short(page: Page, *, characters: Characters = 30, warning_characters: Characters = 10) -> Iterator[Word]:
    """The title says little.

    Short titles give people no reason to click and are more often rewritten; below 10 characters it is a warning.
    Chinese, Japanese and Korean characters count two.

    Name what the page offers and for whom.
    """
    title = folded(page.title or "")
    if not title:
        yield NotApplicable("no title")
        return
    length = units(title)
    if length < max(characters, warning_characters):
        grave = length < warning_characters
        limit = warning_characters if grave else characters
        yield Finding(
            f'The title has {length} characters, fewer than {limit}: "{shown(title)}".',
            {"observed": length, "limit": limit, "unit": "characters", "text": shown(title), "locator": LOCATOR},
            severity=Severity.WARNING if grave else None,
        )
