"""Facts of a run as a whole: written again they replace, shown beside the pages, never under another run."""

from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from tasks.errors import InputError, StoreError
from tasks.model import HostDemand, Reason
from tasks.store import (
    CachedRobots,
    Found,
    RobotsFact,
    RunSpec,
    RunState,
    SitemapEntryFact,
    SitemapFact,
    TargetFact,
    connect,
)
from tasks.store.registry import live_rows
from tasks.store.site import JUDGED
from tasks.store.views import memory_for
from tasks.urls import page_id

URLS = [f"https://e.com/{n}" for n in range(3)]
IDS = [page_id("default", url) for url in URLS]
AT = datetime(2026, 11, 23, 15, 30, 1, 250_000, tzinfo=UTC)


@pytest.fixture
def run(store, scanned):
    """A crawl of three pages."""
    run = store.start_run(RunSpec(kind="crawl", recipe="r1", batch_id="b1", start_url=URLS[0], scope="folder"))
    store.add_found(run.run_id, 1, [Found(url, one, "start") for url, one in zip(URLS, IDS, strict=True)])
    store.write_commit(run.run_id, 1, "a", "k", [scanned(url, fetched_at=datetime.now(UTC)) for url in URLS])
    return run


def _graph(*depths):
    return pl.DataFrame(
        {
            "page_id": IDS[: len(depths)],
            "depth": depths,
            "inlinks": [5] * len(depths),
            "pagerank": [0.5] * len(depths),
            "canonical_cluster": IDS[: len(depths)],
        }
    )


def _issues(*severities):
    count = len(severities)
    return pl.DataFrame(
        {
            "page_id": IDS[:count],
            "url": URLS[:count],
            "rule": ["title-duplicate"] * count,
            "severity": severities,
            "category": ["title"] * count,
            "message": ["The title is on two pages."] * count,
            "evidence": ['{"others": 1}'] * count,
            "fingerprint": ["00112233445566aa"] * count,
            "observed": [True] * count,
        }
    )


def _rows(store, query):
    return list(store.sql(query).rows)


def test_records_come_back(store, run):
    write = store.write_facts
    robots = RobotsFact(
        origin="https://e.com:443",
        status=200,
        body="Disallow",
        fetched_at=AT,
        syntax_errors=((1, "Disallow", "no colon"),),
        blocks_all=True,
    )
    away = RobotsFact(origin="https://f.org:443", status=None, reason=Reason.DNS, fetched_at=AT)
    write(run.run_id, 1, "robots", "robots", [robots, away])
    write(run.run_id, 1, "sitemaps", "sitemaps", [SitemapFact(url="s", kind="urlset", status=200, errors=("cut",))])
    entry = SitemapEntryFact(sitemap="s", url=URLS[0], alternates=(("de", URLS[1]),))
    write(run.run_id, 1, "sitemap_entries", "sitemaps", [entry])
    gone = TargetFact(url="https://g.net/", kind="external", status=404, tries=2, checked_at=AT)
    write(run.run_id, 1, "targets", "check-1", [gone])
    when = AT.replace(tzinfo=None)
    assert _rows(store, "FROM robots ORDER BY origin") == [
        (
            run.run_id,
            "https://e.com:443",
            200,
            None,
            "Disallow",
            when,
            [{"line": 1, "text": "Disallow", "why": "no colon"}],
            True,
        ),
        (run.run_id, "https://f.org:443", None, "dns", "", when, [], False),
    ]
    assert _rows(store, "FROM sitemaps") == [(run.run_id, "s", None, "urlset", 200, None, 0, ["cut"])]
    assert _rows(store, "FROM sitemap_entries") == [(run.run_id, "s", URLS[0], None, [{"lang": "de", "url": URLS[1]}])]
    assert _rows(store, "FROM targets") == [
        (run.run_id, "https://g.net/", "external", 404, None, None, 2, when, None, None)
    ]


