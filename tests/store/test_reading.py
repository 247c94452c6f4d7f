"""What readers see: views, the published file, page objects, SQL that cannot do harm."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import duckdb
import pytest

from tasks.errors import InputError, StoreError
from tasks.model import Behaviour, FetchFailure, HeadText, Reason, Rendered
from tasks.store import Target, catalogue_views, connect, parts
from tasks.store.catalogue_views import CATALOGUE_VIEWS
from tasks.store.columns import FACT_TABLES
from tasks.store.manual import render
from tasks.store.views import SITE_PAGES, shown_columns, shown_site_pages

VIEWS = {
    **{table.name: [(n, t) for n, t, _ in shown_columns(table)] for table in FACT_TABLES},
    **{view.name: [(shown.name, shown.dtype) for shown in view.columns] for view in CATALOGUE_VIEWS},
    SITE_PAGES: [(n, t) for n, t, _ in shown_site_pages()],
}
URLS = [f"https://e.com/{n}" for n in range(4)]


def _described(db, view):
    return [(row[0], row[1].replace('"', "")) for row in db.execute(f"DESCRIBE {view}").fetchall()]


def test_an_empty_folder_has_all_views_typed(store):
    with connect(store.path) as db:
        assert {row[0] for row in db.execute("SHOW TABLES").fetchall()} == set(VIEWS)
        for view, columns in VIEWS.items():
            assert _described(db, view) == columns
            assert db.table(view).fetchall() == []


def test_views_have_the_same_types_with_facts(store, begin, scanned):
    run = begin(*URLS)
    store.write_commit(run.run_id, 1, "a", "k", [scanned(URLS[0])])
    with connect(store.path) as db:
        for view, columns in VIEWS.items():
            assert _described(db, view) == columns


def test_what_does_not_fit_into_memory_stays_in_the_folder(store):
    for tables in (None, ["pages"]):
        with connect(store.path, tables) as db:
            assert db.execute("SELECT current_setting('temp_directory')").fetchall() == [(str(store.path / "tmp"),)]


def test_promised_columns_come_first():
    names = {view: [name for name, _ in columns] for view, columns in VIEWS.items()}
    assert names["issues"][:9] == [
        "run_id", "page_id", "url", "rule", "severity", "category", "message", "evidence", "fingerprint",
    ]  # fmt: skip
    assert names["pages"][:11] == [
        "run_id", "page_id", "url", "final_url", "status", "outcome", "reason", "depth", "fetched_at", "html_length",
        "title",
    ]  # fmt: skip
    assert names["links"][:7] == ["run_id", "source_url", "url", "text", "rel", "position", "internal"]


def test_runs_are_seen_with_times(store, begin):
    run = begin(*URLS)
    with connect(store.path) as db:
        [row] = db.execute("SELECT run_id, state, total, incomplete, finished_at, started_at FROM runs").fetchall()
    *words, started_at = row
    assert words == [run.run_id, "running", 4, False, None]
    # Seconds since the epoch as a float: DuckDB and Python round the last microsecond each in its own way.
    assert abs(started_at - run.started_at.replace(tzinfo=None)) < timedelta(milliseconds=1)


def test_parts_of_an_older_release_lack_columns(store, begin, scanned, monkeypatch):
    import polars as pl  # noqa: PLC0415 - only here

    run = begin(*URLS[:2])
    monkeypatch.setattr(parts, "_path", lambda run_id, name, table, _: f"facts/{table}/{run_id}/{name}.parquet")
    staged = store.write_commit(run.run_id, 1, "a", "k0", [scanned(URLS[0])])
    monkeypatch.undo()
    path = store.path / next(part.path for part in staged.parts if part.table == "pages")
    pl.read_parquet(path, glob=False).drop("title_px", "twitter").write_parquet(path)
    store.write_commit(run.run_id, 1, "a", "k1", [scanned(URLS[1])])
    assert list(store.sql("SELECT title, title_px FROM pages ORDER BY url").rows) == [("Tea", None), ("Tea", 30)]
    pages = list(store.iter_page_objects(run.run_id))
    assert [page["facts"]["title_px"] for page in pages] == [None, 30]


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_of_parts_with_the_same_columns_one_is_opened_for_them(store, begin, scanned):
    run = begin(*URLS[:3])
    staged = [store.write_commit(run.run_id, 1, "a", f"k{n}", [scanned(URLS[n])]) for n in range(3)]
    paths = [part.path for one in staged for part in one.parts if part.table == "pages"]
    assert len(set(map(parts.shape_of, paths))) == 1
    assert len({parts.shape_of(part.path) for part in staged[0].parts}) == len(staged[0].parts)
    (store.path / paths[1]).write_bytes(b"no Parquet")
    with connect(store.path) as db, pytest.raises(duckdb.InvalidInputException, match="too small to be a Parquet"):
        db.execute("SELECT title FROM pages").fetchall()


def test_the_largest_part_is_read_first(store, begin, scanned):
    run = begin(*URLS[:3])
    for n, links in enumerate((1, 30, 2)):
        store.write_commit(run.run_id, 1, "a", f"k{n}", [scanned(URLS[n], links=links)])
    with connect(store.path) as db:
        ((_, plan),) = db.execute("EXPLAIN SELECT url FROM links").fetchall()
        sources = db.execute("SELECT source_url FROM links").fetchall()
    assert "~90 rows" in plan
    assert list(dict.fromkeys(sources)) == [(URLS[n],) for n in (1, 0, 2)]


def test_tables_of_the_catalogue_are_copied_a_few_rows_at_a_time(store, monkeypatch):
    told = {"user_id": "ann", "message": "m", "type": "info"}
    ids = [store.notifications.add(key=f"n{n}", title=f"tea {n}", **told).id for n in range(5)]
    monkeypatch.setattr(catalogue_views, "ROWS_AT_ONCE", 2)
    slices, dumps = [], json.dumps
    monkeypatch.setattr(catalogue_views.json, "dumps", lambda value: slices.append(value) or dumps(value))
    with connect(store.path, ["notifications"]) as db:
        assert db.execute("FROM notifications SELECT id, title ORDER BY id").fetchall() == [
            (id_, f"tea {n}") for n, id_ in enumerate(ids)
        ]
    assert [len(rows) for rows in slices if "id" in rows[0] and rows[0]["id"] in ids] == [2, 2, 1]


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_published_file_holds_the_same_views(store, begin, scanned):
    run = begin(*URLS)
    store.publish()
    store.write_commit(run.run_id, 1, "a", "k", [scanned(URLS[0])])
    store.publish()
    file = store.path / "catalog.duckdb"
    with duckdb.connect(file, read_only=True) as db:
        assert db.execute("SELECT count(*) FROM pages").fetchall() == [(0,)], "published less than 30 s ago"
    store.publish(final=True)
    with duckdb.connect(file, read_only=True) as db:
        assert db.execute("SELECT url, title FROM pages").fetchall() == [(URLS[0], "Tea")]
        assert db.execute("SELECT run_id FROM runs").fetchall() == [(run.run_id,)]
        published = {name for (name,) in db.execute("SELECT table_name FROM information_schema.tables").fetchall()}
        assert set(VIEWS) - published == {"notifications", "outbox", "requests"}, "they change between runs"
        store.publish(final=True)
    assert sorted(path.name for path in store.path.iterdir() if "catalog.duckdb" in path.name) == ["catalog.duckdb"]


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_a_lost_part_is_reported(store, begin, scanned):
    run = begin(*URLS)
    staged = store.write_commit(run.run_id, 1, "a", "k", [scanned(URLS[0])])
    (store.path / staged.parts[0].path).unlink()
    for read in (
        lambda: connect(store.path),
        lambda: store.sql("FROM pages"),
        lambda: store.page_object(run.run_id, URLS[0]),
        lambda: store.publish(final=True),
    ):
        with pytest.raises(StoreError, match=staged.parts[0].name):
            read()


def test_page_object_has_the_documented_shape(store, begin, scanned):
    run = begin(*URLS)
    store.write_commit(run.run_id, 1, "a", "k", [scanned(URLS[0])])
    page = store.page_object(run.run_id, URLS[0], all_results=True)
    facts = page.pop("facts")
    assert page == {
        "run_id": run.run_id,
        "page_id": scanned(URLS[0]).page_id,
        "url": URLS[0],
        "final_url": URLS[0],
        "status": 200,
        "outcome": "completed",
        "not_modified": False,
        "reason": None,
        "redirects": [{"url": "https://e.com/old", "status": 301, "location": "/new"}],
        "rendered": None,
        "issues": [
            {
                "rule": "title-too-short",
                "severity": "warning",
                "category": "title",
                "message": "The title has 3 characters.",
                "evidence": {"length": 3, "limit": 30, "title": "Tea"},
                "fingerprint": "00112233445566ff",
            }
        ],
        "results": [
            {"rule": "title-too-short", "outcome": "fail", "why": ""},
            {"rule": "soft-404", "outcome": "not_applicable", "why": "http-200"},
        ],
    }
    expected = {
        "title": "Tea",
        "titles": ["Tea", "Second"],
        "canonicals": ["https://e.com/tea", "http://["],
        "headings": [{"level": 1, "text": ""}, {"level": 1, "text": "All tea"}, {"level": 2, "text": "Green"}],
        "images": [{"src": "pot.png", "alt": None}],
        "links": [{"url": "https://e.com/0", "text": "link 0", "rel": "nofollow", "position": "nav", "internal": True}],
        "hreflang": [{"lang": "de", "url": "https://e.com/de"}],
        "structured_data": [
            {"format": "json-ld", "type": "Product", "data": {"@type": "Product", "price": 1.5}, "errors": []},
            {"format": "json-ld", "type": None, "data": '{"@type":', "errors": ["line 1: value expected"]},
        ],
        "open_graph": {"og:title": "Tea", "og:image": "1"},
        "word_count": 7,
        "fetched_at": "2026-11-23T15:30:01.250Z",
    }
    assert {name: facts[name] for name in expected} == expected
    json.dumps(facts, allow_nan=False)


def test_pages_not_done_or_not_fetched_have_the_same_shape(store, begin, scanned, failed):
    run = begin(*URLS)
    store.write_commit(run.run_id, 1, "a", "k", [failed(URLS[1]), scanned(URLS[0])])
    pages = list(store.iter_page_objects(run.run_id))
    assert [(page["url"], page["outcome"], page["reason"]) for page in pages] == [
        (URLS[0], "completed", None),
        (URLS[1], "failed", "dns"),
        (URLS[2], "pending", None),
        (URLS[3], "pending", None),
    ]
    assert len({tuple(page) for page in pages}) == len({tuple(page["facts"]) for page in pages}) == 1
    assert pages[2]["facts"]["headings"] == []


def test_page_objects_come_in_list_order_across_parts_and_runs(store, begin, scanned, monkeypatch):
    monkeypatch.setattr("tasks.store.pages.PAGES_AT_ONCE", 2)
    first = begin(*URLS[:3])
    for key, batch in enumerate([(2, 0), (1,)]):
        store.write_commit(first.run_id, 1, "a", str(key), [scanned(URLS[n], title=f"old {n}") for n in batch])
    second = begin(*URLS[::-1])
    store.add_targets(second, [Target(URLS[0], scanned(URLS[0]).page_id)])
    store.link_fresh(second, 10**9, "r1")
    store.write_commit(second.run_id, 1, "a", "k", [scanned(URLS[3], title="new 3")])
    pages = list(store.iter_page_objects(second.run_id))
    assert [page["facts"]["title"] for page in pages] == ["new 3", "old 2", "old 1", "old 0"]
    assert {page["run_id"] for page in pages} == {second.run_id}
    assert [len(page["issues"]) for page in pages] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("[NaN, 1e999, 2]", [None, None, 2]),
        ("[" * 100_000, "[" * 100_000),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_hostile_structured_data_stays_readable(store, begin, scanned, data, value):
    from dataclasses import replace  # noqa: PLC0415 - only here

    from tasks.model import StructuredData  # noqa: PLC0415 - only here

    run = begin(URLS[0])
    page = scanned(URLS[0])
    facts = replace(page.page, structured_data=(StructuredData("json-ld", (), data),))
    store.write_commit(run.run_id, 1, "a", "k", [replace(page, page=facts)])
    [found] = store.page_object(run.run_id, URLS[0])["facts"]["structured_data"]
    assert found["data"] == value


def test_a_page_of_another_run_is_unknown(store, begin):
    run = begin(URLS[0])
    with pytest.raises(InputError, match=r"https://e\.com/3"):
        store.page_object(run.run_id, URLS[3])


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_csv('catalogue.sqlite')",
        "COPY pages TO 'facts/out.csv'",
        "EXPLAIN ANALYZE COPY pages TO 'facts/out.csv'",
        "ATTACH 'other.duckdb'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "CREATE TABLE x AS SELECT 1",
        "DROP VIEW pages",
        "DELETE FROM runs",
        "PRAGMA version",
        "SELECT 1; DROP VIEW pages",
        "WITH x AS (DELETE FROM runs RETURNING run_id) SELECT * FROM x",
        "",
        "SELEC 1",
        "SELECT nothing FROM pages",
        "SELECT CAST('x' AS INTEGER)",
    ],
)
def test_sql_that_does_more_than_read_is_refused(store, begin, query, monkeypatch):
    monkeypatch.chdir(store.path)
    begin(URLS[0])
    before = sorted(store.path.rglob("*"))
    with pytest.raises(InputError) as refused:
        list(store.sql(query).rows)
    assert "\n" not in str(refused.value)
    assert sorted(store.path.rglob("*")) == before


def test_a_table_that_the_query_hides_is_never_taken_for_empty(store, begin, scanned):
    run = begin(URLS[0])
    store.write_commit(run.run_id, 1, "a", "k", [scanned(URLS[0])])
    with pytest.raises(InputError, match="the rows of links are read where the query names it"):
        list(store.sql("FROM query('FROM lin' || 'ks')").rows)
    assert len(list(store.sql("FROM query('FROM lin' || 'ks') -- links").rows)) == 1
    with pytest.raises(InputError, match="the rows of runs are read where the query names it"):
        list(store.sql("FROM query('FROM ru' || 'ns')").rows)


def test_what_is_not_asked_is_described(store):
    query = "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
    with connect(store.path) as db:
        assert list(store.sql(query).rows) == db.execute(query).fetchall() != []


def test_sql_reads(store, begin, scanned):
    run = begin(*URLS)
    store.write_commit(run.run_id, 1, "a", "k", [scanned(URLS[0], links=2500)])
    answer = store.sql("FROM links SELECT url, internal")
    assert answer.columns == ("url", "internal")
    assert len(list(answer.rows)) == 2500
    assert next(store.sql("DESCRIBE pages").rows)[0] == "run_id"
    assert next(store.sql("SUMMARIZE pages").rows)[0] == "run_id"
    assert next(store.sql("SELECT now()").rows)


def test_columns_of_one_name_are_numbered(store):
    answer = store.sql("SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a, 5 AS b")
    assert answer.columns == ("a", "a_1", "a_1_1", "a_2", "b")
    assert list(answer.rows) == [(1, 2, 3, 4, 5)]


def test_recipes_of_the_manual_answer(store, begin, scanned):
    newest, changed = re.findall(r"```sql\n(.*?)```", render(), re.DOTALL)
    older, newer = begin(*URLS[:2]).run_id, begin(URLS[0]).run_id
    store.write_commit(older, 1, "a", "k", [scanned(url, title="Tea") for url in URLS[:2]])
    page = scanned(URLS[0], title="Green tea")
    fresh = replace(page.verdict.issues[0], fingerprint="f" * 16, rule="title-missing")
    verdict = replace(page.verdict, issues=(*page.verdict.issues, fresh))
    store.write_commit(newer, 1, "a", "k", [replace(page, verdict=verdict)])
    answer = store.sql(newest)
    url, title = map(answer.columns.index, ("url", "title"))
    assert sorted((row[url], row[title]) for row in answer.rows) == [(URLS[0], "Green tea"), (URLS[1], "Tea")]
    dated = changed.replace("20261123-153001-k3f9aa", newer).replace("20261116-153001-b7m2qd", older)
    assert [row[:2] for row in store.sql(dated).rows] == [(URLS[0], "title-missing")]


def test_manual_is_up_to_date(request):
    stored = (request.config.rootpath / "docs/data.md").read_text(encoding="utf-8")
    assert stored == render(), "run: python -m tasks.store.manual"
    documented = [doc for table in FACT_TABLES for _, _, doc in shown_columns(table)]
    assert all(doc.endswith(".") for doc in documented)
    assert len(set(VIEWS)) == 22


def test_what_a_browser_made_of_pages_stands_beside_them(store, begin, scanned):
    page = scanned(URLS[0]).page
    behaviour = Behaviour(errors=("x is not defined",), small_text=0.25, requests=7, kept_back=2, elapsed_ms=812.5)
    shown = Rendered(page=replace(page, titles=(HeadText("All our teas"),), word_count=300), behaviour=behaviour)
    late = FetchFailure(url=URLS[1], reason=Reason.DEADLINE, detail="not rendered within 30 s", elapsed_ms=30_000)
    run = begin(*URLS[:3])
    pages = [
        replace(scanned(URLS[0]), rendered=shown),
        replace(scanned(URLS[1]), rendered=late),
        scanned(URLS[2]),
    ]
    store.write_commit(run.run_id, 1, "a", "k", pages)
    columns = "url, reason, title, word_count, canonicals, robots, errors, requests, kept_back, settled, small_text"
    assert list(store.sql(f"SELECT {columns} FROM rendered ORDER BY url").rows) == [  # noqa: S608 - names of our own
        (
            URLS[0],
            None,
            "All our teas",
            300,
            ["https://e.com/tea", "http://["],
            ["googlebot: noindex, max-snippet:-1"],
            ["x is not defined"],
            7,
            2,
            True,
            0.25,
        ),
        (URLS[1], "deadline", *[None] * 9),
    ]
    first, second, third = store.iter_page_objects(run.run_id)
    assert (first["facts"]["title"], first["rendered"]["title"]) == ("Tea", "All our teas")
    assert (second["rendered"]["reason"], second["rendered"]["detail"]) == ("deadline", "not rendered within 30 s")
    assert third["rendered"] is None
