"""Faults of what pages, sitemaps and robots.txt state about pages, and what only looks like them."""

from tests.generated.builder import Builder
from tests.generated.draft import ELSEWHERE
from tests.generated.reply import Reply


def plant(site: Builder) -> None:
    _blocked(site)
    _canonicals(site)
    _sound_canonicals(site)
    _hreflang(site)
    _sound_hreflang(site)
    _sitemaps(site)


def blocked(site: Builder, *, linked: bool = True) -> str:
    """Path of a new page that robots.txt disallows."""
    path = site.path("private")
    site.draft(path, listed=False)
    site.blocked.add(path)
    if linked:
        site.link(site.host(), path)
        site.plant("blocked-by-robots", path)
    return path


def _blocked(site: Builder) -> None:
    for _ in range(2):
        blocked(site)
    path = f"{site.host().path}?sort=price"
    site.draft(path, listed=False, canonical="")
    site.blocked.add(path)
    site.link(site.host(), path)
    site.plant("blocked-by-robots", path)
    # Allowed by a longer rule, and not what the pattern says.
    site.linked("/private/open-day")
    site.linked("/privateering")


def _canonicals(site: Builder) -> None:
    def naming(target: str, rule: str) -> None:
        draft = site.take()
        draft.canonical, draft.listed = target, False
        site.plant(rule, draft.path, target)

    for status in (301, 302):
        target = site.redirect(site.host().path, status)
        site.link_to_redirect(target)
        naming(target, "canonical-to-redirect")
    for status in (404, 410, 500):
        target = site.error(status)
        site.link_to_broken(target)
        naming(target, "canonical-to-error")
    for by_header in (False, True):
        target = site.linked(site.path("hidden"), robots="noindex", listed=False, by_header=by_header)
        naming(target.path, "canonical-to-noindex")
    for _ in range(2):
        naming(blocked(site), "canonical-to-blocked")
    for _ in range(2):
        middle = site.linked(site.path("middle"), canonical=site.host().path, listed=False)
        naming(middle.path, "canonical-chain")
    for _ in range(2):
        one, other = site.take(), site.take()
        for draft, target in ((one, other), (other, one)):
            draft.canonical, draft.listed = target.path, False
            site.plant("canonical-loop", draft.path, target.path)


def _sound_canonicals(site: Builder) -> None:
    draft = site.take()
    draft.canonical = f"{draft.path}#main"
    spelt = site.linked("/tees/%7Eoolong")
    spelt.canonical = "/tees/~oolong"
    site.take().by_header = True
    away = site.take()
    away.canonical, away.listed = f"{ELSEWHERE}/fine", False
    for _ in range(2):
        draft = site.take()
        draft.canonical, draft.listed = site.host().path, False


def _hreflang(site: Builder) -> None:
    for _ in range(2):  # the third does not name the others
        versions = _versions(site, ("en", "de", "fr"))
        drafts = [site.linked(path, lang=lang, hreflang=versions) for lang, path in versions]
        silent = drafts[2]
        silent.hreflang = versions[2:]
        for draft in drafts[:2]:
            site.plant("hreflang-missing-return", draft.path, silent.path)
    versions = _versions(site, ("en", "de"))  # the second states no languages at all
    one, other = (site.linked(path, lang=lang) for lang, path in versions)
    one.hreflang = versions
    site.plant("hreflang-missing-return", one.path, other.path)

    for status in (301, 302):
        goal = site.linked(site.path("fr"), lang="fr")
        target = site.redirect(goal.path, status)
        site.link_to_redirect(target)
        _with_third(site, target, "hreflang-to-redirect")
    for status in (404, 410):
        target = site.error(status)
        site.link_to_broken(target)
        _with_third(site, target, "hreflang-to-error")
    for _ in range(2):
        hidden = site.linked(site.path("fr"), lang="fr", robots="noindex", listed=False)
        _with_third(site, hidden.path, "hreflang-to-noindex")
        copy = site.linked(site.path("fr"), lang="fr", canonical=site.host().path, listed=False)
        _with_third(site, copy.path, "hreflang-to-noncanonical")

    for _ in range(2):  # the second and third name the first, but not each other
        versions = _versions(site, ("en", "de", "fr"))
        _, second, third = (site.linked(path, lang=lang, hreflang=versions) for lang, path in versions)
        second.hreflang, third.hreflang = versions[:2], [versions[0], versions[2]]
        for draft in (second, third):
            site.plant("hreflang-cluster-incomplete", draft.path)


def _with_third(site: Builder, target: str, rule: str) -> None:
    """Two language versions that agree on a third, which is none."""
    versions = [*_versions(site, ("en", "de")), ("fr", target)]
    for lang, path in versions[:2]:
        site.linked(path, lang=lang, hreflang=versions)
        site.plant(rule, path, target)


def _sound_hreflang(site: Builder) -> None:
    versions = _versions(site, ("en", "de", "pt-BR"))
    for lang, path in versions:
        site.linked(path, lang=lang, hreflang=[*versions, ("x-default", versions[0][1])])
        site.alternates_in_sitemap.add(path)
    versions = _versions(site, ("en", "de"))
    for lang, path in versions:
        site.linked(path, lang=lang, hreflang=versions, by_header=True)
    versions = _versions(site, ("en", "ja"))
    for lang, path in versions[:1]:
        site.linked(path, lang=lang, hreflang=[versions[0], ("ja", f"{ELSEWHERE}/fine")])


def _versions(site: Builder, languages: tuple[str, ...]) -> list[tuple[str, str]]:
    number = site.path("tea")
    return [(lang, f"/{lang.lower()}{number}") for lang in languages]


def _sitemaps(site: Builder) -> None:
    def listed(path: str, rule: str) -> None:
        site.listed_too.append(path)
        site.plant(rule, path)

    for status in (301, 308):
        listed(site.redirect(site.host().path, status), "sitemap-url-redirect")
    for status in (404, 410, 500):
        listed(site.error(status), "sitemap-url-error")
    for linked in (True, False):
        listed(blocked(site, linked=linked), "sitemap-url-blocked")
    for _ in range(2):
        draft = site.linked(site.path("hidden"), robots="noindex")
        site.plant("sitemap-url-noindex", draft.path)
        draft = site.take()
        draft.canonical = site.host().path
        site.plant("sitemap-url-noncanonical", draft.path)
    for _ in range(3):
        draft = site.take()
        draft.listed = False
        site.plant("sitemap-missing-page", draft.path)
    # Files are no pages.
    site.replies["/files/catalogue.pdf"] = Reply(body=b"%PDF-1.4\n%%EOF\n", content_type="application/pdf")
    site.link_twice("/files/catalogue.pdf")