def test_a_step_that_runs_again_replaces_what_it_wrote(store, run):
    before = store.progress(run.run_id).issues
    store.write_facts(run.run_id, 1, "issues", "site", _issues("error", "error", "notice"))
    assert store.progress(run.run_id).issues == {**before, "error": 2, "notice": 1}
    store.write_facts(run.run_id, 1, "issues", "site", _issues("error"))
    assert store.progress(run.run_id).issues == {**before, "error": 1}
    assert _rows(store, "SELECT count(*) FROM issues WHERE rule = 'title-duplicate'") == [(1,)]
    store.write_facts(run.run_id, 1, "issues", "site", iter([_issues("error", "error"), _issues("notice")]))
    assert store.progress(run.run_id).issues == {**before, "error": 2, "notice": 1}
    store.write_facts(run.run_id, 1, "issues", "site", iter(()))
    assert store.progress(run.run_id).issues == before
    store.write_facts(run.run_id, 1, "issues", "site", pl.DataFrame())
    assert store.progress(run.run_id).issues == before
    assert _rows(store, "SELECT count(*) FROM issues") == [(3,)]


def test_steps_and_tables_are_apart(store, run):
    for name in ("check-1", "check-2", "check-1"):
        fact = TargetFact(url=f"https://g.net/{name}", kind="image", status=200, checked_at=AT)
        store.write_facts(run.run_id, 1, "targets", name, [fact])
    assert _rows(store, "SELECT count(*) FROM targets") == [(2,)]
    assert _rows(store, "SELECT count(*) FROM pages") == [(3,)]


def test_rows_that_are_not_of_the_table_are_refused(store, run):
    with pytest.raises(StoreError, match=r"no such columns in graph: rank"):
        store.write_facts(run.run_id, 1, "graph", "graph", pl.DataFrame({"page_id": ["p"], "rank": [1]}))
    with pytest.raises(StoreError, match="rows do not fit graph"):
        store.write_facts(run.run_id, 1, "graph", "graph", pl.DataFrame({"page_id": ["p"], "depth": ["far"]}))
    assert _rows(store, "SELECT count(*) FROM graph") == [(0,)]


def test_the_graph_is_seen_beside_the_pages(store, run, begin, scanned, place):
    other = begin(URLS[0])
    store.write_commit(other.run_id, 1, "a", "k", [scanned(URLS[0])])
    store.write_facts(run.run_id, 1, "graph", "graph", _graph(0, 1))
    columns = "SELECT run_id, url, depth"
    mine, its = (run.run_id, other.run_id)
    seen = sorted([(mine, URLS[0], 0), (mine, URLS[1], 1), (mine, URLS[2], None), (its, URLS[0], None)], key=str)
    assert sorted(_rows(store, f"{columns} FROM pages"), key=str) == seen
    assert sorted(_rows(store, f"{columns} FROM site_pages"), key=str) == seen
    rows = _rows(store, "SELECT inlinks, followed_inlinks, pagerank FROM site_pages WHERE url LIKE '%/1'")
    assert rows == [(5, None, 0.5)]
    if place == "shared":
        return
    store.publish(final=True)
    import duckdb  # noqa: PLC0415 - only here

    with duckdb.connect(store.path / "catalog.duckdb", read_only=True) as db:
        assert db.execute("SELECT sum(depth), sum(inlinks) FROM site_pages").fetchall() == [(1, 10)]


def test_an_issue_that_the_crawl_raises_stands_for_that_of_the_page(store, run):
    before = store.progress(run.run_id).issues
    (issue,) = store.page_object(run.run_id, URLS[0])["issues"]
    raised = pl.DataFrame(
        {
            "page_id": [IDS[0]],
            "url": [URLS[0]],
            "severity": ["error"],
            "raised_from": [issue["severity"]],
            "message": ["Graver than it looked."],
            "evidence": ["{}"],
            **{name: [issue[name]] for name in ("rule", "category", "fingerprint")},
        }
    )
    for _ in range(2):
        store.write_facts(run.run_id, 1, "issues", "site", raised)
        assert store.progress(run.run_id).issues == {**before, "error": 1, "warning": before["warning"] - 1}
        assert _rows(store, "SELECT url, severity FROM issues ORDER BY url") == [
            (URLS[0], "error"),
            (URLS[1], "warning"),
            (URLS[2], "warning"),
        ]
    (told,) = store.page_object(run.run_id, URLS[0])["issues"]
    assert (told["severity"], told["message"]) == ("error", "Graver than it looked.")
    store.write_facts(run.run_id, 1, "issues", "site", pl.DataFrame())
    assert store.progress(run.run_id).issues == before
    assert store.page_object(run.run_id, URLS[0])["issues"] == [issue]


