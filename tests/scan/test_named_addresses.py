"""Addresses that pages name otherwise than by a link: canonicals, language versions and refreshes lead on, too."""

import pytest

from tasks.scan import checks as checks_room
from tasks.scan import seeds
from tasks.store import Found, RunState

TEXT, XML = {"Content-Type": "text/plain"}, {"Content-Type": "application/xml"}


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch):
    monkeypatch.setattr(checks_room, "SECOND_LOOK", 0.01)


def page(name, head="", *links):
    anchors = "".join(f'<a href="{link}">{link}</a>' for link in links)
    return f'<!doctype html><html lang="en"><title>{name}</title>{head}<h1>{name}</h1>{anchors}'


def canonical(url):
    return f'<link rel="canonical" href="{url}">'


def version(lang, url):
    return f'<link rel="alternate" hreflang="{lang}" href="{url}">'


def refresh(url, delay=0):
    return f'<meta http-equiv="refresh" content="{delay}; url={url}">'


def found(one):
    """Pages by what led to them first."""
    return {count.found_by: count.pages for count in one.store.frontier_counts(one.run.run_id)}


async def crawled(one, *, checks=False):
    await one.root()
    await one.pages()
    if checks:
        await one.checks()
    one.judge()
    return one


async def test_canonicals_and_language_versions_are_fetched_and_judged(site, crawl):
    site.pages = {
        "/": page("Home", "", "/a", "/b"),
        "/a": page("A", canonical("/none")),
        "/b": page("B", version("en", "/b") + version("de", "/keine") + version("fr", "/fr#top")),
        "/fr": page("FR"),
    }
    one = await crawled(crawl())
    assert sorted(site.page_paths()) == ["/", "/a", "/b", "/fr", "/keine", "/none"]
    assert found(one) == {"start": 1, "link": 2, "canonical": 1, "hreflang": 2}
    told = "select rule, url from issues where rule in ('canonical-to-error', 'hreflang-to-error') order by rule"
    assert one.rows(told) == [("canonical-to-error", site.url("/a")), ("hreflang-to-error", site.url("/b"))]
    graph = "select url, depth, inlinks from site_pages where url like '%/fr'"
    assert one.rows(graph) == [(site.url("/fr"), None, 0)]


async def test_links_of_a_page_come_before_what_it_names_otherwise(site, crawl):
    site.pages = {"/": page("Home", canonical("/c") + version("de", "/v"), "/a", "/v")}
    one = await crawled(crawl(max_pages=3))
    assert sorted(site.page_paths()) == ["/", "/a", "/v"]
    assert found(one) == {"start": 1, "link": 2, "canonical": 1}


async def test_a_page_that_names_itself_and_what_search_engines_ignore_lead_nowhere(site, crawl):
    head = canonical("/") + version("en", "/#x") + canonical("mailto:a@example.com") + version("de", "//[")
    site.pages = {"/": page("Home", head).replace("</h1>", f"</h1>{canonical('/body')}{version('fr', '/body')}")}
    one = await crawled(crawl())
    assert found(one) == {"start": 1}


async def test_of_several_canonicals_none_leads_anywhere(site, crawl):
    site.pages = {"/": page("Home", canonical("/a") + canonical("http://127.0.0.2:1/"))}
    one = await crawled(crawl(), checks=True)
    assert found(one) == {"start": 1}
    assert one.rows("select url from targets") == []


async def test_robots_txt_scope_and_depth_hold_for_them(site, crawl):
    site.pages = {
        "/shop/": page("Shop", "", "/shop/a"),
        "/shop/a": page("A", canonical("/shop/no") + version("de", "/shop/deep") + version("fr", "/out")),
        "/robots.txt": (200, TEXT, "User-agent: *\nDisallow: /shop/no\n"),
    }
    one = await crawled(crawl(start_url=site.url("/shop/"), max_depth=1))
    assert site.page_paths() == ["/shop/", "/shop/a"]
    assert one.store.open_work(one.run.run_id).held_back == 2
    one = await crawled(crawl(start_url=site.url("/shop/"), max_depth=2))
    assert site.page_paths()[2:] == ["/shop/", "/shop/a", "/shop/deep"]
    told = "select url from issues where rule = 'canonical-to-blocked'"
    assert one.rows(told) == [(site.url("/shop/a"),)]


