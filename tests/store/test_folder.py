"""Opening a store: fresh, by several at once, stored long ago, from the future, unusable."""

import multiprocessing
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.errors import SchemaTooNew, StoreError
from tasks.store import Found, Limits, RunSpec, Store, Target, connect, data_folder
from tasks.store.catalogue_file import CatalogueFile
from tasks.store.migrations import SCHEMA_VERSION, bring_up_to_date
from tasks.store.schema import meta
from tasks.urls import page_id

in_a_folder = pytest.mark.parametrize("place", ["folder"], indirect=True)

FOLDERS = Path(__file__).parent / "folders"
STORED_AT = datetime.fromtimestamp(1795447801.5, UTC)


def _open(path, barrier, opened):
    barrier.wait()
    with Store.open(path) as store:
        opened.put(store.store_id)


def test_three_processes_open_a_fresh_folder_at_once(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    barrier, opened = spawn.Barrier(3), spawn.Queue()
    processes = [spawn.Process(target=_open, args=(tmp_path / "new", barrier, opened)) for _ in range(3)]
    for process in processes:
        process.start()
    ids = {opened.get(timeout=120) for _ in processes}
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(ids) == 1


@in_a_folder
def test_store_id_stays_and_tells_folders_apart(tmp_path):
    with Store.open(tmp_path / "a") as a, Store.open(tmp_path / "b") as b:
        assert a.store_id != b.store_id
        first = a.store_id
    with Store.open(tmp_path / "a") as again:
        assert again.store_id == first


def test_newer_schema_is_refused_naming_both_versions(store):
    with store._catalogue.write() as connection:
        connection.execute(meta.update().values(schema_version=99))
    store.close()
    for use in (Store.open, connect):
        with pytest.raises(SchemaTooNew, match=f"schema version 99.* up to {SCHEMA_VERSION}"):
            use(store.path)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot use data folder .*file.*--data"):
        Store.open(tmp_path / "file")


def test_a_question_mark_is_refused(tmp_path):
    with pytest.raises(StoreError, match="question mark"):
        Store.open(tmp_path / "what?")


@in_a_folder
def test_something_else_named_catalogue_is_reported(tmp_path):
    (tmp_path / "catalogue.sqlite").write_text("not a database " * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(tmp_path)


def test_reading_makes_no_folder(tmp_path):
    with pytest.raises(StoreError, match="seo scan"):
        connect(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_folder_comes_from_argument_then_environment_then_default(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEO_DATA", raising=False)
    assert data_folder() == tmp_path / "data"
    monkeypatch.setenv("SEO_DATA", str(tmp_path / "env"))
    assert data_folder() == tmp_path / "env"
    assert data_folder("given") == tmp_path / "given"


@pytest.mark.parametrize("name", ["with space", "ünïcode 茶", "quote's", "brack[et]", "a*b", "50% #1&x=y"])
def test_any_folder_name_works(tmp_path, name, scanned):
    page = scanned("https://e.com/")
    with Store.open(tmp_path / name) as store:
        run = store.start_run(RunSpec(kind="scan"))
        store.add_targets(run, [Target(page.url, page.page_id)])
        store.write_commit(run.run_id, 1, "me", "k", [page])
        store.publish(final=True)
        assert list(store.sql("SELECT title FROM pages").rows) == [("Tea",)]
        assert store.page_object(run.run_id, page.url)["facts"]["title"] == "Tea"
    with connect(tmp_path / name) as db:
        assert db.execute("SELECT count(*) FROM links").fetchall() == [(1,)]


@pytest.fixture(params=sorted(folder.name for folder in FOLDERS.iterdir()))
def stored(request, tmp_path):
    """A copy of a folder as a released schema version wrote it."""
    folder = tmp_path / "stored"
    shutil.copytree(FOLDERS / request.param, folder)
    dump = folder / "catalogue.sql"
    file = sqlite3.connect(folder / "catalogue.sqlite")
    file.executescript(dump.read_text(encoding="utf-8"))
    file.close()
    dump.unlink()
    return folder


@in_a_folder
def test_stored_folder_of_each_schema_opens(stored):
    with Store.open(stored) as store:
        newest, oldest = store.list_runs()
        assert (oldest.state, oldest.total) == ("completed", 3)
        assert (newest.linked, newest.total) == (1, 1)
        page = store.page_object(newest.run_id, "https://e.com/tea")
        assert (page["facts"]["title"], page["issues"][0]["rule"]) == ("Tea", "title-too-short")
        outcomes = store.sql("SELECT outcome, reason, count(*) FROM pages GROUP BY ALL ORDER BY ALL").rows
        assert list(outcomes) == [("completed", None, 2), ("failed", "bad-url", 1), ("failed", "dns", 1)]


@in_a_folder
def test_a_crawl_begins_in_a_stored_folder(stored):
    with Store.open(stored) as store:
        run = store.start_run(RunSpec(kind="crawl", limits=Limits(5)))
        store.add_found(run.run_id, 1, [Found("https://e.com/tea", page_id("default", "https://e.com/tea"), "start")])
        assert [lease.url for lease in store.lease(run.run_id, 1, "a", 9)] == ["https://e.com/tea"]
        assert store.robots.get("https://new.example:443") is None
        with store.site(store.list_runs()[-1].run_id, ("site_pages",)) as site:
            assert site.execute("SELECT count(*), count(title) FROM site_pages").fetchall() == [(3, 1)]


@pytest.mark.parametrize("stored", ["v2", "v3"], indirect=True)
@in_a_folder
def test_a_stored_crawl_is_seen(stored):
    Store.open(stored).close()
    with connect(stored) as db:
        crawled = db.execute("SELECT start_url, limits FROM runs WHERE kind = 'crawl'").fetchall()
        assert crawled == [("https://e.com/tea", '{"max_pages": 100, "max_depth": null}')]
        assert db.execute("SELECT url, depth, inlinks FROM site_pages WHERE inlinks > 0").fetchall() == [
            ("https://e.com/tea", 0, 3)
        ]
        assert db.execute("SELECT url, status FROM targets").fetchall() == [("https://f.org/", 404)]


@in_a_folder
def test_migrated_and_fresh_schema_are_the_same(stored, tmp_path):
    def tables(path):
        file = sqlite3.connect(path)
        rows = file.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
        file.close()
        return {name: " ".join(sql.split()).replace(" ,", ",") for name, sql in rows}

    Store.open(stored).close()
    fresh = CatalogueFile(tmp_path / "fresh.sqlite")
    bring_up_to_date(fresh)
    fresh.close()
    assert tables(stored / "catalogue.sqlite") == tables(fresh.path)


@pytest.mark.parametrize("stored", ["v3"], indirect=True)
@in_a_folder
def test_who_drives_a_stored_run_is_known_unless_it_was_resumed(stored):
    file = sqlite3.connect(stored / "catalogue.sqlite")
    file.execute("UPDATE runs SET prefect_flow_run_id = 'f1'")
    file.execute("UPDATE runs SET epoch = 2 WHERE run_id = (SELECT max(run_id) FROM runs)")
    file.commit()
    file.close()
    with Store.open(stored) as store:
        known = [(run.prefect_flow_run_id, run.parent_flow_run_id) for run in store.list_runs()]
    assert known == [("f1", None), ("f1", "f1")]


@in_a_folder
def test_the_frontier_of_a_stored_folder_keeps_every_value(stored):
    file = sqlite3.connect(stored / "catalogue.sqlite")
    file.row_factory = sqlite3.Row
    before = [dict(row) for row in file.execute("SELECT * FROM frontier ORDER BY run_id, position")]
    Store.open(stored).close()
    after = [dict(row) for row in file.execute("SELECT * FROM frontier ORDER BY rowid")]
    file.close()
    assert len(after) == 4
    assert [{name: row[name] for name in old} for row, old in zip(after, before, strict=True)] == before


@pytest.mark.parametrize("stored", ["v1", "v2"], indirect=True)
@in_a_folder
def test_requests_entries_and_projects_of_a_stored_folder_are_kept(stored):
    file = sqlite3.connect(stored / "catalogue.sqlite")
    file.executescript(
        """
        INSERT INTO requests VALUES ('q1', 'run-a', 1795447801.5);
        INSERT INTO outbox (key, kind, run_id, payload, created_at, delivered_at) VALUES
            ('sent', 'notification/send', 'run-a', '{"n": 1}', 1795447801.5, 1795447802.5),
            ('waits', 'page/analyze.requested', 'run-a', '{"n": 2}', 1795447801.5, NULL);
        INSERT INTO projects VALUES ('shop', 1795447801.5), ('empty', 1795447801.5);
        UPDATE runs SET project_id = 'shop', user_id = 'ann' WHERE kind = 'batch';
        """
    )
    file.close()
    with Store.open(stored) as store:
        claim = store.requests.claim("q1", "run-b", flow="scan-page", user_id="ann")
        assert (claim.run_id, claim.first, claim.confirmed) == ("run-a", False, True)
        assert (store.requests.unconfirmed(older_than_s=-9e9), store.requests.waiting("")) == ([], 0)
        [entry] = store.outbox.pending()
        assert (entry.key, entry.payload, entry.attempts) == ("waits", {"n": 2}, 0)
        assert store.outbox.counts() == {"pending": 1, "delivered": 1, "refused": 0, "expired": 0}
        owners = {one.project_id: one.owner for one in store.projects.list()}
        assert (owners["default"], owners["empty"], owners["shop"]) == ("local", "local", "ann")
        assert store.templates.ensure_default("default", "text").version == 1
        assert store.notifications.add(key="k", user_id="u", title="t", message="m", type="info").id == 1


@pytest.mark.parametrize("stored", ["v3"], indirect=True)
@in_a_folder
def test_requests_and_what_people_were_told_are_read_from_a_stored_folder(stored):
    run_id = "20261123-153105-m2xqbb"
    with Store.open(stored) as store:
        answered, waiting = store.requests.get("e1"), store.requests.get("e2")
        assert (answered.run_id, answered.flow, answered.user_id, answered.origin) == (
            run_id,
            "batch-scan",
            "ann",
            "api",
        )
        assert answered.claimed_at == STORED_AT
        assert [one.request_id for one in store.requests.unconfirmed()] == [waiting.request_id] == ["e2"]
        assert store.requests.flow_runs(run_id) == ["f1"]
        request, push = store.outbox.pending(now=float("inf"))
        assert (request.key, request.payload, request.attempts) == ("waits", {"n": 1}, 1)
        assert request.not_before == STORED_AT.timestamp() + 60
        assert push.payload == {
            "id": push.id,
            "sequence": 1,
            "channel": "private-user-ann",
            "event": "notification-received",
            "data": {"n": 2},
        }
        (told,) = store.notifications.list("ann")
        assert (told.id, told.key, told.title, told.message, told.type, told.read, told.run_id, told.created_at) == (
            *(1, "k1", "Batch Complete", "1 page", "success", True, run_id, STORED_AT),
        )


@pytest.mark.parametrize("stored", ["v3"], indirect=True)
@in_a_folder
def test_advice_owners_and_keys_are_read_from_a_stored_folder(stored):
    run_id, tea = "20261123-153105-m2xqbb", "a78443931c48657d"
    with Store.open(stored) as store:
        (advice,) = store.recommendations.of_page(tea)
        assert (advice.run_id, advice.url, advice.title, advice.priority, advice.proposed_title) == (
            *(run_id, "https://e.com/tea", "Write a longer title", "high", "Green tea"),
        )
        assert (advice.findings, advice.rules) == (("00112233445566aa",), ("title-too-short",))
        assert (advice.source, advice.model, advice.template_version, advice.created_at) == ("llm", "m", 2, STORED_AT)
        assert [(one.version, one.name, one.text, one.active) for one in store.templates.list()] == [
            (1, "default", "Advise on {findings}", False),
            (2, "short", "{findings}", True),
        ]
        spent = store.model_ledger.spent(run_id)
        assert (spent.calls, spent.prompt_tokens, spent.completion_tokens, spent.cost) == (1, 100, 20, 0.25)
        assert store.model_ledger.claim("q", "another").text == "{}"
        assert [(one.project_id, one.owner, one.site) for one in store.projects.list()] == [
            ("default", "local", ""),
            ("shop", "ann", "https://e.com/"),
        ]
        (key,) = store.api_keys.list()
        assert (key.key_id, key.user_id, key.created_at, key.revoked_at) == ("026da21d77c5", "ann", STORED_AT, None)
        new = store.known_page("f910f5446caa19e2")
        assert (new.project_id, new.url) == ("shop", "https://e.com/new")
