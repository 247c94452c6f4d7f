"""A local store moves to a database and a bucket: whole, once, and taken up where it was broken off."""

import os
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from tasks.errors import InputError, StoreError
from tasks.store import CachedRobots, Push, RunSpec, RunState, Store, Target, connect
from tasks.store.moving import move
from tasks.store.part_bucket import PartBucket
from tasks.store.schema import METADATA, projects
from tests.world.facts import TABLES

pytestmark = [
    pytest.mark.world,
    pytest.mark.parametrize("place", ["shared"], indirect=True),
]
FETCHED_AT = datetime(2026, 11, 23, tzinfo=UTC)
URLS = [f"https://e.com/{n}" for n in range(6)]


@contextmanager
def at_home():
    """Without the variables."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("SEO_CATALOGUE_URL")
        environment.delenv("SEO_FACTS_URL")
        yield


@pytest.fixture
def local(tmp_path, place, scanned):  # noqa: ARG001 - the variables are set first
    """A folder with a run of three commits, half done."""
    folder = tmp_path / "local"
    with at_home(), Store.open(folder) as store:
        run = store.start_run(RunSpec(kind="batch", run_id="half", batch_id="b"))
        pages = [scanned(url) for url in URLS]
        store.add_targets(run, [Target(page.url, page.page_id) for page in pages])
        store.assign_chunks(run, 10)
        for n in range(3):
            store.write_commit(run.run_id, 1, "a", f"k{n}", [pages[n]])
        push = Push(channel="c", event="e", data={})
        for n in range(3):
            store.notifications.add(key=f"n{n}", user_id="ann", title="t", message="m", type="info", pushes=[push])
        store.finish_run(run.run_id, 1, RunState.INTERRUPTED)
        store.robots.keep(CachedRobots(origin="https://e.com:443", status=200, body=b"\0\xff", fetched_at=FETCHED_AT))
        with store._catalogue.write() as connection:  # as releases before the rule did
            connection.execute(insert(projects), {"project_id": "a\0b", "created_at": 1.5, "owner": "ann", "site": "ü"})
    return folder


def everything(connection):
    return {table.name: connection.execute(select(table)).all() for table in METADATA.sorted_tables}


def seen(folder, table):
    with connect(folder) as db:
        return sorted(db.execute(f"FROM {table}").fetchall(), key=str)


def test_all_is_there_and_the_run_goes_on(local, tmp_path, scanned):
    with at_home():
        before = {table: seen(local, table) for table in TABLES}
        with Store.open(local) as store, store._catalogue.read() as connection:
            rows = everything(connection)
            store_id = store.store_id
    files = sorted(local.rglob("*.parquet"))
    said = []
    moved = move(local, said.append)
    assert (moved.files, moved.rows) == (len(files), sum(map(len, rows.values())))
    assert "seo@127.0.0.1" in moved.catalogue
    assert sorted(local.rglob("*.parquet")) == files
    with Store.open(tmp_path / "another") as store:
        assert store.store_id == store_id
        with store._catalogue.read() as connection:
            there = everything(connection)
        rows["projects"] = [(name.replace("\0", "\ufffd"), *rest) for name, *rest in rows["projects"]]
        assert {name: sorted(map(tuple, found), key=str) for name, found in there.items()} == {
            name: sorted(map(tuple, found), key=str) for name, found in rows.items()
        }
        assert {table: seen(store.path, table) for table in TABLES} == before
        run = store.resume_run("half")
        leases = store.lease(run.run_id, run.epoch, "b", 10, chunk=0)
        assert [lease.url for lease in leases] == URLS[3:]
        store.write_commit(run.run_id, run.epoch, "b", "k", [scanned(url) for url in URLS[3:]])
        assert store.progress("half").completed == 6
        assert store.notifications.add(key="n", user_id="ann", title="t", message="m", type="info").id == 4
    again = move(local, said.append)
    assert (again.rows, again.files) == (None, 0), "it is there already, and went on"


def test_the_folder_is_not_used_by_mistake(local):
    move(local, lambda _: None)
    with at_home():
        for use in (Store.open, connect):
            with pytest.raises(StoreError, match=r"went to postgresql://.* and s3://.*: set SEO_CATALOGUE_URL and"):
                use(local)
        (local / "moved-to").unlink()
        with Store.open(local) as store:
            assert store.progress("half").completed == 3


def test_what_was_broken_off_is_taken_up(local, monkeypatch):
    sent, put = [], PartBucket._put

    def break_off(self, relative):
        if len(sent) == 5:
            raise StoreError("the line is cut")
        sent.append(relative)
        put(self, relative)

    monkeypatch.setattr("tasks.store.part_bucket.AT_ONCE", 1)
    monkeypatch.setattr(PartBucket, "_put", break_off)
    with pytest.raises(StoreError, match="the line is cut"):
        move(local, lambda _: None)
    assert not (local / "moved-to").exists()
    monkeypatch.setattr(PartBucket, "_put", put)
    moved = move(local, lambda _: None)
    assert moved.files == len(list(local.rglob("*.parquet"))) - 5


def test_another_store_is_never_overwritten(local, tmp_path):
    with Store.open(tmp_path / "opened only"):
        pass
    with Store.open(tmp_path / "used") as store:
        store.projects.add("shop", "bob")
    with pytest.raises(InputError, match="holds another store, with rows in projects: name an empty database"):
        move(local, lambda _: None)
    with Store.open(tmp_path / "used") as store:
        assert [one.project_id for one in store.projects.list("bob")] == ["shop"]
        with store._catalogue.write() as connection:
            connection.execute(projects.delete().where(projects.c.project_id == "shop"))
    assert move(local, lambda _: None).rows


def test_nobody_at_work_is_left_behind(local):
    with at_home(), Store.open(local) as store:
        run = store.resume_run("half", parent_pid=os.getppid())
    with pytest.raises(InputError, match="run half is being worked on"):
        move(local, lambda _: None)
    with at_home(), Store.open(local) as store:
        store.resume_run("half")
        store.lease("half", 3, "a", 1, chunk=0)
    with pytest.raises(InputError, match="run half is being worked on"):
        move(local, lambda _: None)
    with at_home(), Store.open(local) as store:
        assert store.release("half", 3, "a") == 1
    assert move(local, lambda _: None).rows
    assert run.epoch == 2


def test_a_folder_that_was_gone_on_with_is_not_called_moved(local):
    assert move(local, lambda _: None).rows
    (local / "moved-to").unlink()
    assert move(local, lambda _: None).rows is None, "as where it was killed before it left its mark"
    (local / "moved-to").unlink()
    with at_home(), Store.open(local) as store:
        store.finish_run("half", store.resume_run("half").epoch, RunState.INTERRUPTED)
    with pytest.raises(InputError, match=r"went on: run half is not there, or not as far\. Name an empty database"):
        move(local, lambda _: None)
    with at_home(), Store.open(local) as store:
        assert store.get_run("half").epoch == 2


def test_a_damaged_file_is_named(local):
    lost = next(local.rglob("*.parquet"))
    lost.write_bytes(b"")
    with pytest.raises(StoreError, match=f"{lost.name} is not the file that was stored: restore it"):
        move(local, lambda _: None)


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"no store in .*: name its folder with --data"):
        move(tmp_path, lambda _: None)
    monkeypatch.delenv("SEO_CATALOGUE_URL")
    monkeypatch.delenv("SEO_FACTS_URL")
    with pytest.raises(InputError, match=r"set SEO_CATALOGUE_URL=postgresql://.* and SEO_FACTS_URL=s3://"):
        move(tmp_path, lambda _: None)
