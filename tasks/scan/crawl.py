"""A chunk of a crawl: leases what was found, and commits pages together with the links they bring."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from typing import TypeGuard

from tasks.audit.indexability import refresh_target
from tasks.fetch.access import NO_ACCESS, Access
from tasks.fetch.redirects import REDIRECT_STATUSES
from tasks.model import Answer, FetchFailure, Page, PageState, Reason, Response, ScannedPage, Verdict
from tasks.scan.chunk import Chunk, ChunkJob, ChunkReport
from tasks.scan.leads import leads, refreshed_to
from tasks.scan.process import is_gone
from tasks.scan.robots import HOST_FAILURES, Robots
from tasks.scan.seeds import scope_of
from tasks.scan.settings import CrawlRules
from tasks.scan.trap_watch import watch_of
from tasks.store import WHEN_RESUMED, EarlierPage, Found, FoundBy, Lease, Redirected, Retry, Store
from tasks.urls import address, is_http, page_id, resolve

SECONDS = 60.0
SLOW_PAGES = 100
SLOW_SECONDS = 900.0
LEASE_PAGES = 64
WAIT_SECONDS = 0.25
STRAGGLING_SECONDS = 5.0
"""A page that takes longer keeps its chunk from ending; others are worked on meanwhile, beyond the chunk's budget."""


