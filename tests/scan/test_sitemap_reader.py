"""Reading a site's sitemaps within bounds."""

import gc
import tracemalloc

import pytest

from tasks.fetch.fetcher import Fetcher
from tasks.model import FetchOptions
from tasks.scan import sitemaps
from tasks.scan.sitemaps import SitemapReader

FAR = 4e9
INDEX = '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</sitemapindex>'
XML = {"Content-Type": "application/xml"}


def _index(site, *paths):
    return 200, XML, INDEX.format("".join(f"<sitemap><loc>{site.url(path)}</loc></sitemap>" for path in paths))


@pytest.fixture
def reader(site, monkeypatch):
    async def read(most, seen=lambda: None):
        monkeypatch.setattr(sitemaps, "MAX_FILES", most)
        async with Fetcher(FetchOptions(allow=(site.host_port,))) as fetcher:
            reader = SitemapReader(fetcher, site.url("/"), FAR)
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
