"""What joins a crawl before its first page is read: what the site's sitemaps list, and what its last crawl knew.

A crawl that comes again begins with what a sitemap calls new or changed since the last fetch. Then come the addresses
that the last crawl knew, those first that were fetched longest ago, so that each has its turn however little time there
is; then the rest of the sitemaps, and what is found on the way.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from tasks.crawl.lastmod import latest_moment
from tasks.crawl.scope import Scope
from tasks.fetch.access import NO_ACCESS, Access
from tasks.fetch.fetcher import OWN_USER_AGENT
from tasks.scan.pipeline import PagePipeline
from tasks.scan.process import holder_name
from tasks.scan.robots import RobotsBook
from tasks.scan.settings import CrawlRules, ScanSettings, rules_of
from tasks.scan.sitemaps import MAX_BYTES, ReadSitemap, SitemapReader
from tasks.scan.stop import ASKED_TO, StopWatch
from tasks.store import Found, SitemapEntryFact, SitemapFact, Store
from tasks.urls import page_id

FOUND_AT_ONCE = 5000
ENTRIES_AT_ONCE = 50_000


async def read_sitemaps(
    settings: ScanSettings, store: Store, run_id: str, epoch: int, access: Access = NO_ACCESS, *, stop: StopWatch
) -> str:
    """Stores the site's sitemaps and adds their pages in scope to the crawl; returns what was cut, if anything.

    Does nothing where an earlier epoch has done it. Nothing is begun once it is time to ``stop``; what was asked to
    stop reads them again when it is resumed.
    """
    rules = rules_of(settings)
    if epoch > 1 and await asyncio.to_thread(_have_sitemaps, store, run_id):
        return ""
    options = settings.options.model_copy(update={"max_body": MAX_BYTES})
    hosts = store.hosts if rules.obey_robots else store.hosts.without_crawl_delay()
    files: list[SitemapFact] = []
    waiting: list[ReadSitemap] = []
    async with (
        PagePipeline(options, settings.profile, hosts, holder_name(), access) as pipeline,
        RobotsBook(store, pipeline.fetcher, options.user_agent or OWN_USER_AGENT, settings.realm) as book,
    ):
        robots = await stop.in_time(book.of(rules.root_url))
        patiently = partial(pipeline.fetch_patiently, max_tries=options.max_tries)
        refusal = book.refusal if rules.obey_robots else _no_refusal
        reader = SitemapReader(patiently, refusal, rules.root_url, stop)
        async for one in reader.read(robots.policy.sitemaps if robots and robots.policy else ()):
            files.append(_sitemap_fact(one))
            if one.sitemap is None or not one.sitemap.entries:
                continue  # an index has thousands of children to hold in memory, and no page
            waiting.append(one)
            if sum(len(read.sitemap.entries) for read in waiting if read.sitemap) >= ENTRIES_AT_ONCE:
                await asyncio.to_thread(_write_entries, waiting, len(files), settings, store, run_id, epoch)
                waiting = []
    if stop.reason == ASKED_TO:
        return ""
    await asyncio.to_thread(_write_entries, waiting, len(files), settings, store, run_id, epoch)
    if reader.cut and files:
        files[-1] = replace(files[-1], errors=(*files[-1].errors, reader.cut))
    # Written last: they say that all entries are there.
    await asyncio.to_thread(store.write_facts, run_id, epoch, "sitemaps", "sitemaps", files)
    return reader.cut


async def _no_refusal(_url: str) -> None:
    """robots.txt is ignored."""


def _have_sitemaps(store: Store, run_id: str) -> bool:
    with store.site(run_id, ("sitemaps",)) as site:
        return bool(site.execute("SELECT 1 FROM sitemaps LIMIT 1").fetchall())


def _write_entries(
    read: Sequence[ReadSitemap], number: int, settings: ScanSettings, store: Store, run_id: str, epoch: int
) -> None:
    """The pages of the sitemap files up to the ``number``th; of a site crawled before, those to begin with."""
    rules = rules_of(settings)
    entries = [
        SitemapEntryFact(sitemap=one.url, url=entry.loc, lastmod=entry.lastmod, alternates=entry.alternates)
        for one in read
        if one.sitemap is not None
        for entry in one.sitemap.entries
    ]
    store.write_facts(run_id, epoch, "sitemap_entries", f"sitemaps-{number}", entries)
    scope = scope_of(rules)
    wanted = [entry for entry in entries if scope.contains(entry.url)]
    if comes_again(settings, store, run_id):
        wanted = _new_or_changed(wanted, store, rules.project_id)
    _add(store, run_id, epoch, (_listed(rules, entry.url) for entry in wanted))
    listed = {entry.url for entry in wanted}
    versions = dict.fromkeys(url for entry in wanted for _, url in entry.alternates if url not in listed)
    _add(store, run_id, epoch, (_version(rules, url) for url in versions if scope.contains(url)))


def _new_or_changed(entries: Sequence[SitemapEntryFact], store: Store, project_id: str) -> list[SitemapEntryFact]:
    fetched = store.last_fetched([page_id(project_id, entry.url) for entry in entries])
    return [entry for entry in entries if _is_news(entry.lastmod, fetched.get(page_id(project_id, entry.url)))]


def _is_news(lastmod: str | None, fetched_at: float | None) -> bool:
    changed_at = latest_moment(lastmod) if lastmod else None
    return fetched_at is None or (changed_at is not None and changed_at > fetched_at)


def comes_again(settings: ScanSettings, store: Store, run_id: str) -> bool:
    """True where the site was crawled before, and what is known of it counts."""
    return settings.revalidate and store.get_run(run_id).earlier_run_id is not None


def add_known(settings: ScanSettings, store: Store, run_id: str, epoch: int) -> int:
    """Adds what the last crawl of the site knew, then what is left of the sitemaps; returns how many were new here."""
    rules, earlier = rules_of(settings), store.get_run(run_id).earlier_run_id
    if not settings.revalidate or earlier is None:
        return 0
    scope = scope_of(rules)
    known = (
        Found(one.url, one.page_id, "earlier", depth=None if rules.max_depth is None else one.depth)
        for one in store.known_urls(earlier)
        if scope.contains(one.url) and _is_near(one.depth, rules.max_depth)
    )
    added = _add(store, run_id, epoch, known)
    with store.site(run_id, ("sitemap_entries",)) as site:
        listed = site.execute("SELECT DISTINCT url FROM sitemap_entries")
        while rows := listed.fetchmany(FOUND_AT_ONCE):
            _add(store, run_id, epoch, (_listed(rules, url) for (url,) in rows if scope.contains(url)))
        versions = site.execute(
            "SELECT unnest(alternates).url FROM sitemap_entries EXCEPT SELECT url FROM sitemap_entries"
        )
        while rows := versions.fetchmany(FOUND_AT_ONCE):
            _add(store, run_id, epoch, (_version(rules, url) for (url,) in rows if scope.contains(url)))
    return added


def _is_near(depth: int | None, most: int | None) -> bool:
    """Within the limit of depth as far as the last crawl knew; what it did not know is found by links."""
    return most is None or (depth is not None and depth <= most)


def _listed(rules: CrawlRules, url: str) -> Found:
    return Found(url, page_id(rules.project_id, url), "sitemap")


def _version(rules: CrawlRules, url: str) -> Found:
    """Another language of a listed page, as deep as what that links to."""
    return Found(url, page_id(rules.project_id, url), "hreflang", depth=1)


def _add(store: Store, run_id: str, epoch: int, found: Iterable[Found]) -> int:
    """In slices, so that no transaction is long."""
    left = iter(found)
    slices = iter(lambda: list(islice(left, FOUND_AT_ONCE)), [])
    return sum(store.add_found(run_id, epoch, slice_) for slice_ in slices)


def _sitemap_fact(one: ReadSitemap) -> SitemapFact:
    sitemap = one.sitemap
    return SitemapFact(
        url=one.url,
        parent=one.parent,
        kind=sitemap.kind if sitemap else "unknown",
        status=one.status,
        reason=one.reason,
        entries=len(sitemap.entries) if sitemap else 0,
        errors=sitemap.errors if sitemap else (),
    )


def scope_of(rules: CrawlRules) -> Scope:
    return Scope(rules.scope, rules.root_url or rules.start_url, rules.include, rules.exclude)
