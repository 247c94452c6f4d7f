"""A crawl shows its credentials to the site's origin: pages, robots.txt, sitemaps. Nobody else sees them."""

import pytest

from tasks.fetch.access import Access
from tasks.model import FetchOptions
from tasks.scan import seeds
from tasks.scan import site as steps
from tasks.scan.chunk import ChunkJob
from tasks.scan.crawl import CrawlChunk
from tasks.scan.records import NEVER, begin_crawl
from tasks.scan.settings import AccessRef, CrawlRules, ScanSettings
from tasks.scan.stop import StopWatch
from tasks.store import connect

SECRET = "Bearer canary-4711-secret"
PAGE = '<!doctype html><html lang="en"><title>{0} is a page of the test site</title><h1>{0}</h1>{1}'
KNOWN = AccessRef(name="staging", key="0123456789abcdef")


@pytest.fixture
def elsewhere(site):
    return f"http://localhost:{site.port}"


@pytest.fixture
def access(site):
    return Access(frozenset([site.url("")]), ((b"Authorization", SECRET.encode()),), (SECRET,))


@pytest.fixture
def guarded(site, store, access):
    """Crawls with the access; returns (address, whether it was shown) of every request."""

    async def crawl(ref=KNOWN, shown=access):
        rules = CrawlRules(project_id="default", start_url=site.url("/"))
        options = FetchOptions(allow=(site.host_port, f"localhost:{site.port}"))
        settings = ScanSettings(data=str(store.path), options=options, access=ref, crawl=rules)
        run = begin_crawl(store, rules, settings, user_id="u", run_id="", flow_run_id=None)
        job = ChunkJob(settings=settings, run_id=run.run_id, epoch=run.epoch, index=0, deadline=NEVER, parent_pid=0)
        rules = await steps.find_root(job, store, rules, shown)
        settings = settings.model_copy(update={"crawl": rules})
        job = job.model_copy(update={"settings": settings})
        stop = StopWatch(lambda: False, deadline=NEVER)
        await seeds.read_sitemaps(settings, store, run.run_id, run.epoch, shown, stop=stop)
        await CrawlChunk(job, store, rules, shown).run()
        await steps.probe(settings, store, run.run_id, run.epoch, shown)
        await steps.check_targets(settings, store, run.run_id, run.epoch, shown, stop=stop)
        steps.judge_site(settings, store, run.run_id, run.epoch)
        return {url: sent.get("authorization") == SECRET for url, sent in site.heads}

    return crawl


async def test_who_is_shown_the_credentials(site, elsewhere, guarded, store):
    links = f'<a href="/a">a</a><a href="{elsewhere}/away">away</a><img src="{elsewhere}/i.png" alt="i">'
    site.pages = {
        "/": PAGE.format("home", links),
        "/a": (302, {"Location": f"{elsewhere}/led"}, ""),
        "/mapped": PAGE.format("mapped", '<a href="/">home</a>'),
        "/robots.txt": (200, {"Content-Type": "text/plain"}, f"Sitemap: {site.url('/map.xml')}\n"),
        "/map.xml": f"<urlset><url><loc>{site.url('/mapped')}</loc></url></urlset>",
    }
    shown = await guarded()
    assert {url.removeprefix(site.url("")) for url, was in shown.items() if was and "000" not in url} >= {
        "/", "/a", "/mapped", "/robots.txt", "/map.xml",
    }  # fmt: skip
    assert {url for url, was in shown.items() if not was} == {f"{elsewhere}/away", f"{elsewhere}/i.png"}
    with connect(store.path) as facts:
        views = facts.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        told = "".join(repr(facts.execute(f'SELECT * FROM "{view}"').fetchall()) for (view,) in views)  # noqa: S608
    assert "mapped" in told
    assert SECRET not in told


async def test_robots_txt_for_strangers_is_not_that_for_the_known(site, guarded, access):
    """Without credentials a staging site refuses its robots.txt, which allows everything; with them it does not."""
    site.pages = {
        "/": PAGE.format("home", '<a href="/a">a</a>'),
        "/robots.txt": lambda count: (401, {}, "") if count == 1 else "User-agent: *\nDisallow: /a\n",
        "/a": PAGE.format("a", ""),
    }
    await guarded(None, Access())
    assert site.paths().count("/a") == 1
    await guarded(KNOWN, access)
    assert site.paths().count("/a") == 1
    assert site.paths().count("/robots.txt") == 2
    await guarded(None, Access())
    assert site.paths().count("/a") == 2


def test_what_the_known_saw_is_not_taken_for_what_strangers_see(settings):
    recipes = {
        settings.model_copy(update={"access": ref}).recipe
        for ref in (None, KNOWN, KNOWN.model_copy(update={"key": "fedcba9876543210"}))
    }
    assert len(recipes) == 3