async def test_a_canonical_without_end_is_a_trap(site, crawl):
    site.pages = {"/": page("Home", canonical("/x/x/x"))}
    one = await crawled(crawl())
    assert one.rows("select url, reason from pages where reason is not null") == [(site.url("/x/x/x"), "crawl-trap")]


async def test_other_chunks_know_them_as_parts_of_traps(site, crawl):
    one = crawl()
    one.store.add_found(
        *one.ids, [Found(site.url("/?a=1"), "a", "canonical"), Found(site.url("/?a=2"), "b", "sitemap")]
    )
    urls, _ = one.store.trap_suspects(one.run.run_id, 0, 9)
    assert urls == [site.url("/?a=1")]


async def test_out_of_scope_they_are_looked_at_like_links(site, crawl):
    other = f"http://127.0.0.2:{site.port}"
    site.pages = {
        "/shop/": page("Shop", "", "/shop/a"),
        "/shop/a": page("A", canonical("/gone") + version("en", "/shop/a") + version("de", f"{other}/de")),
    }
    one = await crawled(crawl(start_url=site.url("/shop/")), checks=True)
    kinds = [(site.url("/gone"), "internal"), (f"{other}/de", "external")]
    assert one.rows("select url, kind from targets order by url") == sorted(kinds)
    assert one.rows("select url from issues where rule = 'canonical-to-error'") == [(site.url("/shop/a"),)]
    one = await crawled(crawl(start_url=site.url("/shop/"), check=("images",)), checks=True)
    assert one.rows("select count(*) from targets") == [(2,)]


def listing(site):
    version = f'<xhtml:link rel="alternate" hreflang="de" href="{site.url("/de")}"/>'
    return f"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">
        <url><loc>{site.url("/")}</loc>{version}</url></urlset>"""


async def test_language_versions_of_sitemaps_are_looked_at_too(site, crawl):
    site.pages = {"/": page("Home"), "/sitemap.xml": (200, XML, listing(site))}
    one = crawl()
    await one.root()
    await one.sitemaps()
    await one.pages()
    one.judge()
    assert found(one) == {"start": 1, "hreflang": 1}
    assert one.rows("select url from issues where rule = 'hreflang-to-error'") == [(site.url("/"),)]


async def test_a_crawl_that_comes_again_finds_them_on_pages_that_did_not_change(site, crawl):
    def unless_known(body, tag):
        return lambda count: (200, {"ETag": tag}, body) if count == 1 else (304, {"ETag": tag}, "")

    site.pages = {
        "/": unless_known(page("Home", "", "/a"), '"1"'),
        "/a": unless_known(page("A", canonical("/c") + version("de", "/de") + refresh("/next", 60)), '"2"'),
        "/sitemap.xml": (200, XML, listing(site)),
    }
    one = await crawled(crawl())
    one.store.finish_run(*one.ids, RunState.COMPLETED)
    two = crawl()
    await two.root()
    await two.sitemaps()
    seeds.add_known(two.settings, two.store, *two.ids)
    await two.pages()
    assert two.store.get_run(two.run.run_id).not_modified == 2
    assert found(one) == {"start": 1, "link": 1, "canonical": 1, "hreflang": 1, "redirect": 1}
    assert found(two) == found(one)


async def test_a_refresh_of_the_start_page_leads_on(site, crawl):
    site.pages = {"/": page("Redirecting", refresh("/en/index.html#top")), "/en/index.html": page("Tea", "", "/en/a")}
    one = await crawled(crawl())
    assert site.page_paths() == ["/", "/en/index.html", "/en/a"]
    assert found(one) == {"start": 1, "redirect": 1, "link": 1}


@pytest.mark.parametrize("target", ["http://127.0.0.2:1/", "/", "mailto:a@example.com"])
async def test_a_refresh_out_of_scope_leads_nowhere(site, crawl, target):
    site.pages = {"/": page("Home", "", "/a"), "/a": page("Redirecting", refresh(target))}
    one = await crawled(crawl())
    assert found(one) == {"start": 1, "link": 1}


async def test_a_refresh_is_no_step_down(site, crawl):
    site.pages = {
        "/": page("Home", "", "/a", "/old"),
        "/a": page("A", "", "/new"),
        "/old": page("Old", refresh("/new", 5)),
        "/new": page("New"),
    }
    await crawled(crawl(max_depth=1))
    assert sorted(site.page_paths()) == ["/", "/a", "/new", "/old"]
