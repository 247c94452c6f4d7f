"""Small sites, each with one fault of the whole site or none."""

from collections.abc import Callable

from tests.generated.builder import HOME, Builder
from tests.generated.draft import ORIGIN
from tests.generated.reply import error, plain, redirect
from tests.generated.site import RUN_RULES, GeneratedSite, finished

SOUND_ROBOTS = plain(f"User-agent: *\nDisallow: /cart/\n\nSitemap: {ORIGIN}/sitemap.xml\n")


def sound(seed: int | str) -> GeneratedSite:
    """No fault at all."""
    return finished(_small(seed), seed, SOUND_ROBOTS, _outcomes())


def robots_missing(seed: int | str) -> GeneratedSite:
    """robots.txt answers 404: everything is allowed, the sitemap is where it usually is."""
    return finished(_small(seed), seed, error(404), {"robots-txt-unreachable": "pass"})


def robots_unreachable(seed: int | str) -> GeneratedSite:
    """robots.txt answers 503 for ever: nothing may be fetched."""
    return finished(_small(seed), seed, error(503), {"robots-txt-unreachable": "fail"}, sitemaps={})


def robots_blocks_all(seed: int | str) -> GeneratedSite:
    """robots.txt disallows everything, the start URL too."""
    site = _small(seed)
    site.blocked.update(site.drafts)
    site.plant("blocked-by-robots", HOME)
    outcomes = {"robots-txt-blocks-all": "fail", "robots-txt-unreachable": "pass", "robots-txt-syntax": "pass"}
    return finished(site, seed, plain("User-agent: *\nDisallow: /\n"), outcomes, sitemaps={})


def noindex_leaked(seed: int | str) -> GeneratedSite:
    """Nine pages of ten are noindex."""
    site = _small(seed)
    for number, draft in enumerate(site.drafts.values()):
        if number % 10:
            draft.robots, draft.listed = "noindex, follow", False
    return finished(site, seed, SOUND_ROBOTS, _outcomes("noindex-share-high"))


def missing_page_found(seed: int | str) -> GeneratedSite:
    """Every path answers 200 with the same page; links lead to two such paths."""
    site = _small(seed)
    anything = site.draft("/anything", title="Nothing is brewing", canonical="", robots="noindex", listed=False)
    del site.drafts[anything.path]
    reply = anything.reply()
    for path in ("/forgotten/one", "/forgotten/two"):
        site.replies[path] = reply
        site.link_twice(path)
        site.plant("soft-404", path)
    return finished(site, seed, SOUND_ROBOTS, _outcomes("missing-page-not-404"), missing=reply)


def missing_page_goes_home(seed: int | str) -> GeneratedSite:
    """Every path that is not there redirects to the home page."""
    return finished(_small(seed), seed, SOUND_ROBOTS, _outcomes("missing-page-not-404"), missing=redirect(HOME, 302))


def without_sitemap(seed: int | str) -> GeneratedSite:
    return finished(_small(seed), seed, plain("User-agent: *\nDisallow:\n"), _outcomes(), sitemaps={})


VARIANTS: dict[str, Callable[[int | str], GeneratedSite]] = {
    make.__name__.replace("_", "-"): make
    for make in (
        sound,
        robots_missing,
        robots_unreachable,
        robots_blocks_all,
        noindex_leaked,
        missing_page_found,
        missing_page_goes_home,
        without_sitemap,
    )
}


def _small(seed: int | str) -> Builder:
    """A sound site of 29 pages."""
    site = Builder(seed, products=20, categories=("green-tea", "teaware"), lists=("samplers", "organic"))
    site.finish()
    return site


def _outcomes(failing: str = "") -> dict[str, str]:
    return {rule: "fail" if rule == failing else "pass" for rule in RUN_RULES}
