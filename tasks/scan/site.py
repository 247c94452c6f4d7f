"""A crawl's steps around its pages.

Each writes its facts in place of what it wrote before, so a crawl that is resumed does them again without doubling.
"""

import asyncio
import hashlib
import math
import secrets
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from tasks.audit.indexability import JUDGED_AGENT
from tasks.audit.site.engine import SiteVerdict, audit_list, audit_site
from tasks.audit.site.prepare import graph, prepare, prepare_list
from tasks.crawl.robots import RobotsPolicy, outcome_of
from tasks.extract.page import extract
from tasks.fetch.access import NO_ACCESS, Access
from tasks.fetch.fetcher import OWN_USER_AGENT
from tasks.model import Answer, FetchFailure, Reason, Response
from tasks.report.phase import tell
from tasks.scan.checks import SECOND_LOOK, Asked, check
from tasks.scan.chunk import ChunkJob
from tasks.scan.crawl import CrawlChunk
from tasks.scan.pipeline import PagePipeline
from tasks.scan.process import holder_name
from tasks.scan.robots import KeptRobots, Robots, RobotsBook, as_answer
from tasks.scan.seeds import scope_of
from tasks.scan.settings import CrawlRules, ScanSettings, rules_of
from tasks.scan.settling import settled
from tasks.scan.stop import StopWatch
from tasks.store import CachedRobots, RobotsFact, Store, TargetFact
from tasks.urls import address, is_http, origin, page_id, printable, resolve, same_site

if TYPE_CHECKING:
    import duckdb

ROOT_HOPS = 10
CHECKED_AT_ONCE = 200
CHECKS_WRITTEN_SECONDS = 5.0
ERRORS = 400
PROBE_PATIENCE = 60.0


async def find_root(job: ChunkJob, store: Store, rules: CrawlRules, access: Access = NO_ACCESS) -> CrawlRules:
    """Fetches the start URL, hop by hop where it redirects or a refresh leaves its scope; that of its end holds."""
    url = rules.start_url
    for _ in range(ROOT_HOPS + 1):
        rules = rules.model_copy(update={"root_url": url})
        target = await asyncio.to_thread(_known_target, store, job.run_id, rules)
        if target is None:
            chunk = CrawlChunk(job.model_copy(update={"pages": 1}), store, rules, access, anywhere=True)
            await chunk.run()
            target = chunk.led_to
        if not target:
            break
        url = target
    return rules


def _known_target(store: Store, run_id: str, rules: CrawlRules) -> str | None:
    """Where the root leads, empty where it leads nowhere else; None where it was not fetched yet."""
    known = store.standing(run_id, page_id(rules.project_id, rules.root_url))
    if known is None:
        return None
    if not known.redirects:
        return _refreshed_away(store, run_id, rules)
    target = resolve(rules.root_url, known.location) if known.location else None
    return address(target) if target and is_http(target) else ""


def _refreshed_away(store: Store, run_id: str, rules: CrawlRules) -> str:
    """Where an instant refresh of the root leads out of its scope; empty where none does."""
    with store.site(run_id, ("pages",)) as pages:
        found = pages.execute(_REFRESHED, [page_id(rules.project_id, rules.root_url)]).fetchone()
    target = address(found[0]) if found and is_http(found[0]) else ""
    return "" if scope_of(rules).contains(target) else target


_REFRESHED = (
    "SELECT meta_refresh.url FROM pages WHERE page_id = ? AND meta_refresh.delay <= 0 AND meta_refresh.url <> ''"
)


def root_problem(store: Store, run_id: str, rules: CrawlRules, realm: str = "") -> str:
    """What keeps a crawl from beginning at its root, for people; empty where nothing does."""
    known = store.standing(run_id, page_id(rules.project_id, rules.root_url))
    root, at = printable(rules.root_url), origin(rules.root_url)
    if known is None:
        return f"{root} has not answered yet"
    if known.reason is Reason.BLOCKED_BY_ROBOTS:
        robots = store.robots.under(realm).get(at, math.inf)
        if robots is not None and outcome_of(as_answer(robots)) is None:
            said = f"answers with status {robots.status}" if robots.status else f"cannot be read ({robots.reason})"
            return f"robots.txt of {at} {said}: everything counts as disallowed"
        return f"robots.txt disallows {root} to us: pages are found by sitemaps only, unless robots.txt is ignored"
    if known.reason is Reason.NOT_HTML:
        return f"{root} is no HTML page: it has no links to follow"
    if known.reason is not None:
        return f"{root} cannot be read: {known.reason}"
    return f"{root} answers with status {known.status}" if known.status and known.status >= ERRORS else ""


async def probe(settings: ScanSettings, store: Store, run_id: str, epoch: int, access: Access = NO_ACCESS) -> None:
    """Asks for a page that cannot exist: what the site answers then, or that robots.txt disallows to ask."""
    rules, options = rules_of(settings), settings.options
    url = f"{rules.root_url.rsplit('/', 1)[0]}/{secrets.token_hex(12)}"
    async with (
        PagePipeline(options, settings.profile, store.hosts, holder_name(), access) as pipeline,
        RobotsBook(store, pipeline.fetcher, options.user_agent or OWN_USER_AGENT, settings.realm) as book,
    ):
        if rules.obey_robots and (reason := await book.refusal(url)) is not None:
            answer: Answer = FetchFailure(url=url, reason=reason, tries=0)
        else:
            answer = await pipeline.fetch_patiently(url, max_tries=options.max_tries, patience=PROBE_PATIENCE)
    await asyncio.to_thread(store.write_facts, run_id, epoch, "targets", "probe", [_probe_fact(url, answer)])


