"""Canonical addresses: link elements and Link headers."""

import re
from collections.abc import Iterator

from tasks.audit.indexability import canonical_target, in_force, same_address, usable
from tasks.audit.references import GOOGLE_CANONICAL, HTML, RFC6596, URL
from tasks.audit.rule import Applies, Finding, Word, page_rule, shown
from tasks.model import Canonical, Page, Severity

ABSOLUTE = re.compile(r"[\x00-\x20]*https?:[/\\]{2}", re.IGNORECASE)


@page_rule(
    "canonical-missing",
    Severity.NOTICE,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_CANONICAL, RFC6596),
    bad="<title>Tea</title>",
    good='<link rel="canonical" href="https://example.com/">',
)
def canonical_missing(page: Page) -> Iterator[Word]:
    """Neither head nor a Link header names a canonical address.

    Where the same content is found under several addresses, search engines then choose one themselves: a warning on
    indexable pages of a crawl that share their main text, as content-exact-duplicate and content-near-duplicate tell.

    Add a link element with rel="canonical" and the page's own address to head.
    """
    if not any(canonical.in_head for canonical in page.canonicals):
        stray = ", only in body" if page.canonicals else ", only ignored ones" if page.ignored_canonicals else ""
        yield Finding(
            f"No canonical is stated in head or Link header{stray}.",
            {"observed": None, "locator": 'head link[rel="canonical"]'},
        )


@page_rule(
    "canonical-multiple",
    Severity.ERROR,
    references=(GOOGLE_CANONICAL,),
    bad='<link rel="canonical" href="https://example.com/a"><link rel="canonical" href="https://example.com/b">',
    good='<link rel="canonical" href="https://example.com/">',
)
def canonical_multiple(page: Page) -> Iterator[Word]:
    """More than one canonical is stated.

    Search engines ignore all of several different canonicals; the same one stated twice is a notice.
    Link elements in head and the Link header count together.

    Keep one, and find out which template or plug-in adds the other.
    """
    if len(page.canonicals) < 2:  # noqa: PLR2004 - several
        return
    stated = in_force(page)
    if len(stated) > 1:
        first = stated[0].url or ""
        differ = any(not same_address(first, canonical.url or "") for canonical in stated)
        urls = ", ".join(dict.fromkeys(shown(canonical.url or "") for canonical in stated[:10]))
        what = "different canonicals are" if differ else "canonicals with the same address are"
        yield Finding(
            f"{len(stated)} {what} stated: {urls}.",
            {"observed": len(stated), "limit": 1, "urls": urls, "locator": _locator(stated[1])},
            key="different" if differ else "same",
            severity=None if differ else Severity.NOTICE,
        )


@page_rule(
    "canonical-invalid",
    Severity.ERROR,
    references=(RFC6596, URL),
    bad='<link rel="canonical" href="https://">',
    good='<link rel="canonical" href="https://example.com/">',
)
def canonical_invalid(page: Page) -> Iterator[Word]:
    """A canonical is empty or no valid http(s) address.

    Search engines ignore it and choose an address themselves.

    Write the full address of the page, scheme and host included.
    """
    for canonical in page.canonicals:
        if not usable(canonical):
            yield Finding(
                f'The canonical "{shown(canonical.href)}" is no http(s) address.',
                {"observed": shown(canonical.href), "locator": _locator(canonical)},
                key=canonical.href,
            )


@page_rule(
    "canonical-relative",
    Severity.NOTICE,
    references=(GOOGLE_CANONICAL,),
    bad='<link rel="canonical" href="/teas">',
    good='<link rel="canonical" href="https://example.com/teas">',
)
def canonical_relative(page: Page) -> Iterator[Word]:
    """A canonical is written without scheme or host.

    It then means another address on every mirror, staging host or changed base element.

    Write the full address, scheme and host included.
    """
    for canonical in page.canonicals:
        if usable(canonical) and not ABSOLUTE.match(canonical.href):
            yield Finding(
                f'The canonical "{shown(canonical.href)}" is relative; here it means {shown(canonical.url or "")}.',
                {"observed": shown(canonical.href), "url": shown(canonical.url or ""), "locator": _locator(canonical)},
                key=canonical.href,
            )


@page_rule(
    "canonical-outside-head",
    Severity.ERROR,
    references=(GOOGLE_CANONICAL, HTML),
    bad='<body><p>Tea</p><link rel="canonical" href="https://example.com/"></body>',
    good='<head><link rel="canonical" href="https://example.com/"></head>',
)
def canonical_outside_head(page: Page) -> Iterator[Word]:
    """A canonical link ends up in body when the page is read.

    Search engines ignore it there, since anyone who can post into the page could set it.

    Move it into head, in front of any element that belongs into body.
    """
    for canonical in page.canonicals:
        if not canonical.in_head:
            yield Finding(
                f'The canonical "{shown(canonical.href)}" is in body.',
                {"observed": shown(canonical.href), "locator": f"body {_locator(canonical)}"},
                key=canonical.href,
            )


@page_rule(
    "canonical-ignored",
    Severity.WARNING,
    references=(GOOGLE_CANONICAL,),
    bad='<link rel="canonical" hreflang="en" href="https://example.com/">',
    good='<link rel="canonical" href="https://example.com/">',
)
def canonical_ignored(page: Page) -> Iterator[Word]:
    """A canonical has an attribute of a version: hreflang, lang, media or type.

    Google takes it for a version of the page in another language or medium, and ignores it as a canonical.
    A notice where another canonical is in force.

    Name versions by rel="alternate", and leave the canonical without these attributes.
    """
    severity = Severity.NOTICE if in_force(page) else None
    for canonical in page.ignored_canonicals:
        yield Finding(
            f'The canonical "{shown(canonical.href)}" is ignored for its {canonical.ignored_for}.',
            {"observed": canonical.ignored_for, "url": shown(canonical.href), "locator": _locator(canonical)},
            key=canonical.href,
            severity=severity,
        )


@page_rule(
    "canonicalised",
    Severity.NOTICE,
    references=(GOOGLE_CANONICAL,),
    bad='<link rel="canonical" href="https://example.com/teas">',
    good='<link rel="canonical" href="https://example.com/">',
)
def canonicalised(page: Page) -> Iterator[Word]:
    """The page names another address as its canonical.

    Search engines will usually list that one instead; right for duplicates, a loss for a page of its own.

    Let the page name itself if it should be found; otherwise leave it.
    """
    target = canonical_target(page)
    if target:
        yield Finding(
            f"The canonical is another address: {shown(target)}.",
            {"observed": shown(target), "url": shown(page.url), "locator": _locator(in_force(page)[0])},
        )


def _locator(canonical: Canonical) -> str:
    return "Link header" if canonical.source == "header" else 'link[rel="canonical"]'
