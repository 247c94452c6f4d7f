"""Sites written one address a line, as in the samples of the rules, become the tables of a run."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from tasks.audit import DEFAULT, audit
from tasks.audit.indexability import JUDGED_AGENT
from tasks.audit.samples import EXAMPLE, html
from tasks.audit.site.engine import audit_site
from tasks.audit.site.prepare import graph, prepare
from tasks.crawl.robots import RobotsPolicy
from tasks.extract.page import extract
from tasks.model import FetchFailure, Hop, PageState, Reason, Response, ScannedPage
from tasks.store.columns import FACT_TABLES
from tasks.store.rows import frames, site_frame
from tasks.store.site_columns import (
    ROBOTS,
    SITEMAP_ENTRIES,
    SITEMAPS,
    TARGETS,
    RobotsFact,
    SitemapEntryFact,
    SitemapFact,
    TargetFact,
)
from tasks.urls import page_id, resolve

RUN = "r1"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
REVALIDATIONS = {"not-modified", "modified", "same"}
KINDS = {"external", "internal", "image", "probe"}
REASONS = {reason.value for reason in Reason}
ORIGIN = "https://example.com:443"


@dataclass
class Judged:
    issues: list[dict]
    results: dict
    graph: dict
    counts: dict

    def of(self, rule):
        return [issue for issue in self.issues if issue["rule"] == rule]

    def pages(self, rule):
        """Paths of the addresses that the rule finds fault with."""
        return sorted(issue["url"].removeprefix("https://example.com") for issue in self.of(rule))


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A file without rows for each table."""
    folder = tmp_path_factory.mktemp("empty")
    for table in FACT_TABLES:
        pl.DataFrame(schema=table.schema).write_parquet(folder / f"{table.name}.parquet")
    return folder


@pytest.fixture
def tables_of(tmp_path, empty):
    """A DuckDB connection with the views of the run that the text tells."""
    opened = []

    def make(text, *, complete=True, start=EXAMPLE, entries=(), targets=(), sitemaps=()):
        told = Told(text)
        tables = frames(RUN, told.pages) | {
            ROBOTS.name: site_frame(ROBOTS, RUN, told.robots),
            SITEMAPS.name: site_frame(SITEMAPS, RUN, [*told.sitemaps, *sitemaps]),
            SITEMAP_ENTRIES.name: site_frame(SITEMAP_ENTRIES, RUN, [*told.entries, *entries]),
            TARGETS.name: site_frame(TARGETS, RUN, [*told.targets, *targets]),
            "run": pl.DataFrame({"run_id": RUN, "start_url": start, "scope": "host", "complete": complete}),
        }
        db = duckdb.connect(config={"threads": 1})
        opened.append(db)
        for name in {table.name for table in FACT_TABLES} | {"run"}:
            path = empty / f"{name}.parquet"
            if name in tables and len(tables[name]):
                path = tmp_path / f"{len(opened)}-{name}.parquet"
                tables[name].write_parquet(path)
            db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")  # noqa: S608 - a path of our own
        return db

    yield make
    for db in opened:
        db.close()


@pytest.fixture
def judge(tables_of):
    prepared = {}

    def judge(text, *, profile=DEFAULT, **how):
        key = text, repr(how)
        site = prepared[key] = prepared.get(key) or prepare(tables_of(text, **how))
        verdict = audit_site(site, profile)
        issues = [row | {"evidence": json.loads(row["evidence"])} for f in verdict.issues() for row in f.to_dicts()]
        urls = dict(site.db.execute("SELECT page_id, url FROM pages").fetchall())
        nodes = {urls[node["page_id"]].removeprefix("https://example.com"): node for node in graph(site).to_dicts()}
        return Judged(issues, {result.rule: result for result in verdict.results}, nodes, dict(verdict.counts))

    return judge