class CrawlChunk(Chunk):
    """One chunk of a crawl. A redirect is an answer here: where it leads is a page of its own.

    Args:
        anywhere: redirects and instant refreshes are followed out of scope too: how the root of a crawl is found.

    Attributes:
        led_to: where the last redirect leads, and with ``anywhere`` a refresh that leaves the scope.
    """

    patience = WAIT_SECONDS
    follows = True

    def __init__(
        self, job: ChunkJob, store: Store, rules: CrawlRules, access: Access = NO_ACCESS, *, anywhere: bool = False
    ) -> None:
        self.obeys = rules.obey_robots
        super().__init__(job, store, access)
        self.led_to: str | None = None
        self._pages = job.pages
        self._scope = scope_of(rules)
        self._project_id = rules.project_id
        self._anywhere = anywhere
        self._by_level = rules.max_depth is not None
        self._traps = watch_of(job.run_id) if rules.cut_traps else None
        self._found: dict[str, list[Found]] = {}
        self._seen: set[str] = set()
        self._in_flight: dict[str, float] = {}
        self._begun = time.monotonic()
        self._leased = 0

    async def run(self) -> ChunkReport:
        await asyncio.to_thread(self._store.expire, self._job.run_id, self._job.epoch, is_gone)
        try:
            return await super().run()
        finally:
            await asyncio.to_thread(self._store.release, self._job.run_id, self._job.epoch, self._holder)

    def spent(self) -> bool:
        elapsed = time.monotonic() - self._begun
        if self._report.pages < SLOW_PAGES or self._waits():
            return elapsed > SLOW_SECONDS
        return elapsed > SECONDS

    async def more_is_due(self) -> bool:
        """Waits for what other chunks bring; False where nothing is open within the limits, or the budget is used."""
        if self._leased >= self._pages:
            return False
        work = await asyncio.to_thread(self._store.open_work, self._job.run_id)
        if work.over or work.due:
            return bool(work.due)
        wait = WAIT_SECONDS if work.leased or not work.next_due else work.next_due - time.time()
        await self._stop.sleep(max(WAIT_SECONDS, wait))
        return True

    async def hand_on(self) -> None:
        """Links join the frontier with the next lease; only level by level are their pages to be stored before."""
        if self._by_level:
            await self._committer.flush()

    def has_news(self) -> bool:
        within = self._leased < self._pages and not self._by_level
        return within and bool(self._found) and not self._workers.queued

    def lease(self, *, suspects: bool) -> list[Lease]:
        job, left = self._job, self._pages - self._leased
        limit = LEASE_PAGES if self._waits() else min(LEASE_PAGES, left)
        if limit <= 0:
            return []
        if self._traps is not None:
            self._traps.follow(self._store)
        urgent = {} if self._workers.queued else self._found.copy()
        found = list(chain.from_iterable(urgent.values()))
        leases = self._store.lease(job.run_id, job.epoch, self._holder, limit=limit, suspects=suspects, found=found)
        self._handed_on(urgent)
        self._leased += len(leases)
        return leases

    def _handed_on(self, page_ids: Iterable[str]) -> None:
        """Their links are in the frontier; not before may their pages be."""
        for one in page_ids:
            self._found.pop(one, None)

    def _waits(self) -> bool:
        """True where a page has been in work for long: what it may not hold up goes on."""
        begun = next(iter(self._in_flight.values()), None)
        return begun is not None and not self._anywhere and time.monotonic() - begun > STRAGGLING_SECONDS

    async def scan(self, lease: Lease) -> None:
        self._in_flight[lease.page_id] = time.monotonic()
        try:
            await self._scan(lease)
        finally:
            del self._in_flight[lease.page_id]

    async def _scan(self, lease: Lease) -> None:
        if not self.obeys:
            self._robots.begin(lease.url)
        elif not (robots := await self._robots.of(lease.url)).allows(self._robots.agent, lease.url):
            if robots.answer.reason is Reason.HOST_DOWN:
                self._put_off(lease, lease.tries)
            else:
                self._committer.add(self._refused(lease, robots))
            return
        asked = await self._earlier.ask(lease, self._pipeline, self.blocked, follow=False)
        answer = asked.answer
        if self.try_again(lease, answer):
            return
        if is_redirect(answer):
            self.led_to = target_of(answer)
            self._bring(lease, self._followed(lease, self.led_to, anywhere=self._anywhere))
            self._committer.add(_redirecting(lease, answer))
            return
        page = await self.read(lease, asked)
        if (read := asked.earlier or page.page) is not None:
            self._bring(lease, self._named(lease, read))
        self._committer.add(page)

    def _named(self, lease: Lease, page: Page | EarlierPage) -> list[Found]:
        if self._anywhere and (url := refresh_target(page)) and not self._scope.contains(url):
            self.led_to = url
            return self._followed(lease, url, anywhere=True)
        return [*self._leads(lease, page), *self._followed(lease, refreshed_to(page))]

    def _bring(self, lease: Lease, found: list[Found]) -> None:
        if found:
            self._found[lease.page_id] = found

    def try_again(self, lease: Lease, answer: Answer) -> bool:
        if is_host_down(answer) and answer.tries >= self._job.settings.options.max_tries:
            self._put_off(lease, answer.tries)
            return True
        again = super().try_again(lease, answer)
        if again and self._anywhere:
            self._leased -= 1  # the root is waited for
        return again

    def _put_off(self, lease: Lease, tries: int) -> None:
        """Keeps the page for when the crawl is resumed: its host keeps failing, and nothing is known of it."""
        self._committer.retry(Retry(lease.page_id, tries, WHEN_RESUMED, Reason.HOST_DOWN))

    def write(self, batch: int, pages: list[ScannedPage], retries: list[Retry]) -> None:
        job = self._job
        found = [one for page in pages for one in self._found.get(page.page_id, ())]
        read = [page for page in pages if not is_redirect(page.answer)]
        self._store.commit(
            job.run_id,
            job.epoch,
            self._holder,
            self.stage(batch, read),
            retries,
            found=found,
            redirects=[_redirected(page) for page in pages if is_redirect(page.answer)],
        )
        self._handed_on(page.page_id for page in pages)
        self.count(pages)

    def _leads(self, lease: Lease, page: Page | EarlierPage) -> list[Found]:
        """What the page names and the crawl may fetch, each once; what lies too deep is held back by the store.

        From a page that a sitemap named links count as from the start. Its canonical is as deep as what it links to.
        """
        depth = (lease.depth or 0) + 1
        return [self._finding(url, found_by, depth) for found_by, url in leads(page) if self._is_new(url)]

    def _is_new(self, url: str) -> bool:
        """True for an address in scope that this chunk has not handed on yet."""
        if url in self._seen or not is_http(url):
            return False
        self._seen.add(url)
        return self._scope.contains(url)

    def _finding(self, url: str, found_by: FoundBy, depth: int | None) -> Found:
        identity = page_id(self._project_id, url)
        if self._traps is not None and (why := self._traps.why(url)) is not None:
            return Found(url, identity, found_by, PageState.SKIPPED, Reason.CRAWL_TRAP, depth, why)
        return Found(url, identity, found_by, depth=depth)

    def _followed(self, lease: Lease, url: str | None, *, anywhere: bool = False) -> list[Found]:
        """Where a redirect or a refresh leads, as deep as what leads there: nearer perhaps than it was found before."""
        if url is None or not (anywhere or self._scope.contains(url)):
            return []
        return [self._finding(url, "redirect", lease.depth)]

    def _refused(self, lease: Lease, robots: Robots) -> ScannedPage:
        """What is stored of a page that is not fetched: robots.txt disallows it, or its host cannot be reached."""
        if robots.answer.reason in HOST_FAILURES:
            failure = FetchFailure(url=lease.url, reason=robots.answer.reason, tries=lease.tries)
            return self._pipeline.without_page(lease.page_id, lease.url, failure)
        refused = FetchFailure(url=lease.url, reason=Reason.BLOCKED_BY_ROBOTS, tries=lease.tries)
        page = self._pipeline.without_page(lease.page_id, lease.url, refused, blocked=robots.blocks(lease.url))
        return replace(page, state=PageState.SKIPPED)


def is_redirect(answer: Answer) -> TypeGuard[Response]:
    """True for a redirect that was not followed."""
    return isinstance(answer, Response) and answer.status in REDIRECT_STATUSES and bool(answer.hops)


def target_of(answer: Response) -> str | None:
    """Where an unfollowed redirect leads; None where its Location is no http address."""
    hop = answer.hops[-1]
    url = resolve(hop.url, hop.location) if hop.location is not None else None
    return address(url) if url is not None and is_http(url) else None


def is_host_down(answer: Answer) -> bool:
    """True where the page was not asked for since its host keeps failing."""
    return isinstance(answer, FetchFailure) and answer.reason is Reason.HOST_DOWN


def _redirecting(lease: Lease, answer: Answer) -> ScannedPage:
    return ScannedPage(
        page_id=lease.page_id,
        url=lease.url,
        state=PageState.COMPLETED,
        reason=None,
        answer=answer,
        page=None,
        verdict=Verdict(),
    )


def _redirected(page: ScannedPage) -> Redirected:
    hop = page.answer.hops[-1]
    return Redirected(
        page_id=page.page_id,
        status=hop.status,
        location=hop.location,
        tries=page.answer.tries,
        fetched_at=page.answer.fetched_at.timestamp(),
    )
