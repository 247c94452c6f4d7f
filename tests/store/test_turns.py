"""Writers of one catalogue file take turns: who waits gets it, and who waits too long is told."""

import sqlite3
import threading
from contextlib import closing

import pytest
from sqlalchemy import func, insert, select

from tasks.errors import StoreError
from tasks.store import catalogue_file
from tasks.store.catalogue import BUSY_SECONDS, execute_many, one_of, upsert
from tasks.store.catalogue_file import CatalogueFile
from tasks.store.migrations import bring_up_to_date
from tasks.store.schema import hosts

in_a_folder = pytest.mark.parametrize("place", ["folder"], indirect=True)


@pytest.fixture
def catalogue(tmp_path):
    with closing(CatalogueFile(tmp_path / "catalogue.sqlite")) as made:
        bring_up_to_date(made)
        yield made


@pytest.fixture
def other(catalogue):
    """Another program's connection, in a transaction that writes."""
    with closing(sqlite3.connect(catalogue.path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def add_host(catalogue, name):
    with catalogue.write() as connection:
        connection.execute(insert(hosts), {"host": name, "next_departure": 0, "pause_until": 0})


def hosts_of(catalogue):
    with catalogue.read() as connection:
        return set(connection.execute(select(hosts.c.host)).scalars())


@pytest.fixture
def looks(monkeypatch):
    """Set once somebody found the catalogue taken."""
    seen, is_free = threading.Event(), catalogue_file._is_free

    def looked(step):
        free = is_free(step)
        if not free:
            seen.set()
        return free

    monkeypatch.setattr(catalogue_file, "_is_free", looked)
    return seen


@pytest.mark.parametrize("line", ["there", "a folder"])
@in_a_folder
def test_who_waits_writes_when_the_others_are_done(catalogue, other, looks, line):
    if line == "a folder":  # so it cannot be had
        catalogue.path.with_name("catalogue.sqlite-line").mkdir()
    waiting = [threading.Thread(target=add_host, args=(catalogue, name)) for name in "abc"]
    for thread in waiting:
        thread.start()
    assert looks.wait(30)
    assert hosts_of(catalogue) == set()
    other.execute("COMMIT")
    for thread in waiting:
        thread.join(30)
    assert hosts_of(catalogue) == {"a", "b", "c"}


@in_a_folder
def test_who_waits_too_long_is_told_and_holds_nobody_up(catalogue, other, monkeypatch):
    monkeypatch.setattr(catalogue_file, "BUSY_SECONDS", 0.01)
    for name in "ab":
        with pytest.raises(StoreError, match=r"cannot write .*catalogue.sqlite: database is locked: check the folder"):
            add_host(catalogue, name)
    other.execute("COMMIT")
    add_host(catalogue, "c")
    assert hosts_of(catalogue) == {"c"}


@in_a_folder
def test_what_follows_a_turn_waits_as_ever(catalogue):
    with catalogue.write() as connection:
        waits = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    assert waits == 1000 * BUSY_SECONDS


def test_many_rows_are_written_as_one_by_one(store):
    rows = [{"host": f"h{n}", "next_departure": n / 2, "pause_until": float(n)} for n in range(5)]
    with store._catalogue.write() as connection:
        execute_many(connection, insert(hosts), rows)
        statement = upsert(connection, hosts)
        newer = statement.on_conflict_do_update(index_elements=["host"], set_={"pause_until": 9.0})
        connection.execute(newer, rows[:2])
    with store._catalogue.read() as connection:
        found = connection.execute(select(hosts.c.host, hosts.c.next_departure, hosts.c.pause_until)).all()
    assert sorted(map(tuple, found)) == [
        ("h0", 0.0, 9.0), ("h1", 0.5, 9.0), ("h2", 1.0, 2.0), ("h3", 1.5, 3.0), ("h4", 2.0, 4.0)
    ]  # fmt: skip


def test_one_of_any_number_of_values(store):
    names = ["a", "it's", '"b"', "ü", "c,d", "{e}", "NULL"]
    with store._catalogue.write() as connection:
        rows = [{"host": name, "next_departure": 0.0, "pause_until": 0.0} for name in names]
        execute_many(connection, insert(hosts), rows)
        for wanted in ([], ["a"], names, [*names, *(f"no{n}" for n in range(100_000))]):
            query = select(hosts.c.host).where(one_of(connection, hosts.c.host, wanted))
            assert set(connection.execute(query).scalars()) == set(wanted) & set(names)
        assert connection.execute(select(func.count()).select_from(hosts)).scalar_one() == len(names)
