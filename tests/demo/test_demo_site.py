"""The sample site shows what it is there for: its flaws are found, its good pages are clean."""

import pytest

from deployments.cli.watching import LineWatch
from deployments.cli.wishes import CrawlOptions, RunOptions
from deployments.demo.server import SITE, answers, serve
from deployments.demo.transcript import crawl_without_flow
from tasks.audit import all_rules
from tasks.audit.engine import audit
from tasks.extract.page import extract
from tasks.fetch.fetcher import Fetcher
from tasks.model import FetchOptions, Reason, Response
from tasks.store import connect

FLAWS = {
    "/": set(),
    "/teas/": {"image-alt-missing", "link-uncrawlable"},
    "/teas/sencha": set(),
    "/teas/assam": {"title-multiple", "title-too-long"},
    "/teas/oolong": {"title-missing", "description-missing", "link-internal-nofollow"},
    "/teas/darjeeling": {"sd-parse-error"},
    "/teas/rooibos": {"canonical-multiple", "canonical-relative"},
    "/teas/earl-grey": {"h1-missing"},
    "/teas/gyokuro": {"canonicalised"},
    "/about": {"h1-multiple", "hreflang-invalid-code", "hreflang-missing-self"},
    "/de/": set(),
    "/journal/how-to-brew": {
        "canonical-missing", "canonical-outside-head", "directive-outside-head", "head-broken-by-element",
        "image-alt-missing",
    },
    "/journal/water": {"noindex", "robots-directive-conflict", "robots-directive-unknown"},
    "/contact": {"html-lang-missing", "title-too-short", "viewport-missing"},
    "/wholesale": {"charset-mismatch"},
    "/basket": {"noindex"},
    "/old-shop": {"canonical-missing", "content-thin", "meta-refresh-redirect", "page-nofollow", "title-too-short"},
    "/teas/green": {"redirect-permanent"},
    "/shop": {"image-alt-missing", "link-uncrawlable", "redirect-chain", "redirect-permanent"},
    "/offers": {"redirect-loop", "redirect-temporary"},
    "/gift-cards": {"redirect-invalid-location"},
    "/teas/chai": {"http-4xx"},
    "/teas/spring-sale": {"canonical-missing", "content-thin", "description-too-short", "soft-404", "title-too-short"},
    "/stock": {"http-5xx"},
    "/price-list.txt": set(),
}  # fmt: skip


SITE_FLAWS = {
    "blocked-by-robots": {"/checkout"},
    "canonical-to-redirect": {"/teas/gyokuro"},
    "content-near-duplicate": {"/contact", "/teas/"},
    "hreflang-missing-return": {"/about", "/de/"},
    "hreflang-to-error": {"/about"},
    "image-broken": {"/journal/how-to-brew"},
    "link-broken-internal": {"/", "/contact", "/teas/"},
    "link-to-redirect": {"/about", "/teas/oolong"},
    "near-orphan-page": {"/de/", "/old-shop", "/teas/earl-grey", "/teas/rooibos", "/teas/spring-sale"},
    "orphan-page": {"/wholesale"},
    "sitemap-missing-page": {"/de/", "/old-shop", "/teas/spring-sale"},
    "sitemap-url-blocked": {"/checkout"},
    "sitemap-url-error": {"/teas/lapsang"},
    "sitemap-url-noindex": {"/journal/water"},
    "sitemap-url-redirect": {"/teas/green"},
    "title-duplicate": {"/teas/darjeeling", "/teas/earl-grey"},
}
NO_PAGES = {"/robots.txt", "/sitemap.xml"}


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    """(origin, connection to the views) of a crawl."""
    data = tmp_path_factory.mktemp("demo")
    with serve() as shop:
        crawl_without_flow(CrawlOptions(start_url=shop.url), RunOptions(data=data), LineWatch())
    with connect(data) as facts:
        yield shop.url.removesuffix("/"), facts


def test_a_crawl_reaches_every_page(crawled):
    origin, facts = crawled
    found = {url.removeprefix(origin) for (url,) in facts.execute("SELECT url FROM pages").fetchall()}
    there = {answer.path for answer in answers() if not answer.path.startswith("/img/")} - NO_PAGES
    assert found == there | {"/checkout", "/teas/lapsang", "/uk/about", "/wholesale-terms"}


def test_the_site_has_the_flaws_it_is_there_for(crawled):
    origin, facts = crawled
    site_rules = {rule.id for rule in all_rules() if rule.level == "site"}
    found = {}
    for rule, url in facts.execute("SELECT rule, url FROM issues").fetchall():
        if rule in site_rules:
            found.setdefault(rule, set()).add(url.removeprefix(origin))
    assert found == SITE_FLAWS


async def test_every_page_has_the_flaws_it_is_there_for():
    found = {}
    with serve() as shop:
        async with Fetcher(FetchOptions(allow=(shop.host_port,))) as fetcher:
            for path in FLAWS:
                answer = await fetcher.fetch(shop.url.rstrip("/") + path)
                has_page = isinstance(answer, Response) and answer.status == 200 and answer.is_html
                issues = audit(answer, extract(answer) if has_page else None).issues
                rules = {issue.rule for issue in issues}
                found[path] = rules - {"https-missing"}
    assert found == FLAWS


async def test_what_has_no_page_has_a_reason():
    with serve() as shop:
        async with Fetcher(FetchOptions(allow=(shop.host_port,))) as fetcher:
            loop, invalid = [await fetcher.fetch(f"{shop.url}{path}") for path in ("offers", "gift-cards")]
    assert (loop.reason, invalid.reason) == (Reason.REDIRECT_LOOP, Reason.INVALID_REDIRECT)


def test_site_files_and_their_list_agree():
    listed = {answer.file for answer in answers() if answer.file}
    there = {path.relative_to(SITE).as_posix() for path in SITE.rglob("*") if path.is_file()}
    assert there - listed == {"site.json"}
    assert listed <= there
    assert len({answer.path for answer in answers()}) == len(answers())


async def test_addresses_on_the_pages_are_those_of_the_server():
    with serve() as shop:
        async with Fetcher(FetchOptions(allow=(shop.host_port,))) as fetcher:
            home = await fetcher.fetch(shop.url)
            missing = await fetcher.fetch(f"{shop.url}nothing-here?x=1")
    assert f'<link rel="canonical" href="{shop.url}">' in home.text
    assert (missing.status, "{{origin}}" in missing.text) == (404, False)
