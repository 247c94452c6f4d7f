"""robots.txt is obeyed by what it says to the scanner, and pages are judged by what it says to Googlebot."""

import pytest

PAGE = '<!doctype html><html lang="en"><title>{0} of the test site</title><h1>{0}</h1>{1}'
FOR_US = "User-agent: *\nDisallow: {0}\n\nUser-agent: Googlebot\nAllow: /\n"
FOR_GOOGLE = "User-agent: Googlebot\nDisallow: {0}\n\nUser-agent: *\nDisallow:\n"


@pytest.fixture
def crawled(site, crawl):
    """A crawl of the site with that robots.txt."""

    async def crawled(robots, *, checks=False, start="/"):
        site.pages["/robots.txt"] = (200, {"Content-Type": "text/plain"}, robots)
        one = crawl(start_url=site.url(start))
        await one.root()
        await one.pages()
        if checks:
            await one.checks()
        one.judge()
        return one

    return crawled


def links(*paths):
    return "".join(f'<a href="{path}">{path}</a>' for path in paths)


def judged(one):
    return {
        url.partition("/tea")[2]: facts
        for url, *facts in one.rows("select url, status, reason, blocked_by_robots, not_indexable from pages")
        if "/tea" in url
    }


def blocked(one):
    return [url for (url,) in one.rows("select url from issues where rule = 'blocked-by-robots' order by url")]


async def test_what_googlebot_may_not_read_is_fetched_and_told(site, crawled):
    site.pages = {
        "/": PAGE.format("Home", links("/tea/a", "/tea/old")),
        "/tea/a": PAGE.format("A", ""),
        "/tea/old": (301, {"Location": "/"}, ""),
    }
    one = await crawled(FOR_GOOGLE.format("/tea/"))
    assert judged(one) == {"/a": [200, None, True, "blocked by robots.txt"], "/old": [200, None, True, "redirect"]}
    assert blocked(one) == [site.url("/tea/a"), site.url("/tea/old")]


async def test_what_only_we_may_not_read_is_left_out_and_unknown(site, crawled):
    site.pages = {"/": PAGE.format("Home", links("/tea/a", "/tea/old"))}
    one = await crawled(FOR_US.format("/tea/"))
    skipped = [None, "blocked-by-robots", False, "not fetched: blocked-by-robots"]
    assert judged(one) == {"/a": skipped, "/old": skipped}
    assert "/tea/a" not in site.paths()
    assert blocked(one) == []
    outcomes = "select distinct outcome from results where page_id = '' and rule in ('orphan-page', 'title-duplicate')"
    assert one.rows(outcomes) == [("unknown",)]


async def test_a_redirect_to_what_googlebot_may_not_read_is_blocked(site, crawled):
    site.pages = {
        "/": PAGE.format("Home", links("/old")),
        "/old": (301, {"Location": "/tea/a"}, ""),
        "/tea/a": PAGE.format("A", ""),
    }
    one = await crawled(FOR_GOOGLE.format("/tea/"))
    assert blocked(one) == [site.url("/old"), site.url("/tea/a")]


async def test_the_whole_site_is_blocked_where_it_is_for_googlebot(site, crawled):
    site.pages = {"/": PAGE.format("Home", "")}
    one = await crawled(FOR_GOOGLE.format("/"))
    assert site.page_paths() == ["/"]
    told = one.rows("select rule from issues where rule like '%robots%' order by rule")
    assert told == [("blocked-by-robots",), ("robots-txt-blocks-all",)]


@pytest.mark.parametrize(
    ("robots", "reason"), [(FOR_US, "not-fetched"), ("User-agent: *\nDisallow: {0}", "blocked-by-robots")]
)
async def test_a_target_that_we_may_not_ask_for_is_blocked_where_googlebot_may_not(site, crawled, robots, reason):
    site.pages = {"/shop/": PAGE.format("Shop", links("/out"))}
    one = await crawled(robots.format("/out"), checks=True, start="/shop/")
    assert one.rows("select reason from targets") == [(reason,)]
    assert "/out" not in site.paths()
