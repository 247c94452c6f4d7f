"""What is wrong with a data folder is found and named, with what to do."""

import re

import duckdb
import pytest
from sqlalchemy import text

from tasks.store import RunState


@pytest.fixture
def run(store, begin, scanned):
    run = begin("https://e.com/a", "https://e.com/b")
    for lease in store.lease(run.run_id, 1, "h", 2):
        store.write_commit(run.run_id, 1, "h", "c", [scanned(lease.url, links=200)])
    return store.finish_run(run.run_id, 1, RunState.COMPLETED)


def change(store, statement):
    with store._catalogue.write() as connection:
        connection.execute(text(statement))


def file_of(store, run, table="links"):
    return min((store.path / "facts" / table / run.run_id).iterdir())


def test_a_sound_folder_has_no_problem(store, run):
    assert run.total == 2
    assert store.upkeep.check() == []


@pytest.mark.parametrize("place", ["folder"], indirect=True)
@pytest.mark.parametrize(
    ("harm", "what"),
    [
        (lambda file: file.unlink(), "is missing"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "bytes, the catalogue says"),
        (lambda file: file.write_bytes(b"x" * file.stat().st_size), "cannot be read: "),
    ],
)
def test_a_harmed_part_is_named_with_the_remedy(store, run, harm, what):
    file = file_of(store, run)
    harm(file)
    (problem,) = store.upkeep.check()
    assert problem.what.startswith(f"{file.relative_to(store.path).as_posix()} ")
    assert what in problem.what
    assert "put the file back from a backup" in problem.remedy
    assert f"`seo store prune --run {run.run_id}`" in problem.remedy
    store.upkeep.remove(run.run_id)
    assert store.upkeep.check() == []


@pytest.mark.parametrize("place", [pytest.param("shared", marks=pytest.mark.world)], indirect=True)
@pytest.mark.parametrize(
    ("content", "what"), [(None, r"is missing in s3://facts/\w+$"), (b"x", "has 1 bytes, the catalogue says")]
)
def test_a_part_that_is_harmed_in_the_bucket_is_told_whatever_copy_there_is(store, run, content, what):
    import obstore  # noqa: PLC0415 - an extra

    part = file_of(store, run).relative_to(store.path).as_posix()
    if content is None:
        obstore.delete(store._root._bucket, part)
    else:
        obstore.put(store._root._bucket, part, content)
    (problem,) = store.upkeep.check()
    assert re.search(f"^{part} {what}", problem.what)
    assert "put the file back from a backup, or from the folder of a machine that has a copy" in problem.remedy


@pytest.mark.parametrize("place", [pytest.param("shared", marks=pytest.mark.world)], indirect=True)
@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(b"x" * file.stat().st_size),
    ],
)
def test_a_harmed_copy_is_fetched_anew(store, run, harm):
    file = file_of(store, run)
    whole = file.read_bytes()
    harm(file)
    assert store.upkeep.check() == []
    assert file.read_bytes() == whole


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_all_parts_are_read_over_one_connection(store, run, monkeypatch):
    made, connect = [], duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda *given, **named: made.append(connect(*given, **named)) or made[-1])
    assert store.upkeep.check() == []
    assert (len(made), run.total) == (1, 2)
    for table in ("links", "html"):
        file_of(store, run, table).write_bytes(b"x" * file_of(store, run, table).stat().st_size)
    assert ["cannot be read" in problem.what for problem in store.upkeep.check()] == [True, True]


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_values_that_cannot_be_read_are_found_behind_a_good_footer(store, run):
    file = file_of(store, run)
    content = bytearray(file.read_bytes())
    content[100:400] = b"\xff" * 300
    file.write_bytes(content)
    (problem,) = store.upkeep.check()
    assert "cannot be read" in problem.what


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE frontier SET state = 'failed' WHERE url LIKE '%/a'", "1 pages whose state is not that of the facts"),
        ("DELETE FROM frontier WHERE url LIKE '%/a'", "1 pages with facts and no state"),
        ("UPDATE parts SET live = false WHERE table_name = 'pages'", "2 pages without facts"),
        ("UPDATE frontier SET part = NULL WHERE url LIKE '%/a'", "1 pages that ended without facts"),
        ("UPDATE frontier SET source_run_id = 'x' WHERE url LIKE '%/a'", "1 pages whose facts should be in run x"),
        ("UPDATE frontier SET source_run_id = 'x' WHERE url LIKE '%/a'", "of earlier runs that readers do not see"),
        ("UPDATE runs SET total = 3", "total is 3, the pages say 2"),
        ("UPDATE runs SET warnings = 7", "warnings is 7, the pages say 2"),
        ("UPDATE frontier SET warnings = 2", "2 warnings are stored of its pages, their states say 4"),
        ("UPDATE parts SET rows = 9 WHERE table_name = 'links'", "has 200 rows, the catalogue says 9"),
        (
            "UPDATE parts SET merged_into = 'gone', live = false WHERE table_name = 'html'",
            "parts merged into one that is",
        ),
    ],
)
def test_catalogue_and_facts_that_disagree_are_told(store, run, statement, what):
    change(store, statement)
    found = [problem for problem in store.upkeep.check() if what in problem.what]
    assert found
    assert all(problem.remedy for problem in found)
    assert run.run_id in found[0].what


@pytest.mark.parametrize("place", ["folder"], indirect=True)
@pytest.mark.parametrize("table", ["pages", "outbox_work"])
def test_a_damaged_catalogue_is_told(store, run, table):
    with store._catalogue.write() as connection:
        query = f"SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = '{table}'"  # noqa: S608 - of the test
        page, size = connection.exec_driver_sql(query).one()
    store.upkeep.sweep()
    store.close()
    with (store.path / "catalogue.sqlite").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    (problem,) = store.upkeep.check()
    assert problem.what.startswith(f"{store.path / 'catalogue.sqlite'} is damaged: ")
    assert "from a backup" in problem.remedy
    assert run.total == 2


def test_a_running_run_is_not_counted(store, begin, scanned):
    run = begin("https://e.com/a", "https://e.com/b")
    (lease, _) = store.lease(run.run_id, 1, "h", 2)
    store.write_commit(run.run_id, 1, "h", "c", [scanned(lease.url)])
    change(store, "UPDATE runs SET total = 5")
    assert store.upkeep.check() == []
