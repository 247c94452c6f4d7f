"""Reading a site's sitemaps within bounds."""

import gc
import tracemalloc

import pytest

from tasks.fetch.fetcher import Fetcher
from tasks.model import FetchOptions, Reason, Response
from tasks.scan import sitemaps
from tasks.scan.sitemaps import SitemapReader
from tasks.scan.stop import StopWatch

FAR = 4e9
INDEX = '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</sitemapindex>'
XML = {"Content-Type": "application/xml"}


def never():
    return StopWatch(lambda: False, deadline=FAR)


def _index(site, *paths):
    return 200, XML, INDEX.format("".join(f"<sitemap><loc>{site.url(path)}</loc></sitemap>" for path in paths))


async def allowed(_url):
    return None


@pytest.fixture
def reader(site, monkeypatch):
    async def read(most, seen=lambda: None):
        monkeypatch.setattr(sitemaps, "MAX_FILES", most)
        async with Fetcher(FetchOptions(allow=(site.host_port,))) as fetcher:
            reader = SitemapReader(lambda url, **_: fetcher.fetch(url), allowed, site.url("/"), never())
            async for _ in reader.read((site.url("/index.xml"),)):
                seen()
        return reader.cut

    return read


async def test_no_more_files_are_read_than_the_bound_and_none_twice(site, reader):
    site.pages["/index.xml"] = _index(site, "/a.xml", "/a.xml", "/index.xml", "/b.xml", "/c.xml")
    assert await reader(3) == "more than 3 sitemap files"
    assert site.paths() == ["/index.xml", "/a.xml", "/b.xml"]
    site.requests.clear()
    assert await reader(4) == ""
    assert site.paths() == ["/index.xml", "/a.xml", "/b.xml", "/c.xml"]


async def test_indexes_of_indexes_take_no_more_memory_than_one(site, reader):
    site.pages["/index.xml"] = _index(site, *(f"/{n}.xml" for n in range(6)))
    for n in range(6):
        site.pages[f"/{n}.xml"] = _index(site, *(f"/{n}/{child}/{'x' * 500}" for child in range(2000)))
    held = []

    def weigh():
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        assert await reader(7, weigh) == "more than 7 sitemap files"
    finally:
        tracemalloc.stop()
    assert held[6] - held[1] < 2_000_000  # one index has 2 MB of addresses


async def read_of(answers, declared=(), *, disallowed=(), root="http://www.tea.example/"):
    """What is read of a site that answers as told, and what it was asked for."""
    asked = []

    async def fetch(url, *, patience):
        assert patience > 0
        asked.append(url)
        return Response(url=url, status=200 if url in answers else 404, body=answers.get(url, "").encode())

    async def refusal(url):
        return Reason.BLOCKED_BY_ROBOTS if url in disallowed else None

    reader = SitemapReader(fetch, refusal, root, never())
    return [one async for one in reader.read(declared)], asked


def listing(*urls):
    return "\n".join(urls)


def index(*urls):
    return INDEX.format("".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls))


WWW, APEX, ELSEWHERE = "http://www.tea.example", "http://tea.example", "http://cdn.example"
USUAL = "http://www.tea.example:80/sitemap.xml"


async def test_a_sitemap_on_another_host_of_the_domain_is_read():
    read, asked = await read_of({f"{APEX}/s.xml": listing(f"{WWW}/a", f"{APEX}/b")}, (f"{APEX}/s.xml",))
    assert asked == [f"{APEX}/s.xml"]
    assert [entry.loc for entry in read[0].sitemap.entries] == [f"{WWW}/a", f"{APEX}/b"]


async def test_sitemaps_on_another_domain_are_told_of_and_the_usual_one_is_read_instead():
    answers = {USUAL: index(f"{WWW}/1.txt", f"{ELSEWHERE}/2.txt"), f"{WWW}/1.txt": listing(f"{WWW}/a")}
    read, asked = await read_of(answers, (f"{ELSEWHERE}/s.xml",))
    assert asked == [USUAL, f"{WWW}/1.txt"]
    told = {one.url: one.sitemap.errors for one in read}
    assert told[f"{ELSEWHERE}/s.xml"] == told[f"{ELSEWHERE}/2.txt"] == ("on another domain: not read",)
    assert told[f"{WWW}/1.txt"] == ()


async def test_what_robots_txt_names_is_read_though_it_is_disallowed():
    names = (f"{WWW}/s.xml", f"{WWW}/in.xml")
    answers = {f"{WWW}/s.xml": index(f"{WWW}/in.xml", f"{WWW}/out.xml"), f"{WWW}/in.xml": listing(f"{WWW}/a")}
    read, asked = await read_of(answers, names, disallowed={*names, f"{WWW}/out.xml"})
    assert asked == list(names)
    assert [(one.url, one.status, one.reason) for one in read] == [
        (f"{WWW}/s.xml", 200, None),
        (f"{WWW}/in.xml", 200, None),
        (f"{WWW}/out.xml", None, "blocked-by-robots"),
    ]


@pytest.mark.parametrize(("disallowed", "told"), [(True, ["blocked-by-robots"]), (False, [])])
async def test_a_guess_is_told_of_only_where_it_is_disallowed(disallowed, told):
    read, asked = await read_of({}, disallowed={USUAL} if disallowed else ())
    assert asked == ([] if disallowed else [USUAL])
    assert [one.reason for one in read] == told


async def test_a_file_of_the_usual_index_that_is_missing_is_told_of():
    read, _ = await read_of({USUAL: index(f"{WWW}/gone.xml")})
    assert [(one.url, one.status) for one in read] == [(USUAL, 200), (f"{WWW}/gone.xml", 404)]
