"""Many parts become few: the same rows for every reader, whatever dies in between."""

import duckdb
import polars as pl
import pytest
from sqlalchemy import select, text

from tasks.store import RunState, Target, UpkeepBusy, connect
from tasks.store import parts as part_files
from tasks.store.schema import parts
from tasks.store.shift import shift
from tasks.urls import page_id

TABLES = ("pages", "issues", "links", "images", "redirects", "structured_data", "results", "html")


@pytest.fixture
def fill(store, begin, scanned):
    """A run with ``parts`` commits of ``size`` pages each."""

    def fill(parts, size=2, **spec):
        run = begin(*(f"https://e.com/{n}" for n in range(parts * size)), **spec)
        for n in range(parts):
            leases = store.lease(run.run_id, 1, "h", size)
            store.write_commit(run.run_id, 1, "h", f"c{n}", [scanned(lease.url, links=3) for lease in leases])
        return store.finish_run(run.run_id, 1, RunState.COMPLETED) and run

    return fill


def rows(path):
    with connect(path) as db:
        return {table: sorted(map(repr, db.table(table).fetchall())) for table in TABLES}


def live(store, table="pages"):
    with store._catalogue.read() as connection:
        query = select(parts.c.path).where(parts.c.live, parts.c.table_name == table).order_by(parts.c.path)
        return list(connection.execute(query).scalars())


def files(store):
    return {path.relative_to(store.path).as_posix() for path in (store.path / "facts").rglob("*.*")}


def test_all_rows_are_the_same_in_fewer_parts(store, fill):
    run = fill(10)
    before = rows(store.path)
    assert len(live(store)) == 10
    done = store.upkeep.compact(above=9)
    assert (done.merged, done.made) == (10 * len(TABLES), len(TABLES))
    assert len(live(store)) == 1
    assert rows(store.path) == before
    assert store.upkeep.check() == []
    page = store.page_object(run.run_id, "https://e.com/7")
    assert (page["facts"]["title"], len(page["facts"]["links"]), len(page["issues"])) == ("Tea", 3, 1)


def test_a_table_of_few_parts_is_left_alone(store, fill):
    fill(10)
    assert store.upkeep.compact(above=10).merged == 0
    assert store.upkeep.compact().merged == 0
    assert len(live(store)) == 10


def test_merged_parts_are_merged_again_and_found_by_their_first_names(store, fill, scanned):
    run = fill(10)
    store.upkeep.compact(above=9)
    run = store.resume_run(run.run_id)
    more = [f"https://e.com/more/{n}" for n in range(10)]
    store.add_targets(run, [Target(url, page_id("default", url)) for url in more])
    for n in range(10):
        (lease,) = store.lease(run.run_id, 2, "h", 1)
        store.write_commit(run.run_id, 2, "h", f"d{n}", [scanned(lease.url)])
    store.finish_run(run.run_id, 2, RunState.COMPLETED)
    store.upkeep.compact(above=9)
    assert len(live(store)) == 1
    assert store.upkeep.check() == []
    for url in ("https://e.com/0", more[9]):
        assert store.page_object(run.run_id, url)["facts"]["title"] == "Tea"


def test_what_later_runs_show_of_a_merged_run_stays_in_sight(store, fill, begin):
    fill(10, size=1)
    store.upkeep.compact(above=9)
    later = begin("https://e.com/3", "https://e.com/4", batch_id="b2")
    assert store.link_fresh(later, 1e9, "r1") == 2
    store.finish_run(later.run_id, 1, RunState.COMPLETED)
    assert store.page_object(later.run_id, "https://e.com/3")["facts"]["title"] == "Tea"
    with connect(store.path) as db:
        shown = db.execute("SELECT count(*) FROM links WHERE run_id = ?", [later.run_id]).fetchone()
    assert shown == (6,)
    assert store.upkeep.check() == []


