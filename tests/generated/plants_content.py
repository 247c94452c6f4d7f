"""Faults of titles, descriptions, headings and main text, and what only looks like them."""

from collections.abc import Sequence

from tests.generated.builder import Builder
from tests.generated.draft import Draft

LONG = 600
"""Words of a text of which one changed word leaves 98 % of all shingles."""


def plant(site: Builder) -> None:
    for rule, field in (("title-duplicate", "title"), ("description-duplicate", "description"), ("h1-duplicate", "h1")):
        _shared(site, rule, field)
    _exact_duplicates(site)
    _near_duplicates(site)
    _copies_that_are_none(site)
    _without_any(site)
    _language_versions_alike(site)
    _addresses_alike(site)


def _shared(site: Builder, rule: str, field: str) -> None:
    for size in (2, 3, 2):
        group = [site.take() for _ in range(size)]
        text = getattr(group[0], field)
        for draft in group:
            setattr(draft, field, text)
            site.plant(rule, draft.path)
    setattr(group[-1], field, text.upper().replace(" ", "  "))  # compared without letter case and spacing
    outsider = site.take()
    setattr(outsider, field, getattr(site.host(), field))
    outsider.robots, outsider.listed = "noindex", False
    beginning = site.take()
    setattr(beginning, field, f"{getattr(site.host(), field)} again")


def _exact_duplicates(site: Builder) -> None:
    for size in (2, 3):
        group = [site.take() for _ in range(size)]
        for draft in group:
            draft.paragraphs = group[0].paragraphs
            site.plant("content-exact-duplicate", draft.path)
        _without_canonical(site, group)


def _without_canonical(site: Builder, duplicates: Sequence[Draft]) -> None:
    """All but the first one lose their canonical, and so does a page that has no duplicate."""
    for draft in duplicates[1:]:
        draft.canonical = ""
        site.plant("canonical-missing", draft.path, severity="warning")
    site.take().canonical = ""


def _near_duplicates(site: Builder) -> None:
    for size in (2, 3):
        group = [site.take() for _ in range(size)]
        base = site.words.text(LONG)
        for number, draft in enumerate(group):
            draft.paragraphs = site.words.changed(base, 1) if number else base
            site.plant("content-near-duplicate", draft.path)
        _without_canonical(site, group)
    base = site.words.text(LONG)
    for changes in (0, 21):  # 70 % of the shingles are shared
        site.take().paragraphs = site.words.changed(base, changes)
    half = site.words.text(LONG // 2)
    for _ in range(2):
        site.take().paragraphs = half + site.words.text(LONG // 2)


def _copies_that_are_none(site: Builder) -> None:
    """Same words under another address, said to be no page of its own."""
    for suffix in ("?colour=red", "?colour=blue&size=2", "?ref=mail"):
        original = site.host()
        if f"{original.path}{suffix}" in site.drafts:
            continue
        copy = site.linked(f"{original.path}{suffix}", canonical=original.path, listed=False)
        _copy(original, [copy])
    hidden = site.linked(site.path("print"), robots="noindex, follow", listed=False)
    _copy(site.host(), [hidden])


def _copy(original: Draft, copies: Sequence[Draft]) -> None:
    for copy in copies:
        copy.title, copy.description, copy.h1 = original.title, original.description, original.h1
        copy.paragraphs = original.paragraphs


def _without_any(site: Builder) -> None:
    for _ in range(2):
        site.take().description = ""
        site.take().h1 = ""
        site.take().title = ""


def _language_versions_alike(site: Builder) -> None:
    """One text for three countries."""
    for _ in range(2):
        number = site.path("guide")
        versions = [(lang, f"/{lang.lower()}{number}") for lang in ("en-GB", "en-US", "en-AU")]
        drafts = [site.linked(path, lang=lang, hreflang=versions) for lang, path in versions]
        _copy(drafts[0], drafts[1:])


def _addresses_alike(site: Builder) -> None:
    """Different pages whose addresses differ in letter case, a slash, the order of parameters or an escape."""
    for pair in (
        ("/lists/Assam", "/lists/assam"),
        ("/lists/keemun", "/lists/keemun/"),
        ("/find?leaf=a&cup=b", "/find?cup=b&leaf=a"),
        ("/tees/gr%C3%BCn", "/tees/gr%C3%BCn%2Fwei%C3%9F"),
    ):
        for path in pair:
            site.linked(path)
