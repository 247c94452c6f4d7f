"""Language versions: hreflang in link elements and Link headers. Those in body are ignored by search engines."""

from collections.abc import Iterator

from tasks.audit.indexability import same_address
from tasks.audit.languages import fault_of, is_default, language_of
from tasks.audit.references import BCP47, GOOGLE_HREFLANG
from tasks.audit.rule import Applies, Finding, Languages, NotApplicable, Word, page_rule, shown
from tasks.model import Hreflang, Page, Severity

LOCATOR = 'link[rel="alternate"][hreflang]'
ENGLISH = '<link rel="alternate" hreflang="en" href="https://example.com/">'
GERMAN = '<link rel="alternate" hreflang="de" href="https://example.com/de">'
DEFAULT = '<link rel="alternate" hreflang="x-default" href="https://example.com/">'
NONE = NotApplicable("no hreflang in head or Link header")


def _in_force(page: Page) -> list[Hreflang]:
    return [entry for entry in page.hreflang if entry.in_head]


@page_rule(
    "hreflang-invalid-code",
    Severity.ERROR,
    references=(GOOGLE_HREFLANG, BCP47),
    bad='<link rel="alternate" hreflang="en-UK" href="https://example.com/uk">',
    good='<link rel="alternate" hreflang="en-GB" href="https://example.com/uk">',
)
def hreflang_invalid_code(page: Page) -> Iterator[Word]:
    """An hreflang is no language code that search engines read.

    The entry is ignored, and people in that language or region get another version.
    Read are an ISO 639-1 language, followed by an ISO 15924 script and an ISO 3166-1 alpha-2 region where wanted,
    and x-default.

    Write a code such as en, en-GB, zh-Hant or x-default; the United Kingdom is GB.
    """
    if not page.hreflang:
        yield NONE
        return
    for entry in page.hreflang:
        fault = fault_of(entry.lang)
        if fault:
            yield Finding(
                f'The hreflang "{shown(entry.lang)}" is invalid: {fault}.',
                {
                    "observed": shown(entry.lang),
                    "url": shown(entry.url or entry.href),
                    "locator": "Link header" if entry.source == "header" else LOCATOR,
                },
                key=entry.lang.strip().lower(),
            )


@page_rule(
    "hreflang-missing-self",
    Severity.WARNING,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_HREFLANG,),
    bad=GERMAN,
    good=ENGLISH + GERMAN,
)
def hreflang_missing_self(page: Page) -> Iterator[Word]:
    """The language versions named by the page do not include the page itself.

    Search engines may then ignore the whole set.

    Add an entry with the page's own language and address; every version names all versions, itself included.
    """
    entries = _in_force(page)
    if not entries:
        yield NONE
        return
    own = (page.url, page.requested_url)
    if not any(entry.url and any(same_address(entry.url, url) for url in own) for entry in entries):
        codes = shown(", ".join(dict.fromkeys(entry.lang for entry in entries)))
        yield Finding(
            f"None of the language versions ({codes}) is {shown(page.url)}.",
            {"observed": codes, "url": shown(page.url), "locator": LOCATOR},
        )


@page_rule(
    "hreflang-x-default-missing",
    Severity.NOTICE,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_HREFLANG,),
    bad=ENGLISH + GERMAN,
    good=ENGLISH + GERMAN + DEFAULT,
)
def hreflang_x_default_missing(page: Page, *, languages: Languages = 2) -> Iterator[Word]:
    """Versions in several languages are named, but none for everybody else.

    Which version people of other languages get is left to the search engine; stating it is optional.

    Add an x-default entry with the language selector or the default version, if there is one.
    """
    entries = _in_force(page)
    if not entries:
        yield NONE
        return
    spoken = sorted({language_of(entry.lang) for entry in entries} - {""})
    if len(spoken) < languages:
        yield NotApplicable("too few languages")
    elif not any(is_default(entry.lang) for entry in entries):
        yield Finding(
            f"Versions in {len(spoken)} languages ({shown(', '.join(spoken))}) are named without an x-default.",
            {"observed": shown(", ".join(spoken)), "limit": languages, "locator": LOCATOR},
        )
