"""A site that was crawled before: what is asked for, what is sent, and what is known afterwards."""

import hashlib
import itertools
import os
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import Mock

import pytest

from tasks.audit import Profile
from tasks.model import FetchOptions, answers
from tasks.scan import revalidating, seeds
from tasks.scan import site as steps
from tasks.scan.chunk import Chunk, ChunkJob
from tasks.scan.crawl import CrawlChunk
from tasks.scan.records import begin_crawl, begin_run, jobs_of, targets_of
from tasks.scan.settings import AccessRef, CrawlRules, ScanSettings
from tasks.scan.stop import StopWatch
from tasks.store import RunSpec, RunState, connect

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


def page(title, *links):
    anchors = "".join(f'<a href="{link}">{link}</a>' for link in links)
    return f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1><img src="/i.png">{anchors}'


@dataclass(frozen=True)
class Seen:
    path: str
    etag: str | None
    since: str | None
    status: int
    sent: int


@dataclass
class Versioned:
    """A server that names each page's version and answers 304 where the client has it.

    ``headers`` are added to every answer, ``always`` to answers of a path; ``tag`` makes the entity tag of a body, None
    for none; ``ignores`` conditions; ``claims``: answers 304 whatever is asked.
    """

    port: int
    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    log: list[Seen] = field(default_factory=list)
    date: str | None = None
    ignores: bool = False
    claims: bool = False

    def tag(self, body):
        return f'"{hashlib.sha256(body).hexdigest()[:8]}"'

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, path, etag, since):
        body = self.pages.get(path)
        if path in self.redirects:
            return 301, {"Location": self.redirects[path]}, b""
        if body is None:
            return 404, {}, b"<title>Not found</title>"
        content = body.encode()
        named = {"ETag": self.tag(content), "Last-Modified": self.date, **self.headers}
        held = etag == named["ETag"] if etag else since is not None and since == self.date
        status = 304 if self.claims or (held and not self.ignores) else 200
        return status, {key: value for key, value in named.items() if value}, b"" if status == 304 else content

    def take(self):
        """What was asked for since the last look, but for what is no page."""
        taken, self.log[:] = [one for one in self.log if one.path not in {"/robots.txt", "/sitemap.xml"}], []
        return taken


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self):
        site = self.server.site
        etag, since = self.headers["If-None-Match"], self.headers["If-Modified-Since"]
        status, headers, body = site.answer(self.path, etag, since)
        site.log.append(Seen(self.path, etag, since, status, len(body)))
        self.send_response(status)
        if status != 304:
            headers = {"Content-Type": "text/html", "Content-Length": str(len(body))} | headers
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        server.site = Versioned(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server.site
        server.shutdown()
        thread.join()


@pytest.fixture
def crawl(store, site):
    """Crawls the site; returns the run's id."""

    async def crawl(*, judged=False, at_once=8, revalidate=True, user_agent="", profile=None, access=None, **rules):
        settings = ScanSettings(
            data=str(store.path),
            options=FetchOptions(allow=(f"127.0.0.1:{site.port}",), user_agent=user_agent, concurrency=at_once),
            profile=profile or Profile(),
            revalidate=revalidate,
            access=access,
            crawl=CrawlRules(project_id="default", start_url=site.url(), root_url=site.url(), **rules),
        )
        run = begin_crawl(store, settings.crawl, settings, user_id="u", run_id="", flow_run_id=None)
        ids = run.run_id, run.epoch
        job = ChunkJob(
            settings=settings, run_id=ids[0], epoch=ids[1], index=0, deadline=time.time() + 60, parent_pid=os.getpid()
        )
        await seeds.read_sitemaps(settings, store, *ids, stop=StopWatch(lambda: False, deadline=job.deadline))
        seeds.add_known(settings, store, *ids)
        await CrawlChunk(job, store, settings.crawl).run()
        if judged:
            steps.settle(settings, store, *ids)
            steps.judge_site(settings, store, *ids)
            steps.compare(store, *ids)
        store.finish_run(*ids, RunState.COMPLETED)
        return run.run_id

    return crawl


@pytest.fixture
def rows(store):
    def rows(sql, *values):
        with connect(store.path) as facts:
            return facts.execute(sql, list(values)).fetchall()

    return rows


SITE = {"/": page("Home", "/a", "/b"), "/a": page("A", "/", "/c"), "/b": page("B"), "/c": page("C", "/a")}


async def test_an_unchanged_site_is_asked_for_conditionally_and_sends_nothing(site, store, crawl, rows):
    site.pages = SITE
    first = await crawl(judged=True)
    assert [(one.etag, one.status) for one in site.take()] == [(None, 200)] * 4
    second = await crawl(judged=True)
    asked = site.take()
    assert sorted((one.path, one.etag) for one in asked) == [
        (path, site.tag(body.encode())) for path, body in sorted(SITE.items())
    ]
    assert {(one.status, one.sent) for one in asked} == {(304, 0)}
    for table in ("pages", "links", "images", "issues", "results", "html", "graph"):
        told = f"SELECT * EXCLUDE (run_id) FROM {table} WHERE run_id = ? ORDER BY ALL"  # noqa: S608 - names of this test
        told = told.replace("(run_id)", "(run_id, revalidation)" if table == "pages" else "(run_id)")
        told = told.replace("?", "? AND page_id <> ''") if table == "results" else told
        assert rows(told, second) == rows(told, first) != [] or table == "graph"
    assert rows("SELECT DISTINCT revalidation FROM pages WHERE run_id = ?", second) == [("not-modified",)]
    run, before = store.get_run(second), store.progress(first)
    assert store.progress(second).issues == before.issues
    assert (run.total, run.not_modified, run.linked, run.incomplete) == (4, 4, 0, False)
    found = store.page_object(second, site.url("/a"))
    assert (found["status"], found["not_modified"], found["facts"]["title"]) == (200, True, "A")


async def test_a_changed_page_is_read_anew_and_one_that_is_gone_says_so(site, crawl, rows):
    site.pages = dict(SITE)
    await crawl()
    site.take()
    site.pages |= {"/a": page("A anew", "/", "/c", "/d"), "/d": page("D")}
    del site.pages["/b"]
    second = await crawl()
    assert {one.path: one.status for one in site.take()} == {"/": 304, "/a": 200, "/b": 404, "/c": 304, "/d": 200}
    told = "SELECT url, status, title, revalidation FROM pages WHERE run_id = ? ORDER BY url"
    assert rows(told, second) == [
        (site.url("/"), 200, "Home", "not-modified"),
        (site.url("/a"), 200, "A anew", "modified"),
        (site.url("/b"), 404, None, None),
        (site.url("/c"), 200, "C", "not-modified"),
        (site.url("/d"), 200, "D", None),
    ]
    third = await crawl()
    assert {one.path: one.status for one in site.take()} == {"/": 304, "/a": 304, "/b": 404, "/c": 304, "/d": 304}
    assert [row[2] for row in rows(told, third)] == ["Home", "A anew", None, "C", "D"]


async def test_a_date_is_sent_back_where_there_is_no_entity_tag(site, crawl):
    site.pages, site.date, site.tag = {"/": page("Home")}, DATE, lambda _: None
    await crawl()
    await crawl()
    assert [(one.etag, one.since, one.status) for one in site.take()] == [(None, None, 200), (None, DATE, 304)]


@pytest.mark.parametrize(
    ("tag", "sent"),
    [
        ('W/"weak"', 'W/"weak"'),
        ('"a,b\'; x=1"', '"a,b\'; x=1"'),
        ("*", None),
        ("unquoted", None),
        ('"two", "tags"', None),
        ('"é"', None),
        (f'"{"x" * 1100}"', None),
    ],
)
async def test_entity_tags_are_sent_back_as_received_or_not_at_all(site, crawl, tag, sent):
    site.pages, site.headers = {"/": page("Home")}, {"ETag": tag}
    await crawl()
    site.take()
    await crawl()
    assert [one.etag for one in site.take()] == [sent]


async def test_a_server_that_always_answers_304_is_asked_twice_and_leaves_a_failure(site, crawl, rows):
    site.pages, site.claims = {"/": page("Home")}, True
    run = await crawl()
    assert [(one.etag, one.status) for one in site.take()] == [(None, 304)] * 2
    assert rows("SELECT status, reason, detail FROM pages WHERE run_id = ?", run) == [
        (304, "bad-response", "status 304 to a request without condition")
    ]


async def test_what_a_304_says_after_a_redirect_is_asked_about_again(site, store, rows):
    settings = ScanSettings(data=str(store.path), options=FetchOptions(allow=(f"127.0.0.1:{site.port}",)), max_age=0)

    async def scan():
        spec = RunSpec(kind="batch", batch_id="b")
        run = begin_run(store, spec, targets_of("default", [site.url("/old")]), settings)
        for job, _ in jobs_of(store, run, settings, deadline=time.time() + 60):
            await Chunk(job, store).run()
        return [(one.path, one.etag, one.status) for one in site.take() if one.path != "/robots.txt"]

    site.pages = {"/old": page("Old"), "/new": page("New")}
    tag = site.tag(site.pages["/old"].encode())
    assert await scan() == [("/old", None, 200)]
    assert await scan() == [("/old", tag, 304)]
    site.redirects = {"/old": "/new"}
    assert await scan() == [("/old", tag, 301), ("/new", None, 200)]
    assert await scan() == [("/old", None, 301), ("/new", None, 200)]
    site.claims = True
    assert await scan() == [("/old", None, 301), ("/new", None, 304)] * 2
    assert [row[0] for row in rows("SELECT reason FROM pages ORDER BY fetched_at")][-1] == "bad-response"


@pytest.mark.parametrize(
    "change", [{"user_agent": "other"}, {"profile": Profile(ignore=("title",))}, {"revalidate": False}]
)
async def test_nothing_is_taken_over_from_other_requests_or_rules(site, crawl, change):
    site.pages = {"/": page("Home")}
    await crawl()
    await crawl(**change)
    assert [(one.etag, one.status) for one in site.take()] == [(None, 200)] * 2


async def test_facts_of_other_code_are_not_taken_over(site, crawl, monkeypatch):
    site.pages = {"/": page("Home")}
    await crawl()
    monkeypatch.setattr("tasks.scan.settings.code_digest", lambda: "another release")
    await crawl()
    assert [(one.etag, one.status) for one in site.take()] == [(None, 200)] * 2


@pytest.mark.parametrize("damage", [os.unlink, lambda path: os.truncate(path, 10)])
@pytest.mark.parametrize("table", ["pages", "links"])
async def test_a_page_whose_facts_are_gone_is_asked_for_without_condition(site, store, crawl, table, damage):
    site.pages = {"/": page("Home", "/a"), "/a": page("A")}
    run = await crawl()
    site.take()
    for path in (store.path / "facts" / table / run).iterdir():
        damage(path)
    await crawl()
    assert [(one.etag, one.status) for one in site.take()] == [(None, 200)] * 2


async def test_a_304_with_another_header_that_matters_is_asked_again_in_full(site, crawl, rows):
    site.pages = {"/": page("Home")}
    await crawl()
    site.headers = {"X-Robots-Tag": "noindex", "Server-Timing": "x;dur=1"}
    site.take()
    second = await crawl()
    assert [one.status for one in site.take()] == [304, 200]
    assert rows("SELECT not_indexable <> '', revalidation FROM pages WHERE run_id = ?", second) == [(True, None)]
    third = await crawl()
    assert [one.status for one in site.take()] == [304]
    assert rows("SELECT not_indexable <> '' FROM pages WHERE run_id = ?", third) == [(True,)]


async def test_a_304_after_the_date_of_unavailable_after_is_asked_again_in_full(site, crawl, rows, monkeypatch):
    now = datetime.now(UTC)
    end = f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    site.pages = {"/": page("Home").replace("<h1>", f'<meta name="robots" content="unavailable_after: {end}"><h1>')}
    told = "SELECT not_indexable FROM pages WHERE run_id = ?"
    assert rows(told, await crawl()) == [("",)]
    site.take()
    assert rows(told, await crawl()) == [("",)]
    assert [one.status for one in site.take()] == [304]
    monkeypatch.setattr(answers, "datetime", Mock(now=lambda zone: datetime.now(zone) + timedelta(hours=2)))
    assert rows(told, await crawl()) == [("unavailable_after has passed",)]
    assert [one.status for one in site.take()] == [304, 200]
    assert rows(told, await crawl()) == [("unavailable_after has passed",)]
    assert [one.status for one in site.take()] == [304]


async def test_pages_are_looked_up_once_for_each_lease(site, store, crawl, monkeypatch):
    site.pages = {"/": page("Home", *(f"/{n}" for n in range(60)))} | {f"/{n}": page(str(n)) for n in range(60)}
    await crawl()
    asked = []
    look_up = revalidating.EarlierPages.look_up
    monkeypatch.setattr(
        revalidating.EarlierPages, "look_up", lambda self, leases: (asked.append(len(leases)), look_up(self, leases))[1]
    )
    run = await crawl()
    assert store.get_run(run).not_modified == 61
    assert sum(asked) == 61
    assert len([number for number in asked if number]) < 10


@pytest.mark.parametrize("fault", ["ignores conditions", "names a new version each time"])
async def test_a_server_that_sends_again_what_did_not_change_is_told_so(site, crawl, rows, fault):
    site.pages = {"/": page("Home", "/a"), "/a": page("A")}
    if fault == "ignores conditions":
        site.ignores = True
    else:
        counter = itertools.count()
        site.tag = lambda _: f'"{next(counter)}"'
    await crawl()
    site.take()
    second = await crawl(judged=True)
    assert [one.status for one in site.take()] == [200, 200]
    assert rows("SELECT DISTINCT revalidation FROM pages WHERE run_id = ?", second) == [("same",)]
    told = "SELECT url, evidence->>'observed' FROM issues WHERE run_id = ? AND rule = 'conditional-get-broken'"
    assert rows(told, second) == [(site.url("/"), "2")]


def sitemap(site, **lastmods):
    entries = "".join(
        f"<url><loc>{site.url('/' + path)}</loc>{f'<lastmod>{lastmod}</lastmod>' if lastmod else ''}</url>"
        for path, lastmod in lastmods.items()
    )
    return f"<urlset>{entries}</urlset>"


async def test_news_come_first_then_what_is_known_by_its_age_then_what_is_found(site, crawl, monkeypatch):
    monkeypatch.setattr("tasks.scan.crawl.LEASE_PAGES", 1)
    site.pages = {"/": page("Home", "/a", "/b", "/c", "/e"), **{f"/{name}": page(name) for name in "abce"}}
    site.pages["/sitemap.xml"] = sitemap(site, b="", c="2026-01-01", a="2026-01-01")
    await crawl(at_once=1)
    site.pages["/a"] = page("a", "/new")
    site.pages |= {"/new": page("new"), "/fresh": page("fresh")}
    site.pages["/sitemap.xml"] = sitemap(site, b="", c="2999-01-01", a="2026-01-01", fresh="")
    site.take()
    await crawl(at_once=1)
    assert [one.path for one in site.take()] == ["/c", "/fresh", "/b", "/a", "/e", "/", "/new"]


async def test_what_led_to_a_known_page_is_known_again(site, store, crawl):
    site.pages = {"/": page("Home", "/a", "/b"), "/a": page("A", "/c"), "/b": page("B"), "/c": page("C")}
    await crawl()
    site.pages["/"] = page("Home", "/a")
    run = await crawl()
    found = {(one.found_by, one.pages) for one in store.frontier_counts(run)}
    assert found == {("start", 1), ("link", 2), ("earlier", 1)}


async def test_errors_and_redirects_are_not_known_addresses(site, crawl):
    site.pages, site.redirects = {"/": page("Home", "/gone", "/old", "/a"), "/a": page("A")}, {"/old": "/a"}
    await crawl()
    site.pages["/"] = page("Home")
    site.take()
    await crawl()
    assert sorted(one.path for one in site.take()) == ["/", "/a"]


async def test_a_page_that_nothing_leads_to_is_looked_at_as_long_as_it_is_there(site, crawl):
    site.pages = {"/": page("Home", "/a"), "/a": page("A")}
    await crawl()
    site.pages["/"] = page("Home")
    await crawl()
    await crawl()
    del site.pages["/a"]
    site.take()
    await crawl()
    assert sorted((one.path, one.status) for one in site.take()) == [("/", 304), ("/a", 404)]
    await crawl()
    assert [one.path for one in site.take()] == ["/"]


async def test_known_pages_keep_within_limits_and_scope(site, store, crawl):
    site.pages = {"/": page("Home", "/a", "/x"), "/a": page("A", "/b"), "/b": page("B"), "/x": page("X")}
    await crawl()
    site.take()
    run = await crawl(max_depth=1, exclude=("/x",))
    assert sorted(one.path for one in site.take()) == ["/", "/a"]
    assert store.progress(run).held_back == 1


async def test_only_a_crawl_from_the_same_address_is_the_last_one(site, store, crawl):
    site.pages = {"/": page("Home", "/a"), "/a": page("A")}
    first = await crawl()
    assert store.get_run(first).earlier_run_id is None
    assert store.get_run(await crawl()).earlier_run_id == first
    assert [run_id for run_id, _ in store.ended_crawls("default", site.url())][1:] == [first]
    assert store.ended_crawls("default", site.url("/a")) == store.ended_crawls("other", site.url()) == []


async def test_a_crawl_by_another_visitor_is_not_the_last_one(site, store, crawl):
    site.pages = {"/": page("Home", "/a"), "/a": page("A")}
    first = await crawl()
    member = await crawl(access=AccessRef(name="members", key="0123456789abcdef"))
    assert store.get_run(member).earlier_run_id is None
    assert {one.etag for one in site.take()} == {None}
    mobile = await crawl(user_agent="mobile")
    assert store.get_run(mobile).earlier_run_id is None
    assert store.get_run(await crawl()).earlier_run_id == first


async def test_what_changed_is_told_with_what_differs(site, crawl, rows):
    site.pages = {
        "/": page("Home", "/a", "/b", "/c", "/d", "/old"),
        "/a": page("A"),
        "/b": page("B"),
        "/c": page("C"),
        "/d": page("D"),
        "/old": page("Old"),
    }
    first = await crawl(judged=True)
    site.pages |= {"/a": page("A anew"), "/b": page("B", "/new"), "/new": page("New"), "/c": f"{page('C')}<!-- 2 -->"}
    del site.pages["/d"], site.pages["/old"]
    site.redirects = {"/old": "/a"}
    second = await crawl(judged=True)
    told = "SELECT url, change, fields FROM changes WHERE run_id = ? ORDER BY url"
    assert rows(told, first) == []
    assert rows(told, second) == [
        (site.url("/a"), "changed", ["title", "h1", "headings", "text"]),
        (site.url("/b"), "changed", ["text", "links"]),
        (site.url("/d"), "gone", ["status"]),
        (site.url("/new"), "new", []),
        (site.url("/old"), "changed", ["final address"]),
    ]
    third = await crawl(judged=True)
    assert rows(told, third) == []
