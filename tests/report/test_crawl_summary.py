"""The summary of a crawl: its score, what to fix first, what was left out, and how to go on."""

from datetime import UTC, datetime
from types import SimpleNamespace

import polars as pl
import pytest
from rich.console import Console

from tasks.audit import all_rules
from tasks.model import FetchFailure, Issue, Page, PageState, Reason, Response, ScannedPage, Severity, Verdict
from tasks.report.fixes import Fix
from tasks.report.markdown import summary_markdown
from tasks.report.next_steps import RANKED, goes_on
from tasks.report.phase import phase, phase_of, tell
from tasks.report.summary import summarise
from tasks.report.terminal import summary_view
from tasks.store import Found, Limits, Progress, RobotsFact, RunSpec, RunState, SitemapEntryFact, SitemapFact, Store
from tasks.urls import page_id

SITE = "https://a.example"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
RANKS = {"/": 0.6, "/deep": 0.01, "/kept-out": 0.1, "/gone": 0.2, "/moved": 0.09}


def issue(rule, severity):
    return Issue(rule=rule, severity=severity, category="c", message="m", evidence={}, fingerprint="0" * 16)


def page(path, *issues, status=200, kept_out="", html=True, cut=()):
    url = SITE + path
    answer = Response(url=url, status=status, ttfb_ms=1.0)
    facts = Page(url=url, requested_url=url, html_length=9, cut=cut) if html else None
    return ScannedPage(page_id=page_id("default", url), url=url, state=PageState.COMPLETED, reason=None, answer=answer,
                       page=facts, verdict=Verdict(tuple(issues), not_indexable=kept_out))  # fmt: skip


def skipped(path, reason):
    url = SITE + path
    return ScannedPage(page_id=page_id("default", url), url=url, state=PageState.SKIPPED, reason=reason,
                       answer=FetchFailure(url=url, reason=reason), page=None, verdict=Verdict())  # fmt: skip


PAGES = [
    page("/", issue("title-too-short", Severity.NOTICE), issue("title-too-short", Severity.NOTICE)),
    page("/deep", issue("title-missing", Severity.ERROR), issue("title-duplicate", Severity.WARNING),
         cut=("images", "links")),
    page("/kept-out", issue("title-missing", Severity.ERROR), kept_out="noindex"),
    page("/gone", issue("http-4xx", Severity.ERROR), status=404, kept_out="status 404", html=False),
    page("/moved", kept_out="not HTML", html=False),
]  # fmt: skip
BLOCKED = [skipped("/till", Reason.BLOCKED_BY_ROBOTS), skipped("/cart", Reason.BLOCKED_BY_ROBOTS)]
TRAP = Found(f"{SITE}/a/a/a", "trap", state=PageState.SKIPPED, reason=Reason.CRAWL_TRAP, detail="/a repeats")


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    """(data folder, run id) of a crawl that ended at its limit of pages."""
    data = tmp_path_factory.mktemp("crawl")
    with Store.open(data) as store:
        run = store.start_run(RunSpec(kind="crawl", start_url=f"{SITE}/", scope="host", limits=Limits(max_pages=5)))
        pages = [*PAGES, *BLOCKED]
        found = [Found(one.url, one.page_id, depth=0) for one in pages]
        store.commit(run.run_id, run.epoch, "h", found=[*found, TRAP])
        for _ in range(2):
            store.lease(run.run_id, run.epoch, "h", 10)
            store.write_commit(run.run_id, run.epoch, "h", "k", pages)
        left = [Found(f"{SITE}/{n}", str(n), depth=1) for n in range(3)]
        store.commit(run.run_id, run.epoch, "h", found=left)
        ranks = pl.DataFrame({"page_id": [page_id("default", SITE + path) for path in RANKS],
                              "pagerank": list(RANKS.values())})  # fmt: skip
        store.write_facts(run.run_id, run.epoch, "graph", "site", ranks)
        robots = RobotsFact(origin="https://a.example:443", status=503, fetched_at=NOW)
        store.write_facts(run.run_id, run.epoch, "robots", "robots", [robots])
        sitemaps = [
            SitemapFact(url=f"{SITE}/sitemap.xml", kind="sitemapindex", status=200, errors=("more than 9 files",)),
            SitemapFact(url=f"{SITE}/2.xml", kind="unknown", status=404),
            SitemapFact(url=f"{SITE}/3.xml", kind="urlset", status=200),
        ]
        store.write_facts(run.run_id, run.epoch, "sitemaps", "sitemaps", sitemaps)
        entries = [
            SitemapEntryFact(sitemap=f"{SITE}/3.xml", url=url)
            for url in (f"{SITE}/", f"{SITE}/not-found-yet", "https://blog.a.example/1", "https://blog.a.example/2")
        ]
        store.write_facts(run.run_id, run.epoch, "sitemap_entries", "entries", entries)
        site = pl.DataFrame({
            "page_id": [""], "url": [f"{SITE}/robots.txt"], "rule": ["robots-txt-syntax"], "severity": ["warning"],
            "category": ["indexability"], "message": ["m"], "evidence": ["{}"], "fingerprint": ["0" * 16],
            "observed": [True],
        })  # fmt: skip
        store.write_facts(run.run_id, run.epoch, "issues", "site", site)
        store.finish_run(run.run_id, run.epoch, RunState.COMPLETED)
    return data, run.run_id


