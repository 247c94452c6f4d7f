"""A crawl that a limit ended: said in its run and its summary, and gone on with under a higher one."""

from itertools import pairwise

import pytest

from flows.crawl_site import crawl_site
from tasks.report.summary import summarise
from tasks.scan.settings import ScanOptions
from tasks.store import Limits, RunState, Store, connect

pytestmark = [
    pytest.mark.usefixtures("prefect_db"),
    # Prefect's own clients, closed by the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

CHAIN = 6


@pytest.fixture
def crawl(tmp_path, site):
    """Crawls a chain of ``CHAIN`` pages; returns its summary."""
    for n in range(CHAIN):
        site.pages[f"/{n or ''}"] = f'<html><title>Page {n}</title><a href="/{n + 1}">next</a>'
    site.pages[f"/{CHAIN - 1}"] = "<html><title>The end</title>"
    options = ScanOptions(data=str(tmp_path / "data"), allow=(site.host_port,))

    async def run(**wishes):
        run_id = await crawl_site(site.url("/"), check=[], options=options, **wishes)
        return summarise(run_id, options.data)

    run.data = options.data
    return run


def fetched(site):
    return [path for path in site.paths() if path.strip("/").isdecimal() or path == "/"]


async def test_a_crawl_goes_on_under_a_higher_limit_of_pages(site, crawl):
    first = await crawl(max_pages=2)
    run = first.run
    assert (run.state, run.incomplete, run.limits) == (RunState.COMPLETED, True, Limits(max_pages=2))
    assert run.incomplete_reason == "limit of 2 pages reached: 1 page left"
    assert first.goes_on == f"seo resume {run.run_id} --max-pages 4"

    second = await crawl(max_pages=100, run_id=run.run_id)
    assert (second.run.run_id, second.run.incomplete, second.run.limits.max_pages) == (run.run_id, False, 100)
    assert second.goes_on == ""
    assert sorted(fetched(site)) == ["/", "/1", "/2", "/3", "/4", "/5"]
    with connect(crawl.data) as facts:
        assert facts.execute("SELECT count(*), max(depth) FROM site_pages").fetchall() == [(CHAIN, CHAIN - 1)]
        options = facts.execute("SELECT options->>'$.crawl.max_pages' FROM runs").fetchall()
    assert options == [("100",)]


async def test_a_crawl_goes_on_under_a_higher_limit_of_depth(site, crawl):
    first = await crawl(max_depth=2)
    assert first.run.incomplete_reason == "limit of depth 2 reached: 1 page left"
    assert first.goes_on == f"seo resume {first.run.run_id} --max-depth 3"
    second = await crawl(max_depth=3, run_id=first.run.run_id)
    assert (second.run.incomplete, sorted(fetched(site))) == (True, ["/", "/1", "/2", "/3"])


async def test_a_crawl_whose_time_was_over_goes_on_as_it_was(site, crawl):
    first = await crawl(time_budget=0.001)
    assert (first.run.state, first.run.incomplete_reason) == (RunState.COMPLETED, "time is over")
    assert first.goes_on == f"seo resume {first.run.run_id}"
    second = await crawl(run_id=first.run.run_id)
    assert (second.run.incomplete, len(fetched(site))) == (False, CHAIN)


async def test_a_crawl_that_comes_again_begins_with_what_its_time_left(site, crawl):
    first = await crawl(max_pages=2)
    second = await crawl(max_pages=2, time_budget="1h", changed_only=True)
    assert second.run.earlier_run_id == first.run.run_id
    assert fetched(site) == ["/", "/1", "/", "/2"]
    assert second.changes == {"new": 1, "changed": 0, "gone": 0, "unchanged": 1}


async def test_sitemaps_that_were_cut_are_named_in_the_summary(site, crawl):
    index = '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>{}</loc></sitemap></sitemapindex>'
    names = ["/sitemap.xml", "/2.xml", "/3.xml", "/4.xml"]
    for name, child in pairwise(names):
        site.pages[name] = (200, {"Content-Type": "application/xml"}, index.format(site.url(child)))
    summary = await crawl()
    assert summary.cuts == (
        f"1 of 3 sitemap files not wholly read, such as {site.url('/3.xml')} (sitemap indexes nested more than 3 deep)",
    )
    with Store.open(crawl.data) as store:
        assert store.progress(summary.run.run_id).held_back == 0
