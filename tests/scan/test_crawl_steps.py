"""The steps of a crawl around its pages."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from tasks.fetch.fetcher import Fetcher
from tasks.model import Response
from tasks.report.next_steps import goes_on
from tasks.scan import checks as checks_room
from tasks.scan import chunk as chunk_room
from tasks.scan import pipeline as pipeline_room
from tasks.scan import robots as robots_room
from tasks.scan import seeds, trap_watch
from tasks.scan import site as steps
from tasks.scan import stop as stop_room
from tasks.scan.crawl import CrawlChunk
from tasks.scan.records import NEVER
from tasks.scan.stop import ASKED_TO, StopWatch
from tasks.store import Found, Limits, RunState, Store, TargetFact

PAGE = '<!doctype html><html lang="en"><title>{0} is a page of the test site</title><h1>{0}</h1>{1}'
TEXT = {"Content-Type": "text/plain"}


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch):
    monkeypatch.setattr(chunk_room, "delay", lambda *_, **__: 0.01)
    monkeypatch.setattr(checks_room, "SECOND_LOOK", 0.01)


async def test_the_root_is_found_though_its_first_answers_fail(site, crawl):
    site.pages = {
        "/": lambda count: (301, {"Location": "/en/"}, "") if count > 1 else (503, {}, ""),
        "/en/": lambda count: PAGE.format("en", '<a href="a">a</a>') if count > 1 else (503, {}, ""),
    }
    one = crawl()
    assert await one.root() == site.url("/en/")
    assert steps.root_problem(one.store, one.run.run_id, one.rules) == ""
    assert site.page_paths() == ["/", "/", "/en/", "/en/"]


async def test_a_root_that_was_found_before_is_not_asked_for_again(site, crawl):
    site.pages = {"/": (301, {"Location": "/en/"}, ""), "/en/": PAGE.format("en", '<a href="a">a</a>')}
    one = crawl()
    await one.root()
    one.resume()
    one.rules = one.rules.model_copy(update={"root_url": ""})
    assert await one.root() == site.url("/en/")
    assert site.page_paths() == ["/", "/en/"]


@pytest.mark.parametrize("known", [False, True])
async def test_the_root_is_where_an_instant_refresh_leaves_its_scope_for(site, crawl, known):
    site.pages = {
        "/old/": '<meta http-equiv="refresh" content="0; url=/shop/"><a href="/old/a">a</a>',
        "/shop/": PAGE.format("shop", '<a href="teas">teas</a>'),
        "/shop/teas": PAGE.format("teas", ""),
    }
    one = crawl(start_url=site.url("/old/"))
    if known:
        await one.root()
        one.resume()
        one.rules = one.rules.model_copy(update={"root_url": ""})
    assert await one.root() == site.url("/shop/")
    await one.pages()
    assert site.page_paths() == ["/old/", "/shop/", "/shop/teas"]


@pytest.mark.parametrize("refresh", ["0; url=/en/", "5; url=http://127.0.0.2/shop/", "0"])
async def test_another_refresh_leaves_the_root_where_it_is(site, crawl, refresh):
    site.pages = {"/": f'<meta http-equiv="refresh" content="{refresh}">'}
    one = crawl()
    assert await one.root() == site.url("/")
    one.resume()
    one.rules = one.rules.model_copy(update={"root_url": ""})
    assert await one.root() == site.url("/")


@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        ({"/robots.txt": (200, TEXT, "User-agent: *\nDisallow: /\n")}, "robots.txt disallows"),
        ({"/": (200, {"Content-Type": "application/pdf"}, b"%PDF")}, "is no HTML page"),
        ({"/": (500, {}, "")}, "answers with status 500"),
        ({}, "answers with status 404"),
        ({"/": (301, {"Location": "/"}, "")}, ""),
    ],
)
async def test_what_is_wrong_with_the_start_is_named(site, crawl, pages, problem):
    site.pages = pages
    one = crawl()
    await one.root()
    found = steps.root_problem(one.store, one.run.run_id, one.rules)
    assert problem in found
    assert bool(problem) == bool(found)


async def test_a_start_that_cannot_be_reached_says_why(crawl):
    one = crawl(start_url="http://127.0.0.9:1/")
    await one.root()
    assert steps.root_problem(one.store, one.run.run_id, one.rules) == (
        "http://127.0.0.9:1/ cannot be read: address-refused"
    )
    assert one.store.progress(one.run.run_id).by_reason == {"address-refused": 1}


@pytest.mark.parametrize("obey_robots", [True, False])
async def test_redirects_are_told_as_redirects_and_whether_robots_txt_disallows_them(site, crawl, obey_robots):
    links = "".join(f'<a href="/{name}">{name}</a>' for name in ("moved", "gone", "round", "kept-out", "away"))
    site.pages = {
        "/": PAGE.format(0, links),
        "/moved": (301, {"Location": "/"}, ""),
        "/gone": (301, {"Location": "/nowhere"}, ""),
        "/round": (301, {"Location": "/round"}, ""),
        "/kept-out": (301, {"Location": "/private"}, ""),
        "/private": PAGE.format("private", ""),
        "/away": (301, {"Location": "http://tea.example/"}, ""),
        "/robots.txt": (200, TEXT, "User-agent: *\nDisallow: /private\n"),
    }
    one = crawl(obey_robots=obey_robots)
    await one.root()
    await one.pages()
    one.judge()
    columns = "url, status, not_indexable, blocked_by_robots"
    told = one.rows(f"SELECT {columns} FROM pages SEMI JOIN redirects USING (page_id)")  # noqa: S608 - columns of our own
    kept_out = (301, "not fetched: blocked-by-robots", True) if obey_robots else (200, "redirect", True)
    assert {url: tuple(rest) for url, *rest in told} == {
        site.url("/moved"): (200, "redirect", False),
        site.url("/gone"): (404, "redirect", False),
        site.url("/round"): (301, "not fetched: redirect-loop", False),
        site.url("/kept-out"): kept_out,
        site.url("/away"): (301, "redirect", None),
    }


async def test_links_too_deep_are_kept_as_pending(site, crawl):
    site.pages = {"/": PAGE.format(0, '<a href="/1">1</a>'), "/1": PAGE.format(1, '<a href="/2">2</a>')}
    one = crawl(max_depth=1)
    await one.root()
    await one.pages()
    assert site.page_paths() == ["/", "/1"]
    assert one.store.open_work(one.run.run_id).held_back == 1


async def test_a_crawl_of_a_host_that_is_left_alone_waits_for_another_day(site, crawl, store, monkeypatch):
    monkeypatch.setattr(robots_room, "delay", lambda *_, **__: 0.01)
    store.hosts.leave_alone(site.host_port, time.time() + 100)
    one = crawl()
    await one.root()
    await one.pages()
    assert site.requests == []
    assert one.store.open_work(one.run.run_id).put_off == 1
    assert one.store.finish_run(*one.ids, RunState.COMPLETED).incomplete_reason.startswith("a host failed again")


@pytest.mark.parametrize("most", [10_000, 41])
async def test_a_failing_host_puts_its_pages_off_until_the_crawl_is_resumed(site, crawl, store, most):
    links = "".join(f'<a href="/{number}">{number}</a>' for number in range(1, 41))
    site.pages = {"/": PAGE.format(0, links)} | {f"/{number}": (503, {}, "") for number in range(1, 41)}
    one = crawl(max_pages=most)
    await one.root()
    await one.pages()
    work = one.store.open_work(one.run.run_id)
    assert (work.over, work.put_off) == (True, 40)
    assert len(site.page_paths()) < 30
    ended = one.store.finish_run(*one.ids, RunState.COMPLETED)
    assert (ended.incomplete, ended.incomplete_reason) == (True, "a host failed again and again: 40 pages left")
    assert goes_on(ended, one.store.progress(one.run.run_id)) == f"seo resume {one.run.run_id}"

    site.pages |= {f"/{number}": PAGE.format(number, "") for number in range(1, 41)}
    store.hosts.leave_alone(site.host_port, 0.0)  # as when its time is over
    one.resume()
    await one.pages()
    assert one.rows("select outcome, count(*), count(distinct url) from pages group by 1") == [("completed", 41, 41)]
    assert not one.store.finish_run(*one.ids, RunState.COMPLETED).incomplete


async def test_robots_txt_is_told_of_where_it_is_not_obeyed(site, crawl):
    site.pages = {
        "/": PAGE.format(0, '<a href="/no">no</a>'),
        "/no": PAGE.format("no", ""),
        "/robots.txt": (200, TEXT, "User-agent: *\nDisallow: /no\n"),
    }
    one = crawl(obey_robots=False)
    await one.root()
    await one.pages()
    one.judge()
    assert one.rows("select url, status, blocked_by_robots from pages order by url") == [
        (site.url("/"), 200, False),
        (site.url("/no"), 200, True),
    ]
    assert one.rows("select url from issues where rule = 'blocked-by-robots'") == [(site.url("/no"),)]


async def test_sitemaps_are_read_once_also_by_a_resumed_crawl(site, crawl):
    listed = f"<urlset><url><loc>{site.url('/a')}</loc></url><url><loc>{site.url('/b')}</loc></url></urlset>"
    xml = {"Content-Type": "application/xml"}
    site.pages = {"/": PAGE.format(0, ""), "/sitemap.xml": (200, xml, listed)}
    one = crawl()
    await one.root()
    one.resume()
    assert await one.sitemaps() == ""
    one.resume()
    assert await one.sitemaps() == ""
    assert site.paths().count("/sitemap.xml") == 1
    assert one.rows("select url from sitemap_entries order by url") == [(site.url("/a"),), (site.url("/b"),)]
    assert one.store.open_work(one.run.run_id).due == 2


async def test_a_sitemap_that_fails_for_a_moment_is_read(site, crawl, monkeypatch):
    monkeypatch.setattr(pipeline_room, "delay", lambda *_, **__: 0.01)
    listed = (200, TEXT, site.url("/a"))
    site.pages = {"/sitemap.xml": lambda count: listed if count == 3 else (503, {}, "")}
    one = crawl(root_url=site.url("/"))
    assert await one.sitemaps() == ""
    assert site.paths().count("/sitemap.xml") == 3
    assert one.rows("select url from sitemap_entries") == [(site.url("/a"),)]


@pytest.mark.parametrize(("obey", "asked"), [(True, ["/robots.txt"]), (False, ["/robots.txt", "/sitemap.xml"])])
async def test_a_sitemap_that_nothing_names_is_not_fetched_where_robots_txt_disallows_it(site, crawl, obey, asked):
    site.pages = {"/robots.txt": (200, TEXT, "User-agent: *\nDisallow: /\n"), "/sitemap.xml": (200, TEXT, "")}
    one = crawl(root_url=site.url("/"), obey_robots=obey)
    await one.sitemaps()
    assert site.paths() == asked
    told = [(site.url("/sitemap.xml"), None, "blocked-by-robots")] if obey else [(site.url("/sitemap.xml"), 200, None)]
    assert one.rows("select url, status, reason from sitemaps") == told


@pytest.mark.parametrize(("scope", "found"), [("host", ["www"]), ("domain", ["www", "blog"])])
async def test_sitemaps_of_the_domain_bring_what_is_in_scope(crawl, scope, found, monkeypatch):
    urls = [f"http://{name}.tea.example/x" for name in ("www", "blog")] + ["http://other.example/x"]

    async def fetched(_fetcher, url, *_, **__):
        bodies = {"robots.txt": "Sitemap: http://tea.example/s.txt", "s.txt": "\n".join(urls)}
        return Response(url=url, status=200, body=bodies[url.rsplit("/", 1)[1]].encode())

    monkeypatch.setattr(Fetcher, "fetch", fetched)
    one = crawl(start_url=urls[0], root_url="http://www.tea.example/", scope=scope)
    assert await one.sitemaps() == ""
    assert one.rows("select url from sitemap_entries order by url") == [(url,) for url in sorted(urls)]
    leased = {lease.url for lease in one.store.lease(*one.ids, "h", 10)}
    assert leased == {f"http://{name}.tea.example/x" for name in found}


async def test_targets_are_looked_at_once_a_run_and_pages_held_back_are_none(site, crawl):
    other = f"http://127.0.0.2:{site.port}/x"
    links = "".join(f'<a href="{url}">{url}</a>' for url in ("/shop/b", "/out", "/out#x", other, "/no"))
    site.pages = {
        "/shop/": PAGE.format(0, links + '<img src="/i.png"><img src="/no.png"><img src="/page.png">'),
        "/page.png": PAGE.format("no image", ""),
        "/robots.txt": (200, TEXT, "User-agent: *\nDisallow: /no\n"),
    }
    one = crawl(start_url=site.url("/shop/"), max_pages=1)
    await one.root()
    assert await one.checks() == 6
    kinds = "select url, kind, status, reason from targets order by url"
    expected = [
        (site.url("/i.png"), "image", 404, None),
        (site.url("/no"), "internal", None, "blocked-by-robots"),
        (site.url("/no.png"), "image", None, "blocked-by-robots"),
        (site.url("/out"), "internal", 404, None),
        (site.url("/page.png"), "image", 200, "not-image"),
    ]
    found = one.rows(kinds)
    assert [row for row in found if row[0] != other] == expected
    assert [row[1] for row in found if row[0] == other] == ["external"]
    asked = len(site.requests)
    one.resume()
    assert await one.checks() == 0
    assert len(site.requests) == asked
    assert "/shop/b" not in site.paths()


async def test_checks_that_were_stopped_keep_what_they_saw(site, crawl, monkeypatch):
    async def stopped(targets, *_, done, **__):
        await done([TargetFact(url=targets[0].url, kind="internal", status=404, checked_at=datetime.now(UTC))])
        raise asyncio.CancelledError

    site.pages = {"/shop/": PAGE.format(0, '<a href="/a">a</a><a href="/b">b</a>')}
    one = crawl(start_url=site.url("/shop/"))
    await one.root()
    with monkeypatch.context() as patch, pytest.raises(asyncio.CancelledError):
        patch.setattr(steps, "check", stopped)
        await one.checks()
    assert await one.checks() == 1
    assert one.rows("select url from targets order by url") == [(site.url("/a"),), (site.url("/b"),)]


COME_LATER = (503, {"Retry-After": "600"}, "")


@pytest.fixture
def stopping(site, monkeypatch):
    """Watches that tell to stop once one of some paths was asked for."""
    monkeypatch.setattr(stop_room, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(stop_room, "FINISH_SECONDS", 0.1, raising=False)
    return lambda *paths: StopWatch(lambda: not {*paths}.isdisjoint(site.paths()), deadline=NEVER)


async def test_no_wait_that_a_target_asks_for_outlasts_the_stop(site, crawl, stopping):
    names = [f"/{n}.png" for n in range(40)]
    images = "".join(f'<img src="{name}" alt="tea">' for name in names)
    site.pages = {"/": PAGE.format(0, images), **dict.fromkeys(names, COME_LATER)}
    one = crawl()
    await one.root()
    async with asyncio.timeout(10), stopping(*names) as stop:
        seen, left = await steps.check_targets(one.settings, one.store, *one.ids, stop=stop)
    assert (seen + left, left > 0, stop.reason) == (len(names), True, ASKED_TO)


@pytest.mark.parametrize("path", ["/robots.txt", "/sitemap.xml"])
async def test_no_wait_that_a_sitemap_or_robots_txt_asks_for_outlasts_the_stop(site, crawl, stopping, path):
    site.pages = {path: COME_LATER}
    one = crawl(root_url=site.url("/"))
    async with asyncio.timeout(10), stopping(path) as stop:
        assert await seeds.read_sitemaps(one.settings, one.store, *one.ids, stop=stop) == ""
    assert (stop.reason, one.rows("select * from sitemaps")) == (ASKED_TO, [])


async def test_entries_of_sitemaps_that_are_read_again_are_there_once(site, crawl, stopping):
    def slow(_):
        time.sleep(0.1)
        return site.url("/p")

    names = [f"/{n}.txt" for n in range(6)]
    index = "".join(f"<sitemap><loc>{site.url(name)}</loc></sitemap>" for name in names)
    site.pages = {"/sitemap.xml": f"<sitemapindex>{index}</sitemapindex>", **dict.fromkeys(names, slow)}
    one = crawl(root_url=site.url("/"))
    async with stopping(names[2]) as stop:
        await seeds.read_sitemaps(one.settings, one.store, *one.ids, stop=stop)
    assert len(site.paths()) < len(names)
    one.resume()
    await one.sitemaps()
    found = one.rows("select sitemap, url from sitemap_entries order by sitemap")
    assert found == [(site.url(name), site.url("/p")) for name in names]


async def test_pages_with_the_text_of_the_missing_page_are_soft_404(site, crawl):
    gone = "<p>We looked everywhere and could not find what you asked for, sorry about that.</p>"
    links = "".join(f'<a href="/{n}">{n}</a>' for n in ("gone", "lost", "said", "real"))
    site.pages = {
        "/": PAGE.format("Home", links),
        "/gone": f"<title>Old tea</title><main>{gone}</main>",
        "/lost": f"<title>Lost</title><main>{gone}</main>",
        "/said": "<title>Page not found</title><h1>Page not found</h1>",
        "/real": "<title>Tea</title><main><p>Green tea of the spring harvest.</p></main>",
    }

    class Shop(dict):
        def get(self, path, default=None):
            known = path in self or path in {"/robots.txt", "/sitemap.xml"}
            return super().get(path, default) if known else f"<title>{path}</title><main>{gone}</main>"

    site.pages = Shop(site.pages)
    one = crawl()
    await one.root()
    await one.pages()
    for _ in range(2):
        await steps.probe(one.settings, one.store, *one.ids)
        one.judge()
        found = one.rows("select url from issues where rule = 'soft-404' order by url")
        assert found == [(site.url("/gone"),), (site.url("/lost"),), (site.url("/said"),)]


@pytest.mark.parametrize(
    ("obey", "status", "told"),
    [(True, None, ("unknown", "robots.txt disallows to ask for a missing page")), (False, 404, ("pass", ""))],
)
async def test_no_missing_page_is_asked_for_where_robots_txt_disallows_it(site, crawl, obey, status, told):
    site.pages = {
        "/": PAGE.format(0, ""),
        "/robots.txt": (200, TEXT, "User-agent: *\nDisallow: /\nAllow: /$\n"),
    }
    one = crawl(obey_robots=obey)
    await one.root()
    await one.pages()
    await steps.probe(one.settings, one.store, *one.ids)
    one.judge()
    assert len(site.page_paths()) == 1 + (not obey)
    assert one.rows("select status, tries from targets where kind = 'probe'") == [(status, int(not obey))]
    assert one.rows("select outcome, why from results where rule = 'missing-page-not-404'") == [told]


def shop(numbers):
    return PAGE.format(0, "".join(f'<a href="/?a={n % 29}&b={n % 31}&c={n % 37}">x</a>' for n in numbers))


async def test_traps_know_what_other_processes_found_before(site, crawl):
    site.pages = {"/": shop(range(300)), "/list": shop(range(300, 502))}
    one = crawl(max_pages=1)
    await one.root()
    trap_watch.watch_of.cache_clear()  # another process has none of it
    one.store.add_found(*one.ids, [Found(site.url("/list"), "list", depth=0)])
    one.store.resume_run(one.run.run_id, limits=Limits(max_pages=2))
    one.run = one.run.model_copy(update={"epoch": one.run.epoch + 1})
    await CrawlChunk(one.job(1), one.store, one.rules).run()
    assert one.rows("select url, reason from pages where reason is not null order by url") == [
        (site.url(f"/?a={n % 29}&b={n % 31}&c={n % 37}"), "crawl-trap") for n in (500, 501)
    ]
    ended = one.store.finish_run(*one.ids, RunState.COMPLETED)
    assert ended.incomplete_reason == "limit of 2 pages reached: 500 pages left"


async def test_a_crawl_that_left_out_a_trap_is_complete(site, crawl):
    site.pages = {"/": PAGE.format(0, '<a href="/a/a/a">x</a>')}
    one = crawl()
    await one.root()
    await one.pages()
    with one.store.site(one.run.run_id, ("pages",)) as facts:
        assert facts.execute("SELECT complete FROM run").fetchall() == [(True,)]
    assert not one.store.finish_run(*one.ids, RunState.COMPLETED).incomplete


async def test_traps_are_followed_where_that_is_wished(site, crawl):
    site.pages = {"/": PAGE.format(0, '<a href="/a/a/a">x</a>'), "/a/a/a": PAGE.format(1, "")}
    one = crawl(cut_traps=False)
    await one.root()
    await one.pages()
    assert site.page_paths() == ["/", "/a/a/a"]
    assert not one.store.finish_run(*one.ids, RunState.COMPLETED).incomplete


@pytest.mark.parametrize(("max_depth", "commits"), [(None, range(1, 4)), (99, range(30, 31))])
async def test_a_chain_is_followed_before_its_pages_are_stored(site, crawl, max_depth, commits):
    site.pages = {f"/{n or ''}": PAGE.format(n, f'<a href="/{n + 1}">next</a>' if n < 29 else "") for n in range(30)}
    one = crawl(max_depth=max_depth)
    one.rules = one.rules.model_copy(update={"root_url": site.url("/")})
    await one.pages()
    assert one.rows("SELECT count(*), count(DISTINCT url) FROM pages") == [(30, 30)]
    assert site.page_paths() == [f"/{n or ''}" for n in range(30)]
    assert len(list((one.store.path / "facts" / "pages").rglob("*.parquet"))) in commits


async def test_a_page_is_never_stored_before_its_links_are_known(site, crawl, monkeypatch):
    site.pages = {"/": PAGE.format("home", '<a href="/a">a</a>'), "/a": PAGE.format("a", "")}
    one = crawl()
    one.rules = one.rules.model_copy(update={"root_url": site.url("/")})
    lease = one.store.lease

    def failing(*args, found=(), **more):
        if found:
            raise OSError("disk full")
        return lease(*args, found=found, **more)

    monkeypatch.setattr(one.store, "lease", failing)
    with pytest.raises(OSError, match="disk full"):
        await one.pages()
    assert one.rows("SELECT url, outcome FROM pages") == [(site.url("/"), "completed")]
    assert one.store.progress(one.run.run_id).total == 2


async def test_pages_of_a_slow_host_stay_with_the_chunk_that_has_them(site, crawl, store, monkeypatch):
    monkeypatch.setitem(Store.lease.__kwdefaults__, "lease_s", 0.5)
    monkeypatch.setattr(Store.renew, "__defaults__", (0.5,))
    monkeypatch.setattr(chunk_room, "RENEW_EVERY", 0.1)
    monkeypatch.setattr(chunk_room, "LOOK_EVERY", 0.05)

    def slowly(_):
        time.sleep(0.2)
        return PAGE.format("slow", "")

    paths = [f"/{number}" for number in range(8)]
    site.pages = {"/": PAGE.format("start", "".join(f"<a href={path}>p</a>" for path in paths))}
    site.pages |= dict.fromkeys(paths, slowly)
    one = crawl()
    one.settings = one.settings.model_copy(
        update={"options": one.settings.options.model_copy(update={"concurrency": 1})}
    )
    await one.root()
    await asyncio.gather(one.pages(), one.pages())
    assert sorted(path for path in site.paths() if path in paths) == paths
    assert store.progress(one.run.run_id).done == 9
