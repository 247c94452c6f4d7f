"""The list of a run: order, rejections, chunks, pages that are still fresh."""

import dataclasses
import time
from datetime import UTC, datetime, timedelta

import pytest

from tasks.errors import InputError
from tasks.model import PageState, Reason
from tasks.store import RunSpec, RunState, Target, connect
from tasks.urls import page_id

URLS = [f"https://e.com/{n}" for n in range(7)]


def _target(url):
    return Target(url, page_id("default", url))


def test_duplicates_count_once_and_order_is_kept(store, begin):
    run = begin(*URLS, *URLS)
    assert run.total == 7
    assert store.add_targets(run, [_target(URLS[0]), _target("https://e.com/new")]) == 1
    assert [target.url for target in store.targets_of(run.run_id)] == [*URLS, "https://e.com/new"]
    assert store.get_run(run.run_id).total == 8


def test_a_rejected_line_is_a_page_with_its_reason(store, begin):
    run = begin(URLS[0])
    bad = "http://[\ud800"
    store.add_targets(run, [Target(bad, "bad1", PageState.FAILED, Reason.BAD_URL, "not a URL")])
    columns = "page_id, outcome, reason, detail, fetched_at, tries, not_indexable"
    rows = list(store.sql(f"SELECT {columns} FROM pages").rows)  # noqa: S608 - columns of our own
    assert rows == [("bad1", "failed", "bad-url", "not a URL", None, 0, "not fetched: bad-url")]
    assert store.progress(run.run_id).by_reason == {"bad-url": 1}
    assert [lease.url for lease in store.lease(run.run_id, 1, "a", 10)] == [URLS[0]]


def test_chunks_cut_the_whole_list(store, begin, scanned):
    run = begin(*URLS, size=3)
    store.write_commit(run.run_id, 1, "a", "k", [scanned(URLS[0])])
    assert [(chunk.index, chunk.total, chunk.open) for chunk in store.chunks(run.run_id)] == [
        (0, 3, 2),
        (1, 3, 3),
        (2, 1, 1),
    ]
    again = begin(*URLS, size=3)
    assert [c.key for c in store.chunks(again.run_id)] == [c.key for c in store.chunks(run.run_id)]
    other = begin(*URLS[::-1], size=3)
    assert store.chunks(other.run_id)[0].key != store.chunks(run.run_id)[0].key


def test_100_000_urls_are_added_and_cut(store):
    run = store.start_run(RunSpec(kind="batch"))
    assert store.add_targets(run, (_target(f"https://e.com/{n}") for n in range(100_000))) == 100_000
    assert store.assign_chunks(run, 500) == 200
    assert store.progress(run.run_id).pending == 100_000
    assert len(store.lease(run.run_id, 1, "a", 500, chunk=199)) == 500


@pytest.fixture
def earlier(store, begin, scanned, failed):
    """A run that completed five pages: fresh, old, of status 503, failed, and one more."""
    run = begin(*URLS[:5])
    now = datetime.now(UTC)
    pages = [
        scanned(URLS[0], fetched_at=now),
        scanned(URLS[1], fetched_at=now - timedelta(hours=2)),
        scanned(URLS[2], fetched_at=now, status=503),
        failed(URLS[3]),
        scanned(URLS[4], fetched_at=now, title="Pot"),
    ]
    store.write_commit(run.run_id, 1, "a", "k", pages)
    return store.finish_run(run.run_id, 1, RunState.COMPLETED)


def test_fresh_pages_are_shown_under_the_new_run(store, begin, earlier):
    run = begin(*URLS)
    assert store.link_fresh(run, 3600, "r1") == 2
    assert store.link_fresh(run, 3600, "r1") == 0
    progress = store.progress(run.run_id)
    assert (progress.linked, progress.completed, progress.pending) == (2, 2, 5)
    assert progress.issues == store.progress(earlier.run_id).issues | {"warning": 2}
    for table, per_page in (("pages", 1), ("issues", 1), ("links", 1), ("results", 2), ("html", 1), ("redirects", 1)):
        with connect(store.path) as db:
            rows = db.table(table).filter(f"run_id = '{run.run_id}'").aggregate("page_id, count(*)").fetchall()
        assert dict(rows) == {page_id("default", url): per_page for url in (URLS[0], URLS[4])}
    assert [lease.url for lease in store.lease(run.run_id, 1, "a", 10)] == [URLS[n] for n in (1, 2, 3, 5, 6)]


@pytest.mark.parametrize(("age", "recipe"), [(0, "r1"), (-1, "r1"), (3600, "another"), (1e-6, "r1")])
def test_nothing_is_fresh_for_another_recipe_or_no_age(store, begin, earlier, age, recipe):
    time.sleep(0.001)
    assert store.link_fresh(begin(*URLS), age, recipe) == 0
    assert earlier.total == 5


def test_links_lead_to_the_run_that_fetched(store, begin, earlier):
    second = begin(*URLS[:1])
    store.link_fresh(second, 3600, "r1")
    third = begin(*URLS[:1])
    assert store.link_fresh(third, 3600, "r1") == 1
    sources = store.sql("SELECT run_id FROM pages WHERE url = 'https://e.com/0' ORDER BY 1").rows
    assert [row[0] for row in sources] == sorted([earlier.run_id, second.run_id, third.run_id])
    assert store.page_object(third.run_id, URLS[0])["facts"]["title"] == "Tea"


def test_other_projects_pages_do_not_stand_in(store, earlier):
    run = store.start_run(RunSpec(kind="batch", project_id="other", recipe="r1"))
    store.add_targets(run, [Target(URLS[0], page_id("other", URLS[0]))])
    assert store.link_fresh(run, 3600, "r1") == 0
    assert earlier.total == 5


def test_what_was_fetched_in_the_future_is_not_fresh(store, begin, scanned):
    ahead = begin(URLS[0])
    store.write_commit(
        ahead.run_id, 1, "a", "k", [scanned(URLS[0], fetched_at=datetime.now(UTC) + timedelta(days=365))]
    )
    run = begin(URLS[0], batch_id="b2")
    assert store.link_fresh(run, 3600, "r1") == 0


def test_a_batch_gives_its_list_again(store, begin):
    run = begin(*URLS)
    store.add_targets(run, [Target("nonsense:", "bad", PageState.FAILED, Reason.BAD_URL, "why")])
    targets = store.targets_of_batch("b1")
    assert [target.url for target in targets] == [*URLS, "nonsense:"]
    assert (targets[-1].state, targets[-1].reason) == (PageState.FAILED, Reason.BAD_URL)
    with pytest.raises(InputError, match="b2"):
        store.targets_of_batch("b2")


def test_single_target_is_for_runs_of_one_page(store, begin):
    assert store.single_target(begin(URLS[0]).run_id) == (page_id("default", URLS[0]), URLS[0])
    with pytest.raises(InputError):
        store.single_target(begin(*URLS).run_id)


def test_a_page_id_of_the_callers_own_is_kept(store, scanned):
    run = store.start_run(RunSpec(kind="scan"))
    store.add_targets(run, [Target(URLS[0], "mine")])
    store.write_commit(run.run_id, 1, "a", "k", [dataclasses.replace(scanned(URLS[0]), page_id="mine")])
    assert store.page_object(run.run_id, URLS[0])["page_id"] == "mine"