def test_old_parts_stay_for_their_grace_and_an_open_cursor_reads_on(store, fill):
    fill(10)
    with connect(store.path) as db:
        cursor = db.execute("SELECT url FROM links")
        first = cursor.fetchmany(1)
        old = set(live(store))
        store.upkeep.compact(above=9)
        assert store.upkeep.sweep().dead == 0
        assert old <= files(store)
        assert len(first) + len(cursor.fetchall()) == 10 * 2 * 3
    swept = store.upkeep.sweep(grace_s=0)
    assert swept.dead == 10 * len(TABLES)
    assert not old & files(store)
    assert files(store) == {path for table in TABLES for path in live(store, table)}
    assert store.upkeep.check() == []


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_the_published_views_name_no_file_that_is_deleted(store, fill):
    fill(10)
    store.publish(final=True)
    store.upkeep.compact(above=9)
    store.upkeep.sweep(grace_s=0)
    with duckdb.connect(str(store.path / "catalog.duckdb"), read_only=True) as db:
        assert db.execute("SELECT count(*) FROM pages").fetchone() == (20,)


@pytest.mark.chaos
@pytest.mark.beside
def test_killed_between_any_two_steps_readers_see_all_rows_once(store, begin, failed, deaths):
    run = begin(*(f"https://e.com/{n}" for n in range(9)))
    for lease in store.lease(run.run_id, 1, "h", 9):
        store.write_commit(run.run_id, 1, "h", "c", [failed(lease.url)])
    store.finish_run(run.run_id, 1, RunState.COMPLETED)
    before = rows(store.path)

    def work(other):
        other.upkeep.compact(above=8)
        other.upkeep.sweep(grace_s=0)

    looks = 0
    for other in deaths(store.path, work):
        looks += 1
        assert rows(other.path) == before
        assert other.upkeep.check() == []
        assert looks % 2 or len(live(other)) == 1
    assert looks >= 6


def test_a_part_replaced_meanwhile_is_not_brought_back(store, fill, monkeypatch):
    fill(10)
    stream = part_files.stream

    def meanwhile(*args, **options):
        made = stream(*args, **options)
        with store._catalogue.write() as connection:
            connection.execute(text("UPDATE parts SET live = false WHERE name LIKE 'part-c3-%'"))
        return made

    monkeypatch.setattr(part_files, "stream", meanwhile)
    assert store.upkeep.compact(above=9).made == len(TABLES) - 1
    assert {table: len(live(store, table)) for table in TABLES} == {**dict.fromkeys(TABLES, 1), "html": 9}
    assert next(store.sql("SELECT count(*), (SELECT count(*) FROM html) FROM pages").rows) == (18, 18)
    assert len([path for path in files(store) if "merged" in path]) == len(TABLES) - 1


def test_parts_that_a_step_may_replace_are_not_merged(store, fill):
    run = fill(10)
    row = pl.DataFrame({"page_id": [""], "rule": ["no-sitemap"], "severity": ["notice"]})
    store.resume_run(run.run_id)
    for n in range(10):
        store.write_facts(run.run_id, 2, "issues", f"step{n}", row)
    store.upkeep.compact(above=9)
    store.write_facts(run.run_id, 2, "issues", "step3", row.clear())
    assert next(store.sql("SELECT count(*) FROM issues WHERE rule = 'no-sitemap'").rows) == (9,)


def test_two_at_once_exclude_each_other_and_a_dead_one_only_for_a_while(store, fill):
    fill(10)
    with shift(store._catalogue), pytest.raises(UpkeepBusy, match="is at the upkeep of"):
        store.upkeep.compact(above=9)
    assert store.upkeep.compact(above=9).made == len(TABLES)
    with store._catalogue.write() as connection:
        connection.exec_driver_sql("INSERT INTO leases (name, holder, until) VALUES ('upkeep', 'dead', 0)")
    assert store.upkeep.compact(above=9).made == 0


def test_who_lost_the_lease_changes_nothing(store, fill, monkeypatch):
    fill(10)
    stream = part_files.stream

    def slowly(*args, **options):
        made = stream(*args, **options)
        with store._catalogue.write() as connection:
            connection.exec_driver_sql("UPDATE leases SET holder = 'other'")
        return made

    monkeypatch.setattr(part_files, "stream", slowly)
    with pytest.raises(UpkeepBusy, match="other is at the upkeep"):
        store.upkeep.compact(above=9)
    assert len(live(store)) == 10