def _probe_fact(url: str, answer: Answer) -> TargetFact:
    page = extract(answer) if isinstance(answer, Response) and answer.is_html else None
    return TargetFact(
        url=url,
        kind="probe",
        status=answer.status if isinstance(answer, Response) else None,
        reason=answer.reason if isinstance(answer, FetchFailure) else None,
        location=answer.url if answer.hops else None,
        tries=answer.tries,
        checked_at=datetime.now(UTC),
        body_hash=page.content_hash if page else _digest(answer),
        title=page.title if page else None,
    )


def _digest(answer: object) -> str | None:
    return hashlib.blake2b(answer.body, digest_size=8).hexdigest() if isinstance(answer, Response) else None


def settle(settings: ScanSettings, store: Store, run_id: str, epoch: int) -> int:
    """Judges redirects by their whole chains; returns how many."""
    kept = KeptRobots(store, settings.realm)
    return store.settle(run_id, epoch, settled(store.standings(run_id), settings.profile, kept.blocks))


async def check_targets(
    settings: ScanSettings, store: Store, run_id: str, epoch: int, access: Access = NO_ACCESS, *, stop: StopWatch
) -> tuple[int, int]:
    """Looks at what lies out of scope and at images, each once a run, and writes what is seen as it comes.

    Nothing is begun once it is time to ``stop``. Returns how many were looked at, and how many are left.
    """
    rules = rules_of(settings)
    wanted = await asyncio.to_thread(_targets, store, run_id, rules)
    hosts = store.hosts if rules.obey_robots else store.hosts.without_crawl_delay()
    agent = settings.options.user_agent or OWN_USER_AGENT
    async with (
        PagePipeline(settings.options, settings.profile, hosts, holder_name(), access) as pipeline,
        RobotsBook(store, pipeline.fetcher, agent, settings.realm) as book,
        _Seen(store, run_id, epoch, len(wanted)) as seen,
    ):
        allowed = []
        for one in wanted:
            if stop.is_over:
                break
            if not rules.obey_robots or not same_site(one.url, rules.root_url):
                allowed.append(one)
            elif (robots := await stop.in_time(book.of(one.url))) is None:
                break
            elif robots.allows(agent, one.url):
                allowed.append(one)
            else:
                await seen.add([_disallowed(one, robots)])
        await check(allowed, pipeline.fetcher, stop=stop, done=seen.add, waits=seen.wait)
    return seen.count, len(wanted) - seen.count


class _Seen:
    """Writes what was seen of targets every few hundred or few seconds, and at the end."""

    def __init__(self, store: Store, run_id: str, epoch: int, wanted: int) -> None:
        self.count = 0
        self._store = store
        self._run_id = run_id
        self._epoch = epoch
        self._wanted = wanted
        self._waiting: list[TargetFact] = []
        self._written = time.monotonic()
        self._writing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._write()

    async def add(self, facts: list[TargetFact]) -> None:
        self._waiting += facts
        self.count += len(facts)
        tell(self._run_id, f"looking at what pages point to: {self.count:,} of {self._wanted:,}")
        due = time.monotonic() - self._written > CHECKS_WRITTEN_SECONDS
        if (due or len(self._waiting) >= CHECKED_AT_ONCE) and not self._writing.locked():
            await self._write()

    def wait(self, unreached: int) -> None:
        seconds = f"{SECOND_LOOK:.0f} s"
        tell(self._run_id, f"{unreached:,} of {self._wanted:,} could not be reached: another look at them in {seconds}")

    async def _write(self) -> None:
        async with self._writing:
            facts, self._waiting, self._written = self._waiting, [], time.monotonic()
            if facts:
                step = f"checks-{secrets.token_hex(6)}"  # adds to what was seen before
                await asyncio.to_thread(self._store.write_facts, self._run_id, self._epoch, "targets", step, facts)


def _disallowed(asked: Asked, robots: Robots) -> TargetFact:
    return TargetFact(
        url=asked.url,
        kind=asked.kind,
        status=None,
        reason=Reason.BLOCKED_BY_ROBOTS if robots.blocks(asked.url) else Reason.NOT_FETCHED,
        tries=0,
        checked_at=datetime.now(UTC),
    )


