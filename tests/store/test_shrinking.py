"""The catalogue's file gives back what is free, where nothing is in the way."""

import sqlite3
from contextlib import closing

import pytest

from tasks.store import shrinking
from tasks.store.shift import shift

pytestmark = pytest.mark.parametrize("place", ["folder"], indirect=True)


@pytest.fixture
def catalogue(store, monkeypatch):
    """Its file, with half a megabyte free in it, which is much."""
    monkeypatch.setattr(shrinking, "FREE_BYTES", 100_000)
    with store._catalogue.write() as connection:
        connection.exec_driver_sql("CREATE TABLE filler AS SELECT zeroblob(500000) AS room")
    with store._catalogue.write() as connection:
        connection.exec_driver_sql("DROP TABLE filler")
    store.upkeep.after_run("none")
    return store.path / "catalogue.sqlite"


def _free_pages(path):
    with closing(sqlite3.connect(path)) as file:
        return file.execute("PRAGMA freelist_count").fetchone()[0]


def test_what_is_free_is_given_back(store, catalogue):
    assert _free_pages(catalogue) > 100
    store.upkeep.sweep()
    assert _free_pages(catalogue) == 0
    assert catalogue.stat().st_size < 500_000


def test_beside_a_writer_it_stays_and_upkeep_goes_on(store, catalogue, caplog):
    with shift(store._catalogue) as mine, closing(sqlite3.connect(catalogue, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert not shrinking.shrink(mine)
        writer.execute("ROLLBACK")
    assert caplog.messages == ["catalogue.sqlite stays as large as it is: database is locked"]
    assert _free_pages(catalogue) > 100