class Told:
    """What the lines of a text say."""

    def __init__(self, text):
        self.pages, self.robots, self.sitemaps, self.entries, self.targets = [], [], [], [], []
        lines = {}
        for line in text.strip().splitlines():
            path, _, rest = line.strip().partition(" ")
            lines[resolve(EXAMPLE, path)] = rest.strip()
        for url, rest in lines.items():
            first = rest.partition(" ")[0]
            if url == f"{EXAMPLE}robots.txt":
                self.robots.append(robots_of(rest))
            elif url.endswith(".xml"):
                self.list(url, rest.split())
            elif first in KINDS:
                self.target(url, *rest.split())
            elif not url.startswith(EXAMPLE):
                self.target(url, "external", *rest.split())
            else:
                self.pages.append(scanned(url, lines))

    def list(self, url, paths):
        urls = [resolve(url, path) for path in paths]
        self.sitemaps.append(SitemapFact(url=url, kind="urlset", status=200, entries=len(urls)))
        self.entries += [SitemapEntryFact(sitemap=url, url=one) for one in urls]

    def target(self, url, kind, outcome, *more):
        status = int(outcome) if outcome.isdigit() else None
        self.targets.append(
            TargetFact(
                url=url,
                kind=kind,
                status=status,
                reason=None if status else Reason(outcome),
                location=next((resolve(url, word) for word in more if not word.isdigit()), None),
                tries=next((int(word) for word in more if word.isdigit()), 1),
                checked_at=NOW,
            )
        )


def robots_of(rest):
    if rest.isdigit() or rest in REASONS:
        status = int(rest) if rest.isdigit() else None
        return RobotsFact(origin=ORIGIN, status=status, reason=None if status else Reason(rest), fetched_at=NOW)
    body = rest.replace(" | ", "\n")
    policy = RobotsPolicy.parse(body.encode())
    return RobotsFact(
        origin=ORIGIN,
        status=200,
        body=body,
        fetched_at=NOW,
        syntax_errors=tuple((problem.line, problem.text, problem.why) for problem in policy.syntax_errors),
        blocks_all=policy.blocks_all(JUDGED_AGENT),
    )


def scanned(url, lines):
    first, _, rest = lines[url].partition(" ")
    if first in REVALIDATIONS:
        return replace(scanned(url, {**lines, url: rest}), revalidation=first)
    blocked = first == "blocked"
    if blocked and not rest:
        answer = FetchFailure(url=url, reason=Reason.BLOCKED_BY_ROBOTS, tries=0)
        return record(url, answer, None, PageState.SKIPPED, Reason.BLOCKED_BY_ROBOTS, blocked=True)
    answer = answer_of(url, {**lines, url: rest} if blocked else lines, ())
    reason = answer.reason if isinstance(answer, FetchFailure) else None
    state = PageState.FAILED if reason else PageState.COMPLETED
    page = extract(answer) if not reason and not answer.hops and answer.status == 200 else None
    return record(url, answer, page, state, reason, blocked=blocked)


def record(url, answer, page, state, reason, *, blocked):
    return ScannedPage(
        page_id=page_id("p", url),
        url=url,
        state=state,
        reason=reason,
        answer=answer,
        page=page,
        verdict=audit(answer, page, blocked=blocked),
        blocked_by_robots=blocked,
    )


def answer_of(url, lines, hops):
    if url in {hop.url for hop in hops}:
        return FetchFailure(url=url, reason=Reason.REDIRECT_LOOP, hops=hops)
    word, _, rest = lines.get(url, "404").partition(" ")
    if word in REASONS:
        return FetchFailure(url=url, reason=Reason(word), hops=hops)
    status = int(word) if word.isdigit() else 200
    if status in range(300, 400):
        return answer_of(resolve(url, rest), lines, (*hops, Hop(url, status, rest)))
    text = rest if word.isdigit() else lines[url]
    page = html(text, url=url)
    return Response(
        url=url, status=status, headers=page.headers, body=page.body, text=text, encoding="utf-8", hops=hops
    )
