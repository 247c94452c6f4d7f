"""crawl-site on small sites: where it goes, what it leaves out, and what it says of it."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from prefect.logging import disable_run_logger

from flows.crawl_site import crawl_site
from tasks.model import FetchOptions, PageState
from tasks.scan import checks
from tasks.scan import site as steps
from tasks.scan.crawl_task import crawl_chunk, create_crawl_records, job_of, judge_site, prepare_crawl
from tasks.scan.records import NEVER
from tasks.scan.settings import CrawlRules, ScanOptions, ScanSettings
from tasks.scan.task import close_run
from tasks.store import RunState, Store, connect, new_run_id
from tests.generated.endless import ENDLESS, chain
from tests.generated.reply import Reply, error, not_found, plain
from tests.generated.server import serve

WORDS = "Each leaf is picked by hand, dried in the shade and rolled before the sun is up. "


def page(name, *links):
    anchors = "".join(f'<p><a href="{link}">To {link}</a></p>' for link in links)
    return f"<!doctype html><html lang=en><title>{name}</title><h1>{name}</h1><main>{WORDS}{anchors}</main>"


def text(body, status=200):
    return status, {"Content-Type": "text/plain"}, body


def to(location, status=301):
    return status, {"Location": location}, ""


def sitemap(*urls):
    listed = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    body = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
    return 200, {"Content-Type": "application/xml"}, body


def small_site(site, **pages):
    """``pages`` by name, each with what it links to; ``home`` is the start page."""
    site.pages |= {path_of(name): page(f"The page {name} of tea", *links) for name, links in pages.items()}


def path_of(name):
    return "/" if name == "home" else f"/{name}"


class Crawled:
    """A finished crawl, as the store shows it."""

    def __init__(self, data, run_id, base):
        self._base = base
        with Store.open(data) as store:
            self.run = store.get_run(run_id)
            self.counts = store.frontier_counts(run_id)
        with connect(data) as facts:
            here = f"WHERE run_id = '{run_id}'"
            rows = facts.execute(f"SELECT url, outcome, reason FROM pages {here}").fetchall()  # noqa: S608 - our id
            issues = facts.execute(f"SELECT rule, url FROM issues {here}").fetchall()  # noqa: S608 - our id
            self.redirects = facts.execute(f"SELECT url, final_url, reason FROM pages {here}").fetchall()  # noqa: S608
            targets = facts.execute(f"SELECT url, status FROM targets {here} AND kind <> 'probe'").fetchall()  # noqa: S608
            links = facts.execute(f"SELECT url, internal FROM links {here}").fetchall()  # noqa: S608 - our id
        self.rows = [self._path(url) for url, _, _ in rows]
        self.pages = {self._path(url): reason or outcome for url, outcome, reason in rows}
        self.issues = {(rule, self._path(url)) for rule, url in issues}
        self.targets = {self._path(url): status for url, status in targets}
        self.links = {self._path(url): internal for url, internal in links}

    def _path(self, url):
        return url.removeprefix(self._base) if url else url

    def found_by(self, how):
        return sum(count.pages for count in self.counts if count.found_by == how)

    def pages_of(self, rule):
        return {path for named, path in self.issues if named == rule}


@pytest.fixture
def options(tmp_path, site):
    return ScanOptions(data=str(tmp_path / "data"), allow=(site.host_port,))


@pytest.fixture
def crawl(options, site):
    """Crawls by the steps of the flow, without a Prefect server."""
    return crawler_of(options, site, by_steps)


@pytest.fixture
def crawl_flow(options, site, prefect_db):  # noqa: ARG001 - the flow needs it
    """Crawls by the flow itself."""
    return crawler_of(options, site, crawl_site)


def crawler_of(options, site, flow):
    async def crawled(start="/", *, check=(), allow=(), **wishes):
        start = site.url(start) if start.startswith("/") else start
        chosen = options.model_copy(update={"allow": (*options.allow, *allow)})
        run_id = await flow(start, check=list(check), options=chosen, **wishes)
        return Crawled(options.data, run_id, start.split("/", 3)[0] + "//" + start.split("/", 3)[2])

    return crawled


async def by_steps(start, *, options, **wishes):
    rules = CrawlRules(project_id="default", start_url=start, **wishes)
    settings = ScanSettings(data=options.data, options=FetchOptions(allow=options.allow), crawl=rules)
    with disable_run_logger():
        plan, _ = await prepare_crawl.fn(await create_crawl_records.fn(settings, "local", None), NEVER)
        report = await crawl_chunk.fn(job_of(plan, 0, NEVER))
        await judge_site.fn(plan)
    run = await close_run(plan, report.stopped)
    return run.run_id


def asked(site):
    """How often each page was asked for."""
    return Counter(path for path in site.paths() if path in site.pages)


# What is found


async def test_every_page_is_found_once_and_fetched_once(site, crawl_flow):
    small_site(site, home=["/a", "/b", "/a#x", "/"], a=["/b", "/c"], b=["/a", "/c?x=1"], c=["/"])
    site.pages["/c?x=1"] = page("Another page c of tea", "/gone")
    crawled = await crawl_flow()
    found = {"/", "/a", "/b", "/c", "/c?x=1", "/gone"}
    assert sorted(crawled.rows) == sorted(found)
    assert set(crawled.pages.values()) == {"completed"}
    assert asked(site) == dict.fromkeys(found - {"/gone"}, 1)
    assert site.paths().count("/gone") == 1
    assert site.paths().count("/robots.txt") == 1
    assert crawled.pages_of("link-broken-internal") == {"/c?x=1"}
    assert (crawled.run.state, crawled.run.incomplete, crawled.run.incomplete_reason) == (
        RunState.COMPLETED,
        False,
        None,
    )


async def test_path_case_slash_and_parameter_order_make_other_pages(site, crawl):
    found = ["/Tea", "/tea", "/tea/", "/tea?a=1&b=2", "/tea?b=2&a=1"]
    site.pages = {"/": page("Tea", *(link.replace("&", "&amp;") for link in found))} | {
        path: page(f"Tea {path}") for path in found
    }
    crawled = await crawl()
    assert set(crawled.pages) == {"/", *found}


@pytest.mark.parametrize(
    ("scope", "reached"),
    [("folder", {"/shop/", "/shop/a", "/shop/deep/b"}), ("host", {"/shop/", "/shop/a", "/shop/deep/b", "/blog"})],
)
async def test_links_out_of_scope_are_recorded_and_not_fetched(site, crawl, scope, reached):
    site.pages = {
        "/shop/": page("Shop", "/shop/a", "/blog", "https://other.example/", "/shopping"),
        "/shop/a": page("Shop a", "deep/b"),
        "/shop/deep/b": page("Shop b", "/"),
        "/blog": page("Blog"),
    }
    crawled = await crawl("/shop/", scope=scope)
    assert asked(site).keys() == reached
    assert crawled.links["/blog"] is True
    assert crawled.links["https://other.example/"] is False
    assert not crawled.run.incomplete


async def test_a_domain_without_subdomains_is_its_host(site, crawl):
    small_site(site, home=["/a"], a=[])
    with serve(lambda _: Reply(body=page("Other").encode())) as other:
        site.pages["/a"] = page("Tea a", f"http://{other.host_port}/")
        await crawl(scope="domain", allow=[other.host_port])
        assert asked(site) == {"/": 1, "/a": 1}
        assert not other.log


async def test_include_and_exclude(site, crawl):
    small_site(site, home=["/tea/a", "/tea/b.pdf", "/tea/old/c", "/blog"])
    site.pages |= {path: page(f"Of {path}", "/tea/a") for path in ("/tea/a", "/tea/b.pdf", "/tea/old/c", "/blog")}
    await crawl(include=["/tea/"], exclude=["/old/", "*.pdf$"])
    assert asked(site).keys() == {"/", "/tea/a"}


# Limits


async def test_the_limit_of_pages_ends_the_crawl_incomplete(site, crawl_flow):
    small_site(site, home=[f"/{n}" for n in range(12)], **{str(n): ["/"] for n in range(12)})
    crawled = await crawl_flow(max_pages=5)
    assert sum(asked(site).values()) == 5
    assert crawled.run.state == RunState.COMPLETED
    assert crawled.run.incomplete
    assert crawled.run.incomplete_reason == "limit of 5 pages reached: 8 pages left"


async def test_as_many_pages_as_the_limit_are_a_whole_site(site, crawl):
    small_site(site, home=["/1", "/2"], **{"1": ["/"], "2": ["/1"]})
    crawled = await crawl(max_pages=3)
    assert sum(asked(site).values()) == 3
    assert not crawled.run.incomplete


@pytest.mark.parametrize(("depth", "reached"), [(0, {"/"}), (2, {"/", "/1", "/2"})])
async def test_the_limit_of_depth_ends_the_crawl_incomplete(site, crawl, depth, reached):
    small_site(site, home=["/1"], **{"1": ["/2"], "2": ["/3"], "3": ["/4"], "4": []})
    crawled = await crawl(max_depth=depth)
    assert asked(site).keys() == reached
    assert crawled.run.incomplete
    assert f"limit of depth {depth} reached" in crawled.run.incomplete_reason


async def test_a_site_no_deeper_than_the_limit_is_whole(site, crawl):
    small_site(site, home=["/1"], **{"1": ["/2"], "2": ["/"]})
    crawled = await crawl(max_depth=2)
    assert asked(site).keys() == {"/", "/1", "/2"}
    assert not crawled.run.incomplete


async def test_the_limit_of_depth_counts_from_what_a_sitemap_brings_too(site, crawl):
    small_site(site, home=["/1"], **{"1": ["/2"], "2": [], "s": ["/s1"], "s1": ["/s2"], "s2": ["/s3"], "s3": []})
    site.pages["/sitemap.xml"] = sitemap(site.url("/s"))
    crawled = await crawl(max_depth=1)
    assert asked(site).keys() == {"/sitemap.xml", "/", "/1", "/s", "/s1"}
    assert crawled.run.incomplete


async def test_the_limit_of_time_ends_the_crawl_incomplete(crawl_flow):
    with serve(lambda path: replace(chain(path), delay=0.3)) as served:
        crawled = await crawl_flow(f"{served.origin}/", time_budget=2, allow=[served.host_port])
    assert (crawled.run.state, crawled.run.incomplete) == (RunState.COMPLETED, True)
    assert "time is over" in crawled.run.incomplete_reason
    assert 1 <= Counter(crawled.pages.values())["completed"] <= 7


async def test_a_crawl_without_limits_ends_with_the_site(site, crawl):
    small_site(site, home=["/1"], **{"1": []})
    crawled = await crawl(max_pages=None)
    assert not crawled.run.incomplete


# robots.txt


async def test_what_robots_txt_disallows_is_named_and_not_fetched(site, crawl):
    site.pages["/robots.txt"] = text("User-agent: *\nDisallow: /secret\nAllow: /secret/not$\n")
    small_site(site, home=["/secret", "/secret/not", "/secret/more", "/open"], open=[], **{"secret/not": []})
    crawled = await crawl()
    assert asked(site) == {"/robots.txt": 1, "/": 1, "/secret/not": 1, "/open": 1}
    assert {path for path, how in crawled.pages.items() if how == "blocked-by-robots"} == {"/secret", "/secret/more"}
    assert crawled.pages_of("blocked-by-robots") == {"/secret", "/secret/more"}
    assert not crawled.run.incomplete


async def test_what_robots_txt_disallows_is_fetched_where_told(site, crawl):
    site.pages["/robots.txt"] = text("User-agent: *\nDisallow: /\n")
    small_site(site, home=["/a"], a=[])
    crawled = await crawl(obey_robots=False)
    assert asked(site).keys() >= {"/", "/a"}
    assert crawled.pages == {"/": "completed", "/a": "completed"}


async def test_our_own_group_of_robots_txt_counts(site, crawl):
    site.pages["/robots.txt"] = text("User-agent: *\nDisallow:\n\nUser-agent: seo-scan\nDisallow: /b\n")
    small_site(site, home=["/a", "/b"], a=[], b=[])
    await crawl()
    assert asked(site).keys() == {"/robots.txt", "/", "/a"}


async def test_a_disallowed_start_is_named_and_nothing_is_fetched(site, crawl_flow):
    site.pages["/robots.txt"] = text("User-agent: *\nDisallow: /\n")
    small_site(site, home=["/a"], a=[])
    crawled = await crawl_flow()
    assert crawled.pages == {"/": "blocked-by-robots"}
    assert asked(site) == {"/robots.txt": 1}


async def test_a_failing_robots_txt_disallows_everything(site, crawl):
    site.pages["/robots.txt"] = (503, {}, "")
    small_site(site, home=["/a"], a=[])
    crawled = await crawl()
    assert asked(site).keys() == {"/robots.txt"}
    assert 2 <= asked(site)["/robots.txt"] <= 3
    assert crawled.pages == {"/": "blocked-by-robots"}
    assert [rule for rule, _ in crawled.issues if rule == "robots-txt-unreachable"] == ["robots-txt-unreachable"]


async def test_a_robots_txt_that_fails_once_is_asked_again(site, crawl):
    site.pages["/robots.txt"] = lambda n: (500, {}, "") if n == 1 else text("User-agent: *\nDisallow: /b\n")
    small_site(site, home=["/a", "/b"], a=[], b=[])
    await crawl()
    assert asked(site) == {"/robots.txt": 2, "/": 1, "/a": 1}


async def test_a_robots_txt_that_redirects_is_followed(site, crawl):
    site.pages["/robots.txt"] = to("/moved.txt")
    site.pages["/moved.txt"] = text("User-agent: *\nDisallow: /b\n")
    small_site(site, home=["/a", "/b"], a=[], b=[])
    crawled = await crawl()
    assert crawled.pages == {"/": "completed", "/a": "completed", "/b": "blocked-by-robots"}


async def test_a_robots_txt_without_rules_or_of_rubbish_allows(site, crawl):
    site.pages["/robots.txt"] = text(b"\xff\xfe\x00<html>\n" * 100_000)
    small_site(site, home=["/a"], a=[])
    crawled = await crawl()
    assert crawled.pages == {"/": "completed", "/a": "completed"}


async def test_the_delay_that_robots_txt_asks_for_is_kept(site, crawl):
    site.pages["/robots.txt"] = text("User-agent: *\nCrawl-delay: 0.5\n")
    small_site(site, home=["/1", "/2", "/3"], **{"1": ["/4"], "2": [], "3": [], "4": []})
    await crawl()
    starts = [at for at, path in site.requests if path in site.pages and path != "/robots.txt"]
    assert len(starts) == 5
    assert min(later - earlier for earlier, later in itertools.pairwise(sorted(starts))) > 0.4


# The start URL


async def test_a_start_that_leads_to_a_folder_is_crawled_there(site, crawl):
    site.pages = {
        "/": to("/en/"),
        "/en/": page("Tea", "/en/a", "/de/"),
        "/en/a": page("Tea a", "/"),
        "/de/": page("Tee"),
    }
    crawled = await crawl()
    assert asked(site) == {"/": 1, "/en/": 1, "/en/a": 1}
    assert crawled.pages == {"/": "completed", "/en/": "completed", "/en/a": "completed"}


async def test_a_start_that_leads_to_another_host_is_crawled_there(site, crawl):
    answers = {
        "/": Reply(body=page("Tea", "/a", "/b").encode()),
        "/a": Reply(body=page("Tea a", "{{origin}}/").encode()),
        "/robots.txt": plain("User-agent: *\nDisallow: /b\n"),
    }
    there = lambda path: answers.get(path, error(404))  # noqa: E731 - a table to look up
    with serve(not_found, there) as served:
        site.pages["/"] = to(f"{served.elsewhere}/")
        crawled = await crawl(allow=[served.elsewhere_host_port])
        requests = Counter(request.path for request in served.requests(served.elsewhere_host_port))
    assert asked(site) == {"/": 1}
    assert (requests["/"], requests["/a"], requests["/b"]) == (1, 1, 0)
    assert crawled.pages == {
        "/": "completed",
        f"{served.elsewhere}/": "completed",
        f"{served.elsewhere}/a": "completed",
        f"{served.elsewhere}/b": "blocked-by-robots",
    }


async def test_a_start_that_leads_to_a_refused_host_is_named(site, crawl):
    site.pages["/"] = to("http://10.0.0.1/")
    crawled = await crawl()
    assert crawled.pages["http://10.0.0.1/"] == "address-refused"
    assert crawled.run.state == RunState.COMPLETED


async def test_a_start_that_fails_once_and_then_leads_elsewhere(site, crawl):
    site.pages = {
        "/shop": lambda n: (503, {}, "") if n == 1 else to("/tea/"),
        "/tea/": page("Tea", "/tea/a", "/shop/b"),
        "/tea/a": page("Tea a"),
        "/shop/b": page("Shop b"),
    }
    crawled = await crawl("/shop")
    assert asked(site) == {"/shop": 2, "/tea/": 1, "/tea/a": 1}
    assert set(crawled.pages) == {"/shop", "/tea/", "/tea/a"}


async def test_a_start_that_leads_in_a_circle_is_named(site, crawl):
    site.pages = {"/": to("/a"), "/a": to("/b"), "/b": to("/")}
    crawled = await crawl()
    assert asked(site) == {"/": 1, "/a": 1, "/b": 1}
    assert set(crawled.pages.values()) == {"redirect-loop"}


async def test_a_start_that_leads_on_for_ever_is_named(site, crawl):
    site.pages = {"/": to("/0")} | {f"/{n}": to(f"/{n + 1}") for n in range(40)}
    crawled = await crawl(max_pages=60)
    assert crawled.pages["/"] == "too-many-redirects"
    assert crawled.run.state == RunState.COMPLETED


@pytest.mark.parametrize(
    ("answer", "stands"),
    [
        ((200, {"Content-Type": "application/pdf"}, "%PDF-1.7"), "not-html"),
        ((404, {}, "gone"), "completed"),
        ((500, {}, "broken"), "completed"),
        ((200, {}, ""), "completed"),
    ],
)
async def test_a_start_without_links_ends_the_crawl(site, crawl, answer, stands):
    site.pages["/"] = answer
    crawled = await crawl()
    assert crawled.pages == {"/": stands}
    assert (crawled.run.state, crawled.run.incomplete) == (RunState.COMPLETED, False)


async def test_a_start_that_nobody_answers_is_named(crawl, unused_tcp_port):
    start = f"http://127.0.0.1:{unused_tcp_port}/"
    crawled = await crawl(start, allow=[f"127.0.0.1:{unused_tcp_port}"])
    assert crawled.pages["/"] in {"connect-refused", "blocked-by-robots"}
    assert crawled.run.state == RunState.COMPLETED


# Sitemaps


async def test_sitemaps_bring_pages_that_nothing_links_to(site, crawl):
    small_site(site, home=["/a"], a=["/"], orphan=["/only"], only=["/"])
    site.pages["/robots.txt"] = text(f"Sitemap: {site.url('/maps.xml')}\n")
    site.pages["/maps.xml"] = (
        200,
        {"Content-Type": "application/xml"},
        f"<sitemapindex><sitemap><loc>{site.url('/tea.xml')}</loc></sitemap></sitemapindex>",
    )
    site.pages["/tea.xml"] = sitemap(site.url("/"), site.url("/orphan"), site.url("/gone"), "https://other.example/x")
    crawled = await crawl()
    assert set(crawled.pages) == {"/", "/a", "/orphan", "/only", "/gone"}
    assert crawled.found_by("sitemap") == 2
    assert asked(site) == dict.fromkeys(site.pages, 1)
    assert crawled.pages_of("orphan-page") == {"/orphan"}
    assert crawled.pages_of("sitemap-url-error") == {"/gone"}


async def test_sitemaps_are_left_alone_where_told(site, crawl):
    small_site(site, home=[], orphan=[])
    site.pages["/sitemap.xml"] = sitemap(site.url("/orphan"))
    await crawl(sitemaps=False)
    assert asked(site) == {"/": 1}


async def test_a_broken_sitemap_gives_what_it_has(site, crawl):
    small_site(site, home=[], a=[], b=[])
    whole = sitemap(site.url("/a"), site.url("/b"))
    site.pages["/sitemap.xml"] = (*whole[:2], whole[2].partition("</loc></url></urlset>")[0][:-3])
    crawled = await crawl()
    assert asked(site).keys() == {"/", "/sitemap.xml", "/a"}
    assert not crawled.run.incomplete


async def test_a_sitemap_that_lists_itself_ends(site, crawl):
    small_site(site, home=[])
    index = f"<sitemapindex><sitemap><loc>{site.url('/sitemap.xml')}</loc></sitemap></sitemapindex>"
    site.pages["/sitemap.xml"] = (200, {"Content-Type": "application/xml"}, index)
    await crawl()
    assert asked(site) == {"/": 1, "/sitemap.xml": 1}


# Redirects


async def test_redirects_are_pages_of_their_own_and_asked_once(site, crawl):
    small_site(site, home=["/one", "/two", "/three", "/self", "/out", "/nowhere"], end=["/one"])
    site.pages |= {
        "/one": to("/two"),
        "/two": to("/three", 302),
        "/three": to("/end"),
        "/self": to("/self"),
        "/out": to("https://other.example/"),
        "/nowhere": to("mailto:a@example.com"),
    }
    crawled = await crawl()
    assert asked(site) == dict.fromkeys(site.pages, 1)
    ended = {url.removeprefix(site.url("")): final for url, final, _ in crawled.redirects}
    assert {ended[path] for path in ("/one", "/two", "/three", "/end")} == {site.url("/end")}
    assert crawled.pages["/self"] == "redirect-loop"
    assert crawled.pages["/nowhere"] == "invalid-redirect"
    assert "https://other.example/" not in crawled.pages
    assert crawled.pages_of("link-to-redirect") >= {"/", "/end"}
    assert Counter(crawled.rows)["/one"] == 1


async def test_a_redirect_to_a_disallowed_page_is_not_followed(site, crawl):
    site.pages["/robots.txt"] = text("User-agent: *\nDisallow: /b\n")
    small_site(site, home=["/a"], b=[])
    site.pages["/a"] = to("/b")
    crawled = await crawl()
    assert asked(site) == {"/robots.txt": 1, "/": 1, "/a": 1}
    assert crawled.pages["/b"] == "blocked-by-robots"


# Sites without an end


async def test_a_path_that_repeats_itself_ends(crawl):
    with serve(ENDLESS["deeper"]) as served:
        crawled = await crawl(f"{served.origin}/", allow=[served.host_port])
    assert "/tea/more/more/more/" in crawled.pages
    assert crawled.pages["/tea/more/more/more/"] == "crawl-trap"
    assert Counter(crawled.pages.values())["crawl-trap"] == 1


async def test_a_site_that_grows_for_ever_ends_at_the_limit(crawl):
    with serve(ENDLESS["growing"]) as served:
        crawled = await crawl(f"{served.origin}/", allow=[served.host_port], max_pages=60)
        fetched = [request for request in served.requests() if request.path in crawled.pages]
    assert len(fetched) == 60
    assert crawled.run.incomplete
    assert crawled.run.incomplete_reason.startswith("limit of 60 pages reached: ")


# What pages point at


async def test_external_links_and_images_are_looked_at_once(site, crawl_flow, monkeypatch, unused_tcp_port):
    monkeypatch.setattr(checks, "SECOND_LOOK", 0.1)
    statuses = {"/ok": Reply(), "/gone": error(404), "/no": error(403), "/head": Reply(head_status=405)}
    elsewhere = lambda path: statuses.get(path, error(404))  # noqa: E731 - a table to look up
    dead = f"http://127.0.0.1:{unused_tcp_port}/x"
    with serve(not_found, elsewhere) as served:
        there = served.elsewhere
        small_site(
            site, home=[f"{there}{path}" for path in statuses] + [dead, "/a"], a=[f"{there}/gone", f"{there}/ok"]
        )
        site.pages["/a"] += f'<img src="{there}/lost.png" alt=x><img src="/here.png" alt=y>'
        crawled = await crawl_flow(
            check=["external", "images"], allow=[served.elsewhere_host_port, f"127.0.0.1:{unused_tcp_port}"]
        )
        heads = Counter(request.path for request in served.log if request.method == "HEAD")
        gets = {request.path for request in served.log if request.method == "GET"}
    assert {path: crawled.targets[f"{there}{path}"] for path in statuses} == {
        "/ok": 200,
        "/gone": 404,
        "/no": 403,
        "/head": 200,
    }
    assert (heads["/ok"], heads["/gone"]) == (1, 1)
    assert "/ok" not in gets
    assert crawled.targets[dead] is None
    assert crawled.pages_of("link-broken-external") == {"/", "/a"}
    assert crawled.pages_of("image-broken") == {"/a"}
    assert not {path for path in crawled.pages if path.startswith(there)}


async def test_nothing_else_is_asked_without_checks(site, crawl):
    with serve(not_found, lambda _: Reply()) as served:
        small_site(site, home=[f"{served.elsewhere}/ok"])
        crawled = await crawl(allow=[served.elsewhere_host_port])
        assert not served.log
    assert crawled.targets == {}


# A crawl that is taken up again


async def test_a_crawl_cut_off_before_its_root_is_known(site, crawl_flow, monkeypatch):
    site.pages = {
        "/": to("/en/"),
        "/en/": page("Tea", "/en/a", "/de/"),
        "/en/a": to("/en/b"),
        "/en/b": page("Tea b"),
        "/de/": page("Tee"),
    }
    run_id = new_run_id()

    def cut_off(*_):
        raise OSError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "set_options", cut_off)
        broken.setattr("tasks.scan.crawl_task.prepare_crawl.retries", 0)
        with pytest.raises(OSError, match="gone"):
            await crawl_flow(run_id=run_id)
    crawled = await crawl_flow(run_id=run_id)
    assert asked(site) == {"/": 1, "/en/": 1, "/en/a": 1, "/en/b": 1}
    assert set(crawled.pages) == {"/", "/en/", "/en/a", "/en/b"}
    assert (crawled.run.state, crawled.run.epoch) == (RunState.COMPLETED, 2)


async def test_a_crawl_cut_off_while_judged_fetches_nothing_again(site, crawl_flow, monkeypatch):
    small_site(site, home=["/a", "/r", "/gone"], a=["/gone"], b=[])
    site.pages["/r"] = to("/b")
    run_id = new_run_id()

    def cut_off(*_):
        raise OSError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(steps, "judge_site", cut_off)
        broken.setattr("tasks.scan.crawl_task.judge_site.retries", 0)
        with pytest.raises(OSError, match="gone"):
            await crawl_flow(run_id=run_id)
    crawled = await crawl_flow(run_id=run_id)
    assert asked(site) == dict.fromkeys(site.pages, 1)
    assert sorted(crawled.rows) == ["/", "/a", "/b", "/gone", "/r"]
    assert crawled.pages_of("link-broken-internal") == {"/", "/a"}
    assert sum(count.pages for count in crawled.counts if count.state is PageState.COMPLETED) == 5
