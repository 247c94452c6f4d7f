"""A store of several machines: what only a database and a bucket can do, or fail at."""

import os
import sys
import threading
import time

import pytest

from tasks.errors import StoreError
from tasks.store import RunSpec, RunState, Store, catalogue_server, connect
from tasks.store.part_bucket import delete_oldest

WRITERS, COMMITS, PAGES_OF_A_COMMIT = 4, 50, 2
shared = pytest.mark.parametrize("place", [pytest.param("shared", marks=pytest.mark.world)], indirect=True)
in_a_folder = pytest.mark.parametrize("place", ["folder"], indirect=True)


@shared
def test_another_machine_sees_what_was_stored(store, begin, scanned, tmp_path):
    run = begin("https://e.com/")
    store.write_commit(run.run_id, 1, "a", "k", [scanned("https://e.com/")])
    store.publish(final=True)
    assert not (store.path / "catalog.duckdb").exists()
    with Store.open(tmp_path / "elsewhere") as other:
        assert other.store_id == store.store_id
        assert next(other.sql("SELECT title FROM pages").rows) == ("Tea",)
        assert other.html_of(run.run_id, "https://e.com/") == b"<p>tea</p>\xff"


@shared
@pytest.mark.parametrize(
    ("query", "fetched"),
    [
        ("FROM runs", set()),
        ("SHOW TABLES", set()),
        ("SELECT href FROM Links WHERE internal", {"links"}),
        ('SELECT * FROM "images" SEMI JOIN (FROM memory.main.issues) USING (page_id)', {"images", "issues"}),
        ("WITH chosen AS (FROM query('FROM ' || 'pages')) FROM chosen", {"pages"}),
        ("SELECT url FROM site_pages", {"pages"}),
        ("SUMMARIZE links", {"links"}),
    ],
)
def test_a_query_fetches_the_parts_of_what_it_names(store, begin, scanned, tmp_path, query, fetched):
    run = begin("https://e.com/", "https://e.com/2")
    for url in ("https://e.com/", "https://e.com/2"):
        store.write_commit(run.run_id, 1, "a", "k", [scanned(url)])
    with Store.open(tmp_path / "elsewhere") as other:
        assert len(list(other.sql(query).rows)) > 0
        copies = [path.relative_to(other.path / "facts").parts[0] for path in other.path.rglob("*.parquet")]
    assert sorted(copies) == sorted([*fetched] * 2)


@shared
def test_a_lost_copy_is_fetched_again_and_a_lost_part_reported(store, begin, scanned):
    import obstore  # noqa: PLC0415 - an extra

    run = begin("https://e.com/")
    staged = store.write_commit(run.run_id, 1, "a", "k", [scanned("https://e.com/")])
    lost = staged.parts[0]
    (store.path / lost.path).unlink()
    assert store.page_object(run.run_id, "https://e.com/")["facts"]["title"] == "Tea"
    (store.path / lost.path).write_bytes(b"")
    assert store.page_object(run.run_id, "https://e.com/")["facts"]["title"] == "Tea", "as a power cut leaves copies"
    (store.path / lost.path).unlink()
    obstore.delete(store._root._bucket, lost.path)
    for read in (
        lambda: connect(store.path),
        lambda: store.sql("FROM pages"),
        lambda: store.page_object(run.run_id, "https://e.com/"),
    ):
        with pytest.raises(StoreError, match=f"cannot read s3://facts/.*{lost.name}.*SEO_FACTS_URL"):
            read()


@shared
def test_copies_stay_within_their_limit_however_short_processes_live(store, begin, scanned, monkeypatch):
    monkeypatch.setenv("SEO_CACHE_GB", "0.000001")
    urls = [f"https://e.com/{n}" for n in range(4)]
    run = begin(*urls)
    for url in urls:
        for file in store.path.rglob("*"):
            os.utime(file, (time.time() - 2 * 3600,) * 2)
        with Store.open(store.path) as other:
            last = other.write_commit(run.run_id, 1, "a", "k", [scanned(url)])
            assert {path.relative_to(store.path).as_posix() for path in store.path.rglob("*.parquet")} == {
                part.path for part in last.parts
            }
    assert len(store.sql("FROM pages").columns) > 0


@shared
def test_lists_are_in_the_order_of_their_bytes(store):
    ids = ["b", "a_b", "B", "a-b", "aB", "ä", "ab"]
    for one in ids:
        store.projects.add(one, "ann")
    assert [one.project_id for one in store.projects.list("ann")] == sorted(ids)