def _targets(store: Store, run_id: str, rules: CrawlRules) -> list[Asked]:
    """What pages point at and nobody looked at yet: what lies out of scope, and images.

    Out of scope are links, canonicals and language versions; pages held back are no targets.
    """
    scope = scope_of(rules)
    asked: dict[str, Asked] = {}
    with store.site(run_id, ("pages", "links", "images", "sitemap_entries", "targets")) as site:
        site.execute(_KNOWN)
        if "external" in rules.check:
            stated = ((url, same_site(url, rules.root_url)) for (url,) in _rows(site, _STATED))
            for url, internal in (*_rows(site, _LINKED), *stated):
                if is_http(url) and not scope.covers(url):
                    asked.setdefault(url, Asked(url, "internal" if internal else "external"))
        if "images" in rules.check:
            for (url,) in _rows(site, _SHOWN):
                if is_http(url):
                    asked.setdefault(url, Asked(url, "image"))
    return list(asked.values())


_KNOWN = """
CREATE TEMP VIEW known AS
SELECT url FROM pages UNION ALL SELECT final_url FROM pages WHERE final_url IS NOT NULL
UNION ALL SELECT url FROM targets WHERE kind <> 'probe'
"""
_LINKED = """
SELECT url, bool_or(internal) FROM links
WHERE url LIKE 'http%' AND url NOT IN (FROM known)
GROUP BY url ORDER BY url
"""
_STATED = """
WITH canonical AS (
    SELECT list_distinct(list_transform(list_filter(canonicals, lambda one: one.in_head), lambda one: one.url)) AS urls
    FROM pages),
stated AS (
    SELECT urls[1] AS url FROM canonical WHERE len(urls) = 1
    UNION ALL
    SELECT unnest(list_filter(hreflang, lambda one: one.in_head)).url FROM pages
    UNION ALL
    SELECT unnest(alternates).url FROM sitemap_entries)
SELECT DISTINCT split_part(url, '#', 1) AS target FROM stated
WHERE url LIKE 'http%' AND target NOT IN (FROM known)
ORDER BY target
"""
_SHOWN = """
SELECT DISTINCT split_part(url, '#', 1) AS target FROM images
WHERE url LIKE 'http%' AND target NOT IN (FROM known)
ORDER BY target
"""


def _rows(connection: "duckdb.DuckDBPyConnection", sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def judge(settings: ScanSettings, run_id: str, epoch: int) -> int:
    """Judges the site and compares it with the last crawl; returns how many pages changed."""
    with Store.open(settings.data) as store:
        judge_site(settings, store, run_id, epoch)
        return compare(store, run_id, epoch)


def judge_site(settings: ScanSettings, store: Store, run_id: str, epoch: int) -> None:
    """Stores robots.txt as it was obeyed, how the pages hang together, and what the site rules say."""
    _write_robots(settings, store, run_id, epoch)
    with store.site(run_id) as connection:
        site = prepare(connection)
        store.write_facts(run_id, epoch, "graph", "site", graph(site))
        _write_verdict(audit_site(site, settings.profile), store, run_id, epoch)


def compare(store: Store, run_id: str, epoch: int) -> int:
    """Stores what changed since the last crawl of the site, where there is one; returns how many pages did."""
    earlier = store.get_run(run_id).earlier_run_id
    if earlier is None:
        return 0
    found = store.changes(run_id, earlier)
    store.write_facts(run_id, epoch, "changes", "changes", found)
    return len(found)


def judge_list(settings: ScanSettings, store: Store, run_id: str, epoch: int) -> None:
    """Stores the robots.txt of a list's pages, and what the rules of lists say."""
    _write_robots(settings, store, run_id, epoch)
    with store.site(run_id) as connection:
        _write_verdict(audit_list(prepare_list(connection), settings.profile), store, run_id, epoch)


def _write_verdict(verdict: SiteVerdict, store: Store, run_id: str, epoch: int) -> None:
    store.write_facts(run_id, epoch, "issues", "site", verdict.issues())
    words = [(one.rule, one.outcome.value, one.why) for one in verdict.results]
    results = pl.DataFrame(words, schema=["rule", "outcome", "why"], orient="row").with_columns(page_id=pl.lit(""))
    store.write_facts(run_id, epoch, "results", "site", results)


def _write_robots(settings: ScanSettings, store: Store, run_id: str, epoch: int) -> None:
    """What was read of robots.txt for any page of the run, however long ago that was."""
    with store.site(run_id, ("pages",)) as site:
        found = _rows(site, _ORIGINS)
    origins = sorted({origin(url) for (url,) in found if is_http(url)})
    answers = store.robots.under(settings.realm)
    kept = [robots for one in origins if (robots := answers.get(one, math.inf)) is not None]
    store.write_facts(run_id, epoch, "robots", "robots", [_robots_fact(robots) for robots in kept])


_ORIGINS = r"""
SELECT min(url) FROM (SELECT unnest([url, final_url]) AS url FROM pages) GROUP BY regexp_extract(url, '^https?://[^/?#]*')
"""


def _robots_fact(kept: CachedRobots) -> RobotsFact:
    policy = outcome_of(as_answer(kept)) or RobotsPolicy.parse(b"")
    return RobotsFact(
        origin=kept.origin,
        status=kept.status,
        reason=kept.reason,
        body=kept.body.decode("utf-8", "replace"),
        fetched_at=kept.fetched_at,
        syntax_errors=tuple((problem.line, problem.text, problem.why) for problem in policy.syntax_errors),
        blocks_all=policy.blocks_all(JUDGED_AGENT),
    )
