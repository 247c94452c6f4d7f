"""What a crawl asks of its frontier."""

import time

import pytest

from tasks.model import HostDemand, PageState, Reason
from tasks.store import Found, Redirected, RunSpec, Store

HOST = "e.com:443"


@pytest.fixture
def crawl(tmp_path):
    with Store.open(tmp_path / "looked-up") as store:
        yield store, store.start_run(RunSpec(kind="crawl", batch_id="b"))


def test_suspects_of_traps_are_links_with_a_query_or_a_date(crawl):
    store, run = crawl
    urls = ["http://e.com/a?b=1", "http://e.com/2031/05/", "http://e.com/plain", "http://e.com/page-12"]
    cut = Found("http://e.com/x?y=2", "cut", "link", PageState.SKIPPED, Reason.CRAWL_TRAP)
    listed = Found("http://e.com/z?y=3", "listed", "sitemap")
    store.add_found(run.run_id, run.epoch, [*(Found(url, url) for url in urls), cut, listed])
    assert store.trap_suspects(run.run_id, 0, 10) == (urls[:2], 6)
    assert store.trap_suspects(run.run_id, 0, 1) == (urls[:1], 1)
    assert store.trap_suspects(run.run_id, 1, 10) == (urls[1:2], 6)
    assert store.trap_suspects(run.run_id, 6, 10) == ([], 6)
    store.add_found(run.run_id, run.epoch, [Found("http://e.com/new?x", "new")])
    assert store.trap_suspects(run.run_id, 6, 10) == (["http://e.com/new?x"], 7)


def test_the_standing_of_one_url(crawl):
    store, run = crawl
    store.add_found(run.run_id, run.epoch, [Found("http://e.com/", "a", "start"), Found("http://e.com/b", "b")])
    store.lease(run.run_id, run.epoch, "me", limit=1)
    moved = Redirected(page_id="a", status=301, location="/b", tries=1, fetched_at=time.time())
    store.commit(run.run_id, run.epoch, "me", redirects=[moved])
    found = store.standing(run.run_id, "a")
    assert (found.status, found.location, found.redirects, found.reason) == (301, "/b", True, None)
    assert store.standing(run.run_id, "b") is None
    assert store.standing(run.run_id, "nobody") is None


def test_a_crawl_delay_binds_only_who_obeys(crawl):
    store, _ = crawl
    store.hosts.set_crawl_delay(HOST, 10.0)
    demand = HostDemand(HOST, 2, 0, 2, 8, 0.5)
    [named] = store.hosts.without_crawl_delay().renew("scan", [demand], 100.0)
    [crawled] = store.hosts.renew("crawl", [demand], 200.0)
    assert (named.spacing, crawled.spacing) == (0.5, 10.0)