@shared
def test_what_cannot_be_reached_is_named_without_its_password(monkeypatch, store):
    url = os.environ["SEO_CATALOGUE_URL"]
    monkeypatch.setenv("SEO_CATALOGUE_URL", "postgresql://ann:canary@127.0.0.1:1/seo?sslpassword=canary")
    with pytest.raises(StoreError, match=r"cannot read postgresql://ann@127.0.0.1:1/seo: .*SEO_CATALOGUE_URL") as error:
        Store.open(store.path)
    assert "canary" not in str(error.value)
    monkeypatch.setenv("SEO_CATALOGUE_URL", url)
    monkeypatch.setenv("SEO_FACTS_URL", "s3://no-such-bucket/x")
    with (
        Store.open(store.path) as other,
        pytest.raises(StoreError, match=r"write s3://no-such-bucket/x/.*NoSuchBucket"),
    ):
        other._root.add("facts/pages/r/part-1.parquet", lambda file: file.write(b"x"))
    assert not list(store.path.rglob("*.parquet"))


@shared
def test_a_database_that_is_away_for_a_moment_is_waited_for(servers, tmp_path, monkeypatch):
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(servers.database, autocommit=True) as admin:
        admin.execute("CREATE DATABASE away")

        def let_in(allowed):
            admin.execute(f"ALTER DATABASE away ALLOW_CONNECTIONS {allowed}")
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'away'")

        monkeypatch.setenv("SEO_CATALOGUE_URL", servers.database.replace("/postgres", "/away"))
        with Store.open(tmp_path) as store:
            run = store.start_run(RunSpec(kind="batch"))
            let_in("false")
            with pytest.raises(StoreError, match="not currently accepting connections"):
                Store.open(tmp_path)
            back = threading.Timer(1, let_in, ["true"])
            back.start()
            assert store.get_run(run.run_id) == run
            back.join()
            let_in("false")
            monkeypatch.setattr(catalogue_server, "AWAY_SECONDS", 0.5)
            with pytest.raises(StoreError, match="not currently accepting connections"):
                store.finish_run(run.run_id, 1, RunState.COMPLETED)


@in_a_folder
@pytest.mark.parametrize(
    ("catalogue", "facts", "said"),
    [
        ("", "s3://b/x", "SEO_FACTS_URL is set without SEO_CATALOGUE_URL"),
        ("mysql://ann:canary@h/db", "", "names no database of PostgreSQL: write postgresql://"),
        ("postgresql://ann:canary@h", "", "names no database of PostgreSQL: write postgresql://"),
        ("postgresql://ann:canary@h:port/db", "", "SEO_CATALOGUE_URL is no URL"),
        ("canary", "", "SEO_CATALOGUE_URL is no URL"),
        ("postgresql://h/db", "gs://b/x", "gs://b/x cannot be used for facts: write s3://bucket/prefix"),
        ("postgresql://h/db", "s3://", "s3: cannot be used for facts: write s3://bucket/prefix"),
        ("postgresql://h/db", "/srv/facts", "/srv/facts cannot be used for facts: write s3://bucket/prefix"),
    ],
)
def test_addresses_that_are_none_are_refused(monkeypatch, tmp_path, catalogue, facts, said):
    monkeypatch.setenv("SEO_CATALOGUE_URL", catalogue)
    monkeypatch.setenv("SEO_FACTS_URL", facts)
    with pytest.raises(StoreError) as error:
        Store.open(tmp_path)
    assert said in str(error.value)
    assert "canary" not in str(error.value)


@in_a_folder
@pytest.mark.parametrize(("module", "extra"), [("psycopg", "postgresql"), ("obstore.store", "s3")])
def test_a_missing_extra_is_named(monkeypatch, tmp_path, module, extra):
    monkeypatch.setenv("SEO_CATALOGUE_URL", "postgresql://h/db")
    monkeypatch.setenv("SEO_FACTS_URL", "s3://b/x")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StoreError, match=rf"install seo-scan\[{extra}\]"):
        Store.open(tmp_path)


@in_a_folder
def test_copies_unused_longest_are_deleted_first(tmp_path):
    for n, (size, age) in enumerate([(10, 500), (10, 300), (10, 400), (10, 0)]):
        (tmp_path / f"{n}.parquet").write_bytes(b"x" * size)
        os.utime(tmp_path / f"{n}.parquet", (time.time() - age,) * 2)
    delete_oldest(tmp_path, 20, time.time() - 100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.parquet", "3.parquet"]
    delete_oldest(tmp_path, 0, time.time() - 100)
    assert [path.name for path in tmp_path.iterdir()] == ["3.parquet"], "it may be open"
