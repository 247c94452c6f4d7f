"""Writer processes and a reader on one store: nothing lost, nothing twice, no reader's error."""

import multiprocessing

import pytest

from tasks.store import Store, connect

PAGES_OF_A_COMMIT = 2


def _write(folder, run_id, chunk):
    from tests.store.conftest import _scanned  # noqa: PLC0415 - in the child

    holder = f"host{chunk}/1/x"
    with Store.open(folder) as store:
        while leases := store.lease(run_id, 1, holder, PAGES_OF_A_COMMIT, chunk=chunk):
            pages = [_scanned(lease.url) for lease in leases]
            staged = store.write_commit(run_id, 1, holder, f"c{chunk}", pages)
            store.commit(run_id, 1, holder, staged)


def _check_writers(store, begin, *, folders, commits):
    """One writer for each folder, as many commits each; the store's own folder is read meanwhile."""
    total = len(folders) * commits * PAGES_OF_A_COMMIT
    run = begin(*(f"https://e.com/{n}" for n in range(total)), size=commits * PAGES_OF_A_COMMIT)
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(folder, run.run_id, n)) for n, folder in enumerate(folders)]
    for writer in writers:
        writer.start()
    seen = [0]
    while any(writer.is_alive() for writer in writers):
        with connect(store.path) as db:
            pages, distinct, links = db.execute(
                "SELECT count(*), count(DISTINCT page_id), (SELECT count(*) FROM links) FROM pages"
            ).fetchone()
        assert pages == distinct == links
        assert pages >= seen[-1]
        seen.append(pages)
        assert store.progress(run.run_id).total == total
    assert [writer.exitcode for writer in writers] == [0] * len(folders)
    assert store.progress(run.run_id).completed == total
    return total


COUNTS = "SELECT count(*), count(DISTINCT page_id), count(DISTINCT url) FROM pages"


def test_two_writers_and_a_reader(store, begin):
    total = _check_writers(store, begin, folders=[store.path] * 2, commits=30)
    assert next(store.sql(COUNTS).rows) == (total,) * 3


@pytest.mark.world
@pytest.mark.parametrize("place", ["folder", "shared"], indirect=True)
def test_four_writers_on_machines_of_their_own(store, begin, tmp_path, place):
    folders = [tmp_path / f"host{n}" if place == "shared" else store.path for n in range(4)]
    total = _check_writers(store, begin, folders=folders, commits=50)
    with connect(tmp_path / "another" if place == "shared" else store.path) as db:
        assert db.execute(COUNTS).fetchall() == [(total,) * 3]