def test_a_page_object_has_the_site_issues_of_its_own_run_only(store, run, begin):
    store.write_facts(run.run_id, 1, "issues", "site", _issues("error"))
    rules = [issue["rule"] for issue in store.page_object(run.run_id, URLS[0])["issues"]]
    assert rules == ["title-too-short", "title-duplicate"]
    later = begin(*URLS)
    assert store.link_fresh(later, 3600, "r1") == 3
    assert [issue["rule"] for issue in store.page_object(later.run_id, URLS[0])["issues"]] == ["title-too-short"]
    found = _rows(store, "SELECT run_id, rule FROM issues")
    assert [rule for run_id, rule in found if run_id == later.run_id] == ["title-too-short"] * 3
    store.write_facts(later.run_id, 1, "issues", "site", _issues("notice"))
    assert len(store.page_object(later.run_id, URLS[0])["issues"]) == 2
    assert store.progress(later.run_id).issues == {"error": 0, "warning": 3, "notice": 1}


def test_linked_pages_have_no_graph_of_another_run(store, run, begin):
    store.write_facts(run.run_id, 1, "graph", "graph", _graph(0, 1, 2))
    later = begin(*URLS)
    store.link_fresh(later, 3600, "r1")
    depths = _rows(store, "SELECT run_id, depth FROM site_pages")
    assert [depth for run_id, depth in depths if run_id == later.run_id] == [None] * 3
    assert _rows(store, "SELECT count(*) FROM graph") == [(3,)]


def test_a_site_is_one_run(store, run, begin, scanned):
    other = begin(URLS[0])
    store.write_commit(other.run_id, 1, "a", "k", [scanned(URLS[0])])
    store.write_facts(run.run_id, 1, "graph", "graph", _graph(0))
    with store.site(run.run_id, (*JUDGED, "graph", "site_pages")) as site:
        assert site.execute("FROM run").fetchall() == [(run.run_id, URLS[0], "folder", True)]
        for view, count in (("pages", 3), ("links", 3), ("graph", 1), ("site_pages", 3), ("robots", 0), ("targets", 0)):
            assert [row[0] for row in site.table(view).project("run_id").fetchall()] == [run.run_id] * count
        assert site.execute("SELECT current_setting('temp_directory')").fetchall() == [(str(store.path / "tmp"),)]
    with store.site(run.run_id, complete=False) as site:
        assert site.execute("SELECT complete FROM run").fetchall() == [(False,)]
    with store.site(other.run_id) as site:
        assert site.execute("SELECT run_id, start_url FROM run").fetchall() == [(other.run_id, None)]
        assert site.execute("SELECT count(*) FROM pages").fetchall() == [(1,)]


def test_memory_grows_with_the_pages_of_the_run(store, run, begin, scanned):
    other = begin(URLS[0])
    store.write_commit(other.run_id, 1, "a", "k", [scanned(URLS[0])])
    assert memory_for(1_000_000) - memory_for(0) == 1_000_000_000
    with store._catalogue.read() as catalogue:
        counts = [live_rows(catalogue, ("pages", "links"), runs) for runs in (None, [run.run_id], ["none"])]
    assert counts == [8, 6, 0]


def test_a_report_reads_its_tables_of_its_runs_with_little_memory(store, run, begin, scanned):
    other = begin(URLS[0])
    store.write_commit(other.run_id, 1, "a", "k", [scanned(URLS[0])])
    with connect(store.path, ("pages",), [run.run_id]) as db:
        settings = db.execute("SELECT current_setting('memory_limit'), current_setting('threads')").fetchall()
        assert settings == [("213.6 MiB", 1)]
        assert db.execute("SELECT DISTINCT run_id FROM pages").fetchall() == [(run.run_id,)]
        with pytest.raises(duckdb.InvalidInputException, match="the rows of links are read where"):
            db.execute("FROM links").fetchall()


