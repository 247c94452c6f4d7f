"""What a person named is fetched, and told where robots.txt keeps it out."""

import asyncio
import time

import pytest

from tasks.scan import robots as book_room
from tasks.scan.chunk import Chunk
from tasks.scan.site import judge_list
from tasks.store import connect

PAGE = '<!doctype html><html lang="en"><title>{0} is a page of the test site</title><h1>{0}</h1>'
TEXT = {"Content-Type": "text/plain"}


@pytest.fixture
def scanned(store, begin, settings):
    async def scanned(*urls):
        run, [job] = begin(list(urls))
        await Chunk(job, store).run()
        judge_list(settings, store, run.run_id, run.epoch)
        return run

    return scanned


def pages(store):
    with connect(store.path) as facts:
        found = facts.execute("select url, status, blocked_by_robots, not_indexable from pages").fetchall()
    return {url: tuple(rest) for url, *rest in found}


def rows(store, sql):
    with connect(store.path) as facts:
        return facts.execute(sql).fetchall()


async def test_blocked_pages_are_fetched_and_told_and_robots_txt_is_asked_for_once(store, site, scanned):
    site.pages = {f"/{n}": PAGE.format(n) for n in range(4)} | {
        "/private/a": PAGE.format("a"),
        "/moved": (301, {"Location": "/private/a"}, ""),
        "/robots.txt": (200, TEXT, "User-agent: *\nDisallow: /private/\nNonsense\n"),
    }
    paths = ["/0", "/1", "/2", "/3", "/private/a", "/moved"]
    await scanned(*map(site.url, paths))
    assert pages(store) == {
        **{site.url(f"/{n}"): (200, False, "") for n in range(4)},
        site.url("/private/a"): (200, True, "blocked by robots.txt"),
        site.url("/moved"): (200, True, "blocked by robots.txt"),
    }
    assert site.paths().count("/robots.txt") == 1
    told = rows(store, "select rule, url, page_id <> '' from issues where rule like '%robots%' order by rule, url")
    assert told == [
        ("blocked-by-robots", site.url("/moved"), True),
        ("blocked-by-robots", site.url("/private/a"), True),
        ("robots-txt-syntax", site.url("/robots.txt"), False),
    ]
    words = dict(rows(store, "select rule, outcome from results where page_id = ''"))
    assert words == {
        "blocked-by-robots": "fail",
        "robots-txt-blocks-all": "pass",
        "robots-txt-syntax": "fail",
        "robots-txt-unreachable": "pass",
    }


async def test_judging_again_doubles_nothing(store, site, scanned, settings):
    site.pages = {"/0": PAGE.format(0), "/robots.txt": (200, TEXT, "User-agent: *\nDisallow: /\n")}
    run = await scanned(site.url("/0"))
    before = rows(store, "select rule, url from issues order by all")
    judge_list(settings, store, run.run_id, run.epoch)
    assert rows(store, "select rule, url from issues order by all") == before
    assert ("robots-txt-blocks-all", site.url("/robots.txt")) in before


async def test_robots_txt_in_error_blocks_nothing_here_and_is_told(store, site, scanned, monkeypatch):
    monkeypatch.setattr(book_room, "MAX_TRIES", 1)
    site.pages = {"/0": PAGE.format(0), "/robots.txt": (503, {}, "")}
    await scanned(site.url("/0"))
    assert pages(store) == {site.url("/0"): (200, None, "")}
    assert rows(store, "select rule from issues where rule like '%robots%'") == [("robots-txt-unreachable",)]


async def test_a_robots_txt_that_does_not_come_holds_no_page_up(store, site, scanned, monkeypatch):
    monkeypatch.setattr(book_room, "PATIENCE", 0.05)

    def slowly(_):
        time.sleep(1)
        return (200, TEXT, "")

    site.pages = {"/0": PAGE.format(0), "/robots.txt": slowly}
    async with asyncio.timeout(30):
        await scanned(site.url("/0"))
    assert pages(store) == {site.url("/0"): (200, None, "")}


async def test_what_we_refuse_to_fetch_is_no_fault_of_the_site(store, scanned):
    await scanned("http://127.0.0.9:1/")
    assert rows(store, "select status, reason from robots") == [(None, "address-refused")]
    assert rows(store, "select rule from issues where rule like '%robots%'") == []


async def test_a_crawl_delay_does_not_slow_down_what_was_named(store, site, scanned):
    site.pages = {f"/{n}": PAGE.format(n) for n in range(8)}
    site.pages["/robots.txt"] = (200, TEXT, "User-agent: *\nCrawl-delay: 30\n")
    await scanned(site.url("/0"))
    async with asyncio.timeout(25):
        await scanned(*(site.url(f"/{n}") for n in range(8)))
    assert len(pages(store)) == 8
