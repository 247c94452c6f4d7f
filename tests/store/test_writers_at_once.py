"""Two writer processes and a reader on one folder: nothing lost, nothing twice, no reader's error."""

import importlib.util
import multiprocessing
from pathlib import Path

from tasks.store import Store, connect

PAGES = 120


def _write(path, run_id, chunk):
    spec = importlib.util.spec_from_file_location("pages_for_tests", Path(__file__).with_name("conftest.py"))
    pages_for_tests = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages_for_tests)
    with Store.open(path) as store:
        while leases := store.lease(run_id, 1, f"h{chunk}", 4, chunk=chunk):
            pages = [pages_for_tests._scanned(lease.url) for lease in leases]
            staged = store.write_commit(run_id, 1, f"h{chunk}", f"c{chunk}", pages)
            store.commit(run_id, 1, f"h{chunk}", staged)


def test_two_writers_and_a_reader(store, begin):
    run = begin(*(f"https://e.com/{n}" for n in range(PAGES)), size=PAGES // 2)
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(store.path, run.run_id, chunk)) for chunk in (0, 1)]
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
        assert store.progress(run.run_id).total == PAGES
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert next(store.sql("SELECT count(*), count(DISTINCT page_id) FROM pages").rows) == (PAGES, PAGES)
    assert store.progress(run.run_id).completed == PAGES
