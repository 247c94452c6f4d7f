"""The h1 headings."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_TITLE, HTML
from tasks.audit.rule import Applies, Finding, Word, page_rule, shown
from tasks.model import Page, Severity


@page_rule(
    "h1-missing",
    Severity.WARNING,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_TITLE, HTML),
    bad="<h1></h1><h2>Tea</h2>",
    good='<h1><img src="tea.png" alt="Tea"></h1>',
)
def h1_missing(page: Page) -> Iterator[Word]:
    """No h1 with text; the alt text of an image inside counts as text.

    The main heading tells people and search engines what the page is about, and often becomes the title in results.

    Give the page one h1 that names its subject.
    """
    if not page.h1():
        empty = any(heading.level == 1 for heading in page.headings)
        what = "The h1 is empty" if empty else "There is no h1"
        yield Finding(f"{what}.", {"observed": "" if empty else None, "locator": "h1"})


@page_rule(
    "h1-multiple",
    Severity.NOTICE,
    applies=Applies.INDEXABLE,
    references=(HTML,),
    bad="<h1>Tea</h1><h1>Pots</h1>",
    good="<h1>Tea</h1><h2>Pots</h2>",
)
def h1_multiple(page: Page) -> Iterator[Word]:
    """More than one h1 with text.

    HTML allows it, but it blurs what the page is about.

    Keep one main heading and make the others h2.
    """
    headings = page.h1()
    if len(headings) > 1:
        texts = " | ".join(shown(text, 80) for text in headings[:5])
        yield Finding(
            f"The page has {len(headings)} h1 headings: {texts}.",
            {"observed": len(headings), "limit": 1, "texts": texts, "locator": "h1"},
        )
