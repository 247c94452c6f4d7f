"""What is old goes, but for what younger runs show of it; nothing that anybody still needs."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from tasks.errors import InputError, UnknownRun
from tasks.model import EarlierFacts, PageState, Verdict
from tasks.store import RunSpec, RunState, Target, connect, retention
from tasks.urls import page_id

DAY = 86400.0


@pytest.fixture
def scan(store, begin, scanned):
    """A finished run over pages, ``age`` days old."""

    def scan(*names, age=0.0, state=RunState.COMPLETED, **spec):
        urls = [f"https://e.com/{name}" for name in names]
        run = begin(*urls, **{"batch_id": f"b-{names}-{age}", **spec})
        while leases := store.lease(run.run_id, 1, "h", 2):
            pages = [scanned(lease.url, fetched_at=datetime.now(UTC)) for lease in leases]
            direct = [replace(page, answer=replace(page.answer, hops=())) for page in pages]
            store.write_commit(run.run_id, 1, "h", "c", direct)
        if state is not RunState.RUNNING:
            store.finish_run(run.run_id, 1, state)
        return grow_old(store, run.run_id, age)

    return scan


def grow_old(store, run_id, days):
    with store._catalogue.write() as connection:
        for column in ("started_at", "finished_at", "last_commit_at"):
            connection.exec_driver_sql(f"UPDATE runs SET {column} = {column} - {days * DAY} WHERE run_id = '{run_id}'")  # noqa: S608 - of the test
    return store.get_run(run_id)


def pages_in_sight(store):
    with connect(store.path) as db:
        return sorted(db.execute("SELECT run_id, url FROM pages JOIN links USING (run_id, page_id) ").fetchall())


def states(store):
    with store._catalogue.read() as connection:
        return sorted(map(tuple, connection.exec_driver_sql("SELECT run_id, url FROM frontier")))


def test_old_runs_go_with_all_that_is_theirs(store, scan):
    old, young = scan("a", "b", "c", age=91), scan("d", age=89)
    done = store.upkeep.prune(90 * DAY)
    assert (done.removed, done.reduced, done.kept) == ((old.run_id,), (), ())
    assert [run.run_id for run in store.list_runs()] == [young.run_id]
    assert {run_id for run_id, _ in states(store)} == {young.run_id}
    with connect(store.path) as db:
        for table in ("pages", "html", "issues", "links", "results"):
            assert db.execute(f"SELECT DISTINCT run_id FROM {table}").fetchall() == [(young.run_id,)]  # noqa: S608
    store.upkeep.sweep(grace_s=0)
    assert {path.parent.name for path in (store.path / "facts").rglob("*.parquet")} == {young.run_id}
    assert store.upkeep.check() == []


def test_what_younger_runs_show_is_kept_and_nothing_else_of_the_old_run(store, scan, begin):
    old = scan("a", "b", "c", "d", "e", age=91)
    young = begin("https://e.com/b", "https://e.com/e")
    store.link_fresh(young, 365 * DAY, "r1")
    store.finish_run(young.run_id, 1, RunState.COMPLETED)
    shown = store.page_object(young.run_id, "https://e.com/e")
    done = store.upkeep.prune(90 * DAY)
    assert (done.removed, done.reduced) == ((), (old.run_id,))
    assert store.page_object(young.run_id, "https://e.com/e") == shown
    assert store.html_of(young.run_id, "https://e.com/b") == b"<p>tea</p>\xff"
    left = store.get_run(old.run_id)
    assert (left.total, left.incomplete, left.incomplete_reason) == (
        2,
        True,
        "pruned: left are the pages that later runs show",
    )
    assert store.progress(old.run_id).issues == {"error": 0, "warning": 2, "notice": 0}
    expected = [(run.run_id, f"https://e.com/{name}") for run in (old, young) for name in "be"]
    assert states(store) == sorted(expected)
    with connect(store.path) as db:
        for table in ("pages", "html"):
            rows = db.execute(f"SELECT run_id, url FROM {table} ORDER BY ALL").fetchall()  # noqa: S608 - of the test
            assert rows == sorted(expected)
    store.upkeep.sweep(grace_s=0)
    assert store.upkeep.check() == []
    assert store.upkeep.prune(90 * DAY).reduced == ()


def test_a_reduced_run_goes_when_nobody_shows_it_any_more(store, scan, begin):
    old = scan("a", "b", age=91)
    young = begin("https://e.com/b")
    store.link_fresh(young, 365 * DAY, "r1")
    store.finish_run(young.run_id, 1, RunState.COMPLETED)
    assert store.upkeep.prune(90 * DAY).reduced == (old.run_id,)
    grow_old(store, young.run_id, 91)
    assert store.upkeep.would_prune(90 * DAY).removed == (young.run_id, old.run_id)
    assert store.upkeep.prune(90 * DAY).removed == (young.run_id, old.run_id)
    assert states(store) == []
    store.upkeep.sweep(grace_s=0)
    assert not list((store.path / "facts").rglob("*.parquet"))


def test_a_pruned_run_is_not_taken_for_whole(store, scan, begin):
    interrupted = scan("a", "b", age=91, state=RunState.INTERRUPTED)
    crawl = scan("c", "d", age=91, start_url="https://e.com/")
    later = scan("c", age=1, start_url="https://e.com/")
    with store._catalogue.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET kind = 'crawl' WHERE start_url IS NOT NULL")
    for url in ("https://e.com/b", "https://e.com/d"):
        young = begin(url, batch_id="young")
        assert store.link_fresh(young, 365 * DAY, "r1") == 1
        store.finish_run(young.run_id, 1, RunState.COMPLETED)
    assert set(store.upkeep.prune(90 * DAY).reduced) == {interrupted.run_id, crawl.run_id}
    assert store.find_unfinished(interrupted.batch_id) is None
    assert [run_id for run_id, _ in store.ended_crawls("default", "https://e.com/")] == [later.run_id]
    for use in (
        lambda: store.resume_run(interrupted.run_id),
        lambda: store.resume_run(crawl.run_id),
        lambda: store.targets_of_batch(interrupted.batch_id),
    ):
        with pytest.raises(InputError, match="was pruned to the pages that later runs show: begin a new one"):
            use()
    ended = store.finish_run(interrupted.run_id, 1, RunState.CANCELLED, incomplete_reason="cancelled")
    assert ended.is_pruned
    assert store.upkeep.check() == []


def test_what_only_a_reduced_run_showed_goes_with_it(store, scan, begin, scanned):
    oldest = scan("a", "b", age=100)
    old = begin("https://e.com/b", "https://e.com/c")
    assert store.link_fresh(old, 365 * DAY, "r1") == 1
    (lease,) = store.lease(old.run_id, 1, "h", 2)
    store.write_commit(old.run_id, 1, "h", "c", [scanned(lease.url, fetched_at=datetime.now(UTC))])
    store.finish_run(old.run_id, 1, RunState.COMPLETED)
    grow_old(store, old.run_id, 95)
    young = begin("https://e.com/c")
    assert store.link_fresh(young, 365 * DAY, "r1") == 1
    store.finish_run(young.run_id, 1, RunState.COMPLETED)
    told, done = store.upkeep.would_prune(90 * DAY), store.upkeep.prune(90 * DAY)
    assert told == done
    assert (done.removed, done.reduced) == ((oldest.run_id,), (old.run_id,))
    assert states(store) == sorted((run.run_id, "https://e.com/c") for run in (old, young))


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_many_runs_are_planned_with_as_many_queries_as_few(store, scan):
    asked = []
    for runs in (1, 5):
        for n in range(runs):
            scan(f"a{n}", age=91)
        with store._catalogue.read() as connection:
            event.listen(connection, "before_cursor_execute", lambda *given: asked.append(given[2]))
            assert len(retention.plan(connection, time.time() - 90 * DAY).old) == runs + (runs > 1)
    assert len(asked) == 2 * len(set(asked))


def test_pages_not_modified_since_are_kept_too(store, scan, begin, scanned):
    old = scan("a", "b", age=91)
    young = begin("https://e.com/a", batch_id="b2")
    (lease,) = store.lease(young.run_id, 1, "h", 1)
    known = store.earlier_pages(young.run_id, "r1", [lease.page_id])[lease.page_id].facts
    assert isinstance(known, EarlierFacts)
    store.write_commit(young.run_id, 1, "h", "n", [replace(scanned(lease.url), earlier=known)])
    store.finish_run(young.run_id, 1, RunState.COMPLETED)
    assert store.upkeep.prune(90 * DAY).reduced == (old.run_id,)
    assert store.page_object(young.run_id, "https://e.com/a")["facts"]["title"] == "Tea"
    assert store.upkeep.check() == []


def test_runs_that_are_running_are_never_old_and_hold_back_what_they_may_show(store, scan):
    running = scan("a", age=500, state=RunState.RUNNING)
    old = scan("a", "b", age=400)
    other = scan("a", "b", age=400, recipe="r2")
    done = store.upkeep.prune(0)
    assert done.removed == (other.run_id,)
    assert [kept.run_id for kept in done.kept] == [old.run_id]
    assert f"run {running.run_id} of its project counts as running" in done.kept[0].why
    store.finish_run(running.run_id, 1, RunState.INTERRUPTED)
    assert set(store.upkeep.prune(0).removed) == {old.run_id, running.run_id}


def test_a_page_pruned_while_it_is_known_is_fetched_in_full_again(store, scan, begin):
    scan("a", age=91)
    store.upkeep.prune(90 * DAY)
    young = begin("https://e.com/a", batch_id="b2")
    assert store.earlier_pages(young.run_id, "r1", [page_id("default", "https://e.com/a")]) == {}
    assert store.link_fresh(young, 1e9, "r1") == 0


def test_the_last_crawl_of_a_site_stays_whole(store):
    crawls = []
    for age in (300, 200, 100):
        spec = RunSpec(kind="crawl", recipe="r1", start_url="https://e.com/")
        run = store.start_run(spec)
        store.add_targets(run, [Target("https://e.com/", "p1", PageState.FAILED)])
        store.finish_run(run.run_id, 1, RunState.COMPLETED)
        crawls.append(grow_old(store, run.run_id, age).run_id)
    done = store.upkeep.prune(90 * DAY)
    assert set(done.removed) == set(crawls[:2])
    assert [(kept.run_id, kept.why) for kept in done.kept] == [
        (crawls[2], "the last crawl of its site: the next one is compared with it")
    ]


def test_what_would_go_is_told_and_stays(store, scan):
    old = scan("a", age=91)
    assert store.upkeep.would_prune(90 * DAY).removed == (old.run_id,)
    assert store.get_run(old.run_id).total == 1


def test_one_run_can_be_removed_by_name(store, scan, begin):
    first, second = scan("a"), scan("b")
    young = begin("https://e.com/a", batch_id="b2")
    store.link_fresh(young, 1e9, "r1")
    with pytest.raises(InputError, match=f"run {young.run_id} is running"):
        store.upkeep.remove(young.run_id)
    with pytest.raises(InputError, match="counts as running"):
        store.upkeep.remove(second.run_id)
    store.finish_run(young.run_id, 1, RunState.COMPLETED)
    with pytest.raises(InputError, match=f"pages of it are shown by {young.run_id}; remove those first"):
        store.upkeep.remove(first.run_id)
    store.upkeep.remove(second.run_id)
    with pytest.raises(UnknownRun):
        store.get_run(second.run_id)
    assert store.upkeep.check() == []


def test_records_of_runs_that_are_gone_go_when_they_are_old(store, scan):
    old, young = scan("a", age=91), scan("b")
    for run in (old, young):
        store.notifications.add(key=run.run_id, user_id="u", title="t", message="m", type="info", run_id=run.run_id)
        store.requests.claim(f"q-{run.run_id}", run.run_id, flow="scan-page", user_id="u")
    store.model_ledger.claim("k", "h")
    store.model_ledger.answer("k", "h", "text", "m")
    reserved = {"cap_run": None, "cap_day": None}
    store.model_ledger.reserve(key="k", run_id=old.run_id, page_id="p", amount=1.0, **reserved)
    with store._catalogue.write() as connection:
        for table, column in (
            ("notifications", "created_at"),
            ("requests", "claimed_at"),
            ("model_answers", "created_at"),
            ("pages", "last_fetched_at"),
        ):
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = {time.time() - 91 * DAY}")  # noqa: S608 - of the test
    assert store.upkeep.prune(90 * DAY).records == 4
    assert [told.run_id for told in store.notifications.list("u")] == [young.run_id]
    assert store.requests.get(f"q-{old.run_id}") is None
    assert store.requests.get(f"q-{young.run_id}").run_id == young.run_id
    assert store.model_ledger.spent(old.run_id).reserved == 1.0
    assert store.known_page(page_id("default", "https://e.com/a")) is None
    assert store.known_page(page_id("default", "https://e.com/b")).last_run_id == young.run_id


def test_records_of_the_last_days_stay_whatever_is_kept(store, scan):
    run = scan("a", age=2)
    store.notifications.add(key="n", user_id="u", title="t", message="m", type="info", run_id=run.run_id)
    done = store.upkeep.prune(0)
    assert (done.removed, done.records) == ((run.run_id,), 0)
    assert len(store.notifications.list("u")) == 1


def test_leftovers_go_after_a_day_and_cached_results_with_their_runs(store, scan):
    run = scan("a")
    folder = store.path / "facts" / "pages" / run.run_id
    (known,) = folder.iterdir()
    orphan, stray = folder / "part-x.parquet", folder / ".part-y.1.tmp"
    gone = store.path / "facts" / "links" / "gone" / "part-z.parquet"
    result, spilled = store.path / "results" / "scan-v1" / "chunk", store.path / "tmp" / "duckdb_temp_storage-0.tmp"
    beside = store.path / ".catalog.duckdb.0a1b"
    paths = (orphan, stray, gone, result, spilled, beside)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    assert store.upkeep.sweep(keep_s=90 * DAY).bytes == 0
    assert all(path.exists() for path in paths)
    for path in (*paths, known):
        os.utime(path, (time.time() - 25 * 3600,) * 2)
    swept = store.upkeep.sweep(keep_s=DAY)
    assert (swept.orphans, swept.temporary, swept.results, swept.dead, swept.bytes) == (2, 3, 1, 0, 30)
    assert not any(path.exists() for path in paths)
    assert not gone.parent.exists()
    assert known.exists()
    assert store.upkeep.check() == []


def test_lists_of_killed_batches_go_after_a_week(store):
    old, young = (store.path / "lists" / name for name in ("old.csv", "young.csv"))
    old.parent.mkdir()
    for path, age in ((old, 8), (young, 6)):
        path.write_bytes(b"12345")
        os.utime(path, (time.time() - age * DAY,) * 2)
    swept = store.upkeep.sweep()
    assert (swept.temporary, swept.bytes) == (1, 5)
    assert not old.exists()
    assert young.exists()


@pytest.mark.chaos
@pytest.mark.beside
def test_killed_between_any_two_steps_it_is_right_and_goes_on(store, begin, scanned, deaths):
    def scan(*names, age):
        run = begin(*(f"https://e.com/{name}" for name in names), batch_id=names[0])
        pages = [scanned(lease.url) for lease in store.lease(run.run_id, 1, "h", 9)]
        bare = [replace(page, answer=replace(page.answer, hops=()), page=None, verdict=Verdict()) for page in pages]
        store.write_commit(run.run_id, 1, "h", "c", bare)
        store.finish_run(run.run_id, 1, RunState.COMPLETED)
        return grow_old(store, run.run_id, age)

    old, gone = scan("a", "b", "c", age=91), scan("f", "g", age=91)
    young = begin("https://e.com/b")
    store.link_fresh(young, 365 * DAY, "r1")
    store.finish_run(young.run_id, 1, RunState.COMPLETED)
    shown = store.page_object(young.run_id, "https://e.com/b")

    def work(other):
        other.upkeep.prune(90 * DAY)
        other.upkeep.sweep(grace_s=0)

    looks = 0
    for other in deaths(store.path, work):
        looks += 1
        assert other.page_object(young.run_id, "https://e.com/b") == shown
        with connect(other.path) as db:
            counts = dict(db.execute("SELECT run_id, count(*) FROM pages GROUP BY run_id").fetchall())
        assert counts[old.run_id] in {1, 3}
        assert counts.get(gone.run_id, 2) == 2
        assert other.upkeep.check() == []
        if looks % 2 == 0:
            assert {run.run_id for run in other.list_runs()} == {old.run_id, young.run_id}
            assert len(states(other)) == 2
    assert looks >= 6
