"""A page whatever the run."""

import pytest
from sqlalchemy import event

from tasks.errors import InputError, UnknownPage
from tasks.store import RunSpec, RunState, Target
from tasks.urls import page_id

URL = "https://e.com/tea"
ID = page_id("default", URL)


@pytest.fixture
def scan(store, scanned):
    """A run that is done with the page, or has it still to do."""

    def scan(title=None, *, keep_html=True):
        run = store.start_run(RunSpec(kind="scan"))
        store.add_targets(run, [Target(URL, ID)])
        if title:
            store.write_commit(run.run_id, 1, "a", "k", [scanned(URL, title=title)], keep_html=keep_html)
            store.finish_run(run.run_id, 1, RunState.COMPLETED)
        return run.run_id

    return scan


def test_a_page_is_known_once_registered(store):
    assert store.known_page(ID) is None
    assert store.register_page("default", URL) == ID
    assert store.register_page("default", URL) == ID
    known = store.known_page(ID)
    assert (known.page_id, known.project_id, known.url, known.last_run_id) == (ID, "default", URL, "")
    assert store.register_page("other", URL) != ID


def test_a_registered_page_is_scanned_like_any(store, scan):
    store.register_page("default", URL)
    run_id = scan("Tea")
    assert store.known_page(ID).last_run_id == run_id
    store.register_page("default", URL)
    assert store.known_page(ID).last_run_id == run_id
    fresh = store.start_run(RunSpec(kind="batch"))
    store.add_targets(fresh, [Target(URL, ID)])
    assert store.link_fresh(fresh, 1e9, "") == 1


def test_a_registered_page_stands_in_for_nothing(store):
    store.register_page("default", URL)
    run = store.start_run(RunSpec(kind="batch"))
    store.add_targets(run, [Target(URL, ID)])
    assert store.link_fresh(run, 1e9, "") == 0


def test_the_latest_page_is_of_the_newest_run_that_is_done_with_it(store, scan):
    store.register_page("default", URL)
    with pytest.raises(UnknownPage, match=ID):
        store.latest_page(ID)
    first = scan("First")
    second = scan("Second")
    scan()
    assert store.latest_page(ID)["facts"]["title"] == "Second"
    assert store.latest_page(ID) == store.page_object(second, URL)
    assert store.latest_page(ID, first)["facts"]["title"] == "First"
    with pytest.raises(InputError):
        store.latest_page("0" * 16, first)


def test_a_page_not_done_yet_is_its_latest(store, scan):
    run_id = scan()
    found = store.latest_page(ID)
    assert (found["run_id"], found["outcome"], found["facts"]["title"]) == (run_id, "pending", None)


def test_kept_html_is_found_also_where_a_later_run_shows_it(store, scan):
    run_id = scan("Tea")
    assert store.html_of(run_id, ID) == b"<p>tea</p>\xff"
    later = store.start_run(RunSpec(kind="batch"))
    store.add_targets(later, [Target(URL, ID)])
    store.link_fresh(later, 1e9, "")
    assert store.html_of(later.run_id, ID) == b"<p>tea</p>\xff"
    assert store.html_of(scan("Tea", keep_html=False), ID) is None
    assert store.html_of(scan(), ID) is None
    with pytest.raises(InputError):
        store.html_of(run_id, "0" * 16)


def test_runs_of_a_batch_come_newest_first(store, begin):
    ids = [begin(URL).run_id for _ in range(3)]
    begin(URL, batch_id="other")
    assert [run.run_id for run in store.runs_of_batch("b1")] == ids[::-1]
    assert store.runs_of_batch("none") == []


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_a_page_is_found_without_looking_through_its_run(store, scan):
    run_id, asked = scan("Tea"), []
    event.listen(
        store._catalogue._reader, "before_cursor_execute", lambda _, __, sql, given, *___: asked.append((sql, given))
    )
    for named in (ID, URL):
        assert store.page_object(run_id, named)["facts"]["title"] == "Tea"
        assert store.html_of(run_id, named) == b"<p>tea</p>\xff"
    with store._catalogue.read() as connection:
        plans = [
            step
            for sql, given in list(asked)
            for *_, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)
            if "frontier" in step
        ]
    assert len(plans) == 4
    assert all("(page_id=?" in step for step in plans)
