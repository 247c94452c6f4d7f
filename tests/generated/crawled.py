"""The tables that a crawl without any accident leaves of a generated site, made without a network."""

import gzip
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import duckdb
import polars as pl

from tasks.audit import audit
from tasks.crawl.robots import RobotsPolicy
from tasks.crawl.sitemap import parse_sitemap
from tasks.extract.page import extract
from tasks.model import Answer, FetchFailure, Hop, Page, PageState, Reason, Response, ScannedPage
from tasks.store import RobotsFact, SitemapEntryFact, SitemapFact, TargetFact
from tasks.store.columns import PAGE_TABLES
from tasks.store.rows import frames, site_frame
from tasks.store.site_columns import ROBOTS, SITEMAP_ENTRIES, SITEMAPS, TARGETS
from tasks.urls import page_id, resolve
from tests.generated.draft import ELSEWHERE, ORIGIN
from tests.generated.reply import Reply
from tests.generated.site import GeneratedSite

BASE = "http://shop.example"
OTHER = "http://other.example"
RUN = "run"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
AGENT = "seo-scan"


def tables(site: GeneratedSite, folder: Path, *, complete: bool = True) -> duckdb.DuckDBPyConnection:
    """The views of a run that site rules read, over files in ``folder``."""
    pages = [_scanned(site, path) for path in sorted(site.reached)]
    made = frames(RUN, pages)
    for table in PAGE_TABLES:
        made.setdefault(table.name, pl.DataFrame(schema=table.schema))
    listing = {f"{BASE}{path}": _sitemap(f"{BASE}{path}", reply) for path, reply in site.sitemaps.items()}
    entries = [(url, entry) for url, sitemap in listing.items() for entry in sitemap.on_site(BASE).entries]
    made |= {
        "robots": site_frame(ROBOTS, RUN, [_robots(site.robots)]),
        "sitemaps": site_frame(
            SITEMAPS,
            RUN,
            [
                SitemapFact(url=url, kind=one.kind, status=200, entries=len(one.entries), errors=one.errors)
                for url, one in listing.items()
            ],
        ),
        "sitemap_entries": site_frame(
            SITEMAP_ENTRIES,
            RUN,
            [SitemapEntryFact(sitemap=url, url=one.loc, alternates=one.alternates) for url, one in entries],
        ),
        "targets": site_frame(TARGETS, RUN, [_probe(site), *_targets(site, [one.page for one in pages if one.page])]),
        "run": pl.DataFrame({"run_id": RUN, "start_url": f"{BASE}/", "scope": "folder", "complete": complete}),
    }
    db = duckdb.connect()
    for name, frame in made.items():
        frame.write_parquet(folder / f"{name}.parquet")
        db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{folder / name}.parquet')")  # noqa: S608 - our names
    return db


def _with_hosts(text: bytes) -> bytes:
    return text.replace(ORIGIN.encode(), BASE.encode()).replace(ELSEWHERE.encode(), OTHER.encode())


def _scanned(site: GeneratedSite, path: str) -> ScannedPage:
    url = BASE + path
    blocked = path in site.blocked
    answer = FetchFailure(url=url, reason=Reason.BLOCKED_BY_ROBOTS, tries=0) if blocked else _fetched(site, url)
    reason = answer.reason if isinstance(answer, FetchFailure) else None
    page = extract(answer) if isinstance(answer, Response) and _is_page(answer) else None
    failed = PageState.FAILED if reason else PageState.COMPLETED
    return ScannedPage(
        page_id=page_id("project", url),
        url=url,
        state=PageState.SKIPPED if blocked else failed,
        reason=reason,
        answer=answer,
        page=page,
        verdict=audit(answer, page),
        blocked_by_robots=blocked,
    )


def _is_page(answer: Response) -> bool:
    return answer.status == 200 and answer.is_html and not answer.hops


def _reply(site: GeneratedSite, url: str) -> Reply:
    if url.startswith(OTHER):
        return site.reply_elsewhere(url.removeprefix(OTHER))
    return site.reply(url.removeprefix(BASE))


def _fetched(site: GeneratedSite, url: str, hops: tuple[Hop, ...] = ()) -> Answer:
    """The answer at the end of all redirects."""
    if url in {hop.url for hop in hops}:
        return FetchFailure(url=url, reason=Reason.REDIRECT_LOOP, hops=hops)
    reply = _reply(site, url)
    location = reply.header("Location")
    if location:
        there = _with_hosts(location.encode()).decode()
        return _fetched(site, resolve(url, there) or "", (*hops, Hop(url, reply.status, there)))
    body = _with_hosts(reply.body)
    return Response(
        url=url,
        status=reply.status,
        headers=(
            ("content-type", reply.content_type),
            *((k.lower(), _with_hosts(v.encode()).decode()) for k, v in reply.headers),
        ),
        body=body,
        text=body.decode() if reply.content_type.startswith("text/") else None,
        encoding="utf-8",
        hops=hops,
    )


def _robots(reply: Reply) -> RobotsFact:
    body = _with_hosts(reply.body)
    policy = RobotsPolicy.parse(body)
    return RobotsFact(
        origin=f"{BASE}:80",
        status=reply.status,
        body=body.decode(),
        fetched_at=NOW,
        syntax_errors=tuple((problem.line, problem.text, problem.why) for problem in policy.syntax_errors),
        blocks_all=policy.blocks_all(AGENT),
    )


def _sitemap(url: str, reply: Reply):
    body = _with_hosts(reply.body)
    return parse_sitemap(gzip.compress(body) if reply.gzip else body, url)


def _probe(site: GeneratedSite) -> TargetFact:
    url = f"{BASE}/no/such/page"
    answer = _fetched(site, url)
    return TargetFact(
        url=url,
        kind="probe",
        status=answer.status,
        location=answer.url if answer.hops else None,
        checked_at=NOW,
    )


def _targets(site: GeneratedSite, pages: list[Page]) -> list[TargetFact]:
    """External links and images, each once."""
    links = {link.url for page in pages for link in page.links if link.url and link.url.startswith(OTHER)}
    images = {image.url for page in pages for image in page.images if image.url and image.url.startswith("http")}
    asked = chain(((url, "external") for url in sorted(links)), ((url, "image") for url in sorted(images)))
    return [_target(site, url, kind) for url, kind in asked]


def _target(site: GeneratedSite, url: str, kind: str) -> TargetFact:
    answer = _fetched(site, url)
    wrong_type = kind == "image" and answer.status == 200 and not answer.mime.startswith("image/")
    return TargetFact(
        url=url,
        kind=kind,
        status=answer.status,
        reason=Reason.BAD_RESPONSE if wrong_type else None,
        location=answer.url if answer.hops else None,
        checked_at=NOW,
    )