@pytest.fixture(scope="module")
def summary(crawled):
    data, run_id = crawled
    return summarise(run_id, data)


def test_the_score_counts_pages_that_may_be_indexed_and_errors(summary):
    # (0.98 + 0.5 × 0.9 + 0.5) ÷ 3 pages × 0.9 for the rule that failed on the site
    assert summary.score == 57


def test_what_weighs_most_is_fixed_first(summary):
    how = {rule.id: rule.fix for rule in all_rules()}
    assert summary.fixes == (
        Fix("http-4xx", Severity.ERROR, 1, 0.2, f"{SITE}/gone", how["http-4xx"]),
        Fix("robots-txt-syntax", Severity.WARNING, 1, 1.0, f"{SITE}/robots.txt", how["robots-txt-syntax"]),
        Fix("title-missing", Severity.ERROR, 2, pytest.approx(0.11), f"{SITE}/kept-out", how["title-missing"]),
        Fix("title-too-short", Severity.NOTICE, 1, 0.6, f"{SITE}/", how["title-too-short"]),
        Fix("title-duplicate", Severity.WARNING, 1, 0.01, f"{SITE}/deep", how["title-duplicate"]),
    )


def test_what_was_left_out_is_named_with_its_reason(summary):
    assert summary.cuts == (
        f"2 addresses disallowed by robots.txt, such as {SITE}/cart",
        f"1 address cut off as a crawl trap, such as {SITE}/a/a/a (/a repeats)",
        "robots.txt of https://a.example:443 answered 503: everything there counts as disallowed",
        f"2 of 3 sitemap files not wholly read, such as {SITE}/2.xml (answered 404)",
        "2 addresses that sitemaps list are on hosts that were not crawled, such as https://blog.a.example/1",
        f"1 page has more links than are kept, such as {SITE}/deep: inlinks, depth and PageRank lack them",
    )
    assert summary.run.incomplete_reason == "limit of 5 pages reached: 3 pages left"


def test_the_next_commands_begin_with_the_one_that_goes_on(summary):
    run_id = summary.run.run_id
    assert summary.next_commands == (
        f"seo resume {run_id} --max-pages 10",
        f"seo issues {run_id} --rule http-4xx",
        f"seo issues {run_id}",
        f"seo page URL --run {run_id}",
        RANKED.format(run_id),
    )
    assert f"WHERE run_id = '{run_id}'" in RANKED.format(run_id)


def test_all_of_it_is_in_the_artifact_and_on_the_terminal(summary, capsys):
    text = summary_markdown(summary)
    for part in (
        "| score | 57 of 100 |",
        "## Fix first",
        "| http-4xx | error | 1 | 20% |",
        "- 2 addresses disallowed",
        "**Incomplete:** limit of 5 pages",
        f"- `seo resume {summary.run.run_id} --max-pages 10`",
    ):
        assert part in text
    Console(width=200).print(summary_view(summary))
    shown = capsys.readouterr().out
    for part in ("57 of 100", "left out", "1. http-4xx on 1 page with 20% of the PageRank, such as https://a.example/gone",
                 "limit of 5 pages reached: 3 pages left"):  # fmt: skip
        assert part in shown


@pytest.mark.parametrize(
    ("run", "progress", "expected"),
    [
        ({"kind": "batch"}, Progress(pending=3), ""),
        ({"incomplete": False}, Progress(), ""),
        ({"state": RunState.INTERRUPTED}, Progress(pending=3), ""),
        ({}, Progress(pending=3, held_back=1, completed=5), "seo resume r"),
        ({}, Progress(pending=3, held_back=3, completed=5), "seo resume r --max-pages 10"),
        ({}, Progress(pending=3, held_back=3, completed=64), "seo resume r --max-pages 128"),
        ({}, Progress(pending=3, held_back=3, completed=4, skipped=1, by_reason={"not-html": 1}),
         "seo resume r --max-pages 10"),
        ({}, Progress(pending=3, held_back=3, skipped=5, by_reason={"crawl-trap": 5}), "seo resume r --max-depth 3"),
        ({"limits": Limits()}, Progress(), "seo resume r"),
    ],
)  # fmt: skip
def test_the_command_that_goes_on(run, progress, expected):
    ended = {"run_id": "r", "kind": "crawl", "state": RunState.COMPLETED, "incomplete": True, "limits": Limits(5, 2)}
    assert goes_on(SimpleNamespace(**ended | run), progress) == expected


def test_a_phase_is_told_while_it_lasts():
    with phase("r", "one"):
        assert phase_of("r") == "one"
        tell("r", "two")
        assert (phase_of("r"), phase_of("other")) == ("two", "")
    assert phase_of("r") == ""