def test_a_crawl_with_pages_left_is_not_complete(store, run):
    store.add_found(run.run_id, 1, [Found("https://e.com/new", "new")])
    with store.site(run.run_id) as site:
        assert site.execute("SELECT complete FROM run").fetchall() == [(False,)]
    store.finish_run(run.run_id, 1, RunState.COMPLETED)
    with pytest.raises(InputError):
        store.site("no such run")


@pytest.mark.usefixtures("run")
def test_a_site_shows_linked_pages_too(store, begin):
    later = begin(*URLS[:2])
    store.link_fresh(later, 3600, "r1")
    with store.site(later.run_id) as site:
        assert site.execute("SELECT DISTINCT run_id, count(*) FROM pages GROUP BY 1").fetchall() == [(later.run_id, 2)]


def test_robots_are_kept_for_a_day_and_for_all_runs(store):
    now = datetime.now(UTC)
    assert store.robots.get("https://e.com:443") is None
    first = CachedRobots(origin="https://e.com:443", status=None, reason=Reason.CONNECT_TIMEOUT, fetched_at=now)
    second = CachedRobots(
        origin="https://e.com:443", status=200, body=b"User-agent: *\n\xff", crawl_delay=2.5, fetched_at=now
    )
    for answer in (first, second):
        store.robots.keep(answer)
        assert store.robots.get("https://e.com:443") == answer
    assert store.robots.get("http://e.com:80") is None
    assert store.robots.get("https://e.com:443", max_age_s=0) is None


def test_a_crawl_delay_holds_for_everyone(store):
    def share(holder, now, **changes):
        demand = HostDemand("e.com:443", 4, 0, **{"departures": 8, "limit": 8, "spacing": 0.1} | changes)
        [answer] = store.hosts.renew(holder, [demand], now)
        return answer.first_departure, answer.departures, answer.spacing

    now = datetime.now(UTC)
    store.robots.keep(CachedRobots(origin="https://e.com", status=200, crawl_delay=0.4, fetched_at=now))
    assert share("a", 100.0) == (100.0, 2, 0.4)
    assert share("b", 100.0, departures=1, spacing=0) == (100.8, 1, 0.4)
    assert share("b", 100.0, departures=0, spacing=0) == (101.2, 0, 0.4)
    assert share("a", 200.0, spacing=1.0) == (200.0, 8, 1.0)
    store.robots.keep(CachedRobots(origin="https://e.com", status=404, fetched_at=now))
    assert share("a", 300.0, spacing=0) == (300.0, 8, 0)
    store.hosts.pause("e.com:443", 400.0)
    store.hosts.set_crawl_delay("e.com:443", 30.0)
    assert share("a", 300.0) == (400.0, 1, 30.0)


def test_every_view_is_read_from_a_fresh_connection(store, run):
    store.write_facts(run.run_id, 1, "results", "site", pl.DataFrame(
        {"page_id": [""], "url": [URLS[0]], "rule": ["orphan-page"], "outcome": ["unknown"], "why": ["incomplete"]}
    ))  # fmt: skip
    with connect(store.path) as db:
        assert db.execute("SELECT rule, outcome FROM results WHERE page_id = ''").fetchall() == [
            ("orphan-page", "unknown")
        ]


@pytest.mark.parametrize(
    ("kind", "rules"), [("scan", ["title-too-short", "robots-txt-syntax"]), ("batch", ["title-too-short"])]
)
def test_what_is_said_of_a_run_of_one_page_is_said_of_its_page(store, begin, scanned, kind, rules):
    run = begin(URLS[0], kind=kind)
    store.write_commit(run.run_id, 1, "a", "k", [scanned(URLS[0])])
    found = _issues("warning").with_columns(page_id=pl.lit(""), rule=pl.lit("robots-txt-syntax"))
    store.write_facts(run.run_id, 1, "issues", "site", found)
    assert [issue["rule"] for issue in store.page_object(run.run_id, URLS[0])["issues"]] == rules
