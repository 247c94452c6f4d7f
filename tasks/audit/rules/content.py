"""The main text."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_HELPFUL
from tasks.audit.rule import Applies, Finding, NotApplicable, Word, Words, page_rule
from tasks.model import Page, Severity


@page_rule(
    "content-thin",
    Severity.NOTICE,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_HELPFUL,),
    bad="<main><p>Green tea.</p></main>",
    good=f"<main><p>{'Green tea is dried at once. ' * 40}</p></main>",
)
def content_thin(page: Page, *, words: Words = 200) -> Iterator[Word]:
    """The main text is short.

    It may not answer what people came for; search engines name no minimum.
    Navigation, header, footer and asides do not count; in scripts without spaces two characters count as a word.
    Pages that declare another type than article or product are left out.

    Answer the question of the page in full, merge it with a related page, or keep it out of the index.
    """
    if page.page_type == "other":
        yield NotApplicable("declared to be neither article nor product")
    elif page.word_count < words:
        yield Finding(
            f"The main text has {page.word_count} words, fewer than {words}.",
            {"observed": page.word_count, "limit": words, "unit": "words", "page_type": page.page_type},
        )
