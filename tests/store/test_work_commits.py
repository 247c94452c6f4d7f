"""Leases and commits: every page once, whoever dies, repeats or comes late."""

import json
import sqlite3
import time

import pytest

from tasks.errors import StoreError
from tasks.model import PageState, Reason
from tasks.store import OutboxRequest, Retry, Staged
from tasks.urls import page_id

URLS = [f"https://e.com/{n}" for n in range(5)]
YEAR = time.time() + 365 * 86400


def _ids(store, run):
    rows = store.sql("SELECT run_id, url FROM pages ORDER BY url").rows
    return [url for run_id, url in rows if run_id == run.run_id]


def test_leases_come_in_order_and_once(store, begin):
    run = begin(*URLS, size=3)
    assert [lease.url for lease in store.lease(run.run_id, 1, "a", 2, chunk=0)] == URLS[:2]
    assert [lease.url for lease in store.lease(run.run_id, 1, "a", 9, chunk=0)] == URLS[2:3]
    assert store.lease(run.run_id, 1, "a", 9, chunk=0) == []
    assert [lease.url for lease in store.lease(run.run_id, 1, "b", 9)] == URLS[3:]
    assert store.progress(run.run_id).leased == 5


def test_a_chunks_next_holder_takes_over_and_three_losses_quarantine(store, begin):
    run = begin(*URLS[:2], size=1)
    for lost, holder in enumerate("abc"):
        [lease] = store.lease(run.run_id, 1, holder, 9, chunk=0)
        assert lease.leases_lost == lost
    assert store.lease(run.run_id, 1, "d", 9, chunk=0) == []
    progress = store.progress(run.run_id)
    assert (progress.quarantined, progress.pending) == (1, 1)
    rows = store.sql("SELECT url, outcome, reason, detail FROM pages").rows
    assert list(rows) == [(URLS[0], "quarantined", "leases-lost", "3 leases lost without a result")]


def test_without_a_chunk_a_lease_is_lost_when_it_is_over(store, begin):
    run = begin(URLS[0])
    store.lease(run.run_id, 1, "a", 9, now=1000.0, lease_s=120)
    assert store.lease(run.run_id, 1, "b", 9, now=1119.0) == []
    [lease] = store.lease(run.run_id, 1, "b", 9, now=1121.0)
    assert lease.leases_lost == 1


def test_renewed_leases_live_on(store, begin):
    run, now = begin(URLS[0]), time.time()
    store.lease(run.run_id, 1, "a", 9, now=now - 1000.0)
    store.renew(run.run_id, 1, "a")
    assert store.lease(run.run_id, 1, "b", 9, now=now) == []


def test_what_a_clock_that_was_ahead_leased_and_put_off_is_free(store, begin):
    run = begin(*URLS[:2])
    [first, _] = store.lease(run.run_id, 1, "a", 9, now=YEAR)
    store.commit(run.run_id, 1, "a", None, [Retry(first.page_id, 1, YEAR, Reason.RESET)])
    assert [lease.leases_lost for lease in store.lease(run.run_id, 1, "b", 9, now=1000.0)] == [1]
    assert store.next_due(run.run_id) == YEAR
    store.resume_run(run.run_id)
    assert [lease.tries for lease in store.lease(run.run_id, 2, "b", 9)] == [0]


def test_retries_wait_for_their_time(store, begin):
    run = begin(*URLS[:2])
    [first, _] = store.lease(run.run_id, 1, "a", 9, now=1000.0)
    store.commit(run.run_id, 1, "a", None, [Retry(first.page_id, 1, 1010.0, Reason.RESET)])
    assert store.next_due(run.run_id) == 1010.0
    assert store.lease(run.run_id, 1, "a", 9, now=1009.0) == []
    assert store.progress(run.run_id).retries_waiting == 1
    [again] = store.lease(run.run_id, 1, "a", 9, now=1010.0)
    assert (again.url, again.tries) == (URLS[0], 1)
    assert store.next_due(run.run_id) is None
    store.commit(run.run_id, 1, "a", None, [Retry(again.page_id, 2, 0.0)])
    assert store.progress(run.run_id).retries_waiting == 1


def test_staged_parts_are_invisible_until_committed_through_json(store, begin, scanned, failed):
    run = begin(*URLS[:2])
    staged = store.stage(run.run_id, "k", [scanned(URLS[0]), failed(URLS[1])])
    assert _ids(store, run) == []
    assert {part.table for part in staged.parts} == {
        "pages", "links", "images", "structured_data", "redirects", "issues", "results", "html",
    }  # fmt: skip
    assert all((store.path / part.path).stat().st_size == part.bytes for part in staged.parts)
    carried = Staged.from_json(json.loads(json.dumps(staged.to_json())))
    assert carried == staged
    store.commit(run.run_id, 1, "a", carried)
    assert _ids(store, run) == URLS[:2]
    progress = store.progress(run.run_id)
    assert (progress.completed, progress.failed, progress.by_reason) == (1, 1, {"dns": 1})
    assert progress.issues == {"error": 0, "warning": 1, "notice": 0}


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_pages_of_a_long_list_that_are_committed_together_lie_together(store, begin, failed):
    run = begin(*(f"https://e.com/{n}" for n in range(2000)), size=2000)
    leased = store.lease(run.run_id, 1, "a", 100, chunk=0)
    file = sqlite3.connect(store.path / "catalogue.sqlite")
    assert file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    store.write_commit(run.run_id, 1, "a", "k", [failed(lease.url) for lease in leased])
    written = file.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    file.close()
    assert written < 30  # by its key each page was in a leaf of its own, and they took 71


def test_committing_again_changes_nothing(store, begin, scanned):
    run = begin(URLS[0])
    first = store.write_commit(run.run_id, 1, "a", "k", [scanned(URLS[0])])
    store.commit(run.run_id, 1, "a", first)
    store.write_commit(run.run_id, 1, "b", "k", [scanned(URLS[0], title="Later")])
    assert _ids(store, run) == URLS[:1]
    assert list(store.sql("SELECT title FROM pages").rows) == [("Tea",)]
    assert store.progress(run.run_id).issues["warning"] == 1


def test_pages_that_another_took_over_are_left_out_of_a_late_part(store, begin, scanned):
    run = begin(*URLS[:3])
    store.lease(run.run_id, 1, "slow", 9, chunk=0)
    late = store.stage(run.run_id, "slow", [scanned(url, title="slow") for url in URLS[:3]])
    store.lease(run.run_id, 1, "next", 9, chunk=0)
    store.write_commit(run.run_id, 1, "next", "next", [scanned(URLS[1], title="next")])
    store.commit(run.run_id, 1, "next", None, [Retry(page_id("default", URLS[2]), 1, 0.0)])
    store.commit(run.run_id, 1, "slow", late)
    found = store.sql(
        "SELECT url, title, (SELECT count(*) FROM links l WHERE l.page_id = p.page_id) FROM pages p ORDER BY 1"
    )
    assert list(found.rows) == [(URLS[1], "next", 1), (URLS[2], "slow", 1)]
    assert store.progress(run.run_id).leased == 1
    assert store.page_object(run.run_id, URLS[2])["facts"]["title"] == "slow"


def test_a_page_of_no_list_is_not_stored(store, begin, scanned):
    run = begin(URLS[0])
    store.write_commit(run.run_id, 1, "a", "k", [scanned("https://e.com/unlisted")])
    assert _ids(store, run) == []


def test_the_same_key_with_other_pages_never_replaces_a_part(store, begin, scanned):
    run = begin(*URLS[:2])
    first = store.write_commit(run.run_id, 1, "a", "chunk-0-batch-0", [scanned(URLS[0])])
    second = store.write_commit(run.run_id, 1, "b", "chunk-0-batch-0", [scanned(URLS[1])])
    assert not {part.path for part in first.parts} & {part.path for part in second.parts}
    assert _ids(store, run) == URLS[:2]


def test_part_keys_are_made_safe_for_file_names(store, begin, scanned):
    run = begin(URLS[0])
    staged = store.write_commit(run.run_id, 1, "a", "../../../etc/x y=z", [scanned(URLS[0])])
    assert all(
        (store.path / part.path).parent == store.path / "facts" / part.table / run.run_id for part in staged.parts
    )


def test_html_is_kept_only_when_asked(store, begin, scanned):
    run = begin(*URLS[:2])
    store.write_commit(run.run_id, 1, "a", "k0", [scanned(URLS[0])], keep_html=False)
    store.write_commit(run.run_id, 1, "a", "k1", [scanned(URLS[1])])
    assert list(store.sql("SELECT url, body, encoding FROM html").rows) == [(URLS[1], b"<p>tea</p>\xff", "utf-8")]


def test_outbox_requests_are_sent_once(store, begin):
    run = begin(URLS[0])
    request = OutboxRequest("k1", "page/analyze", {"url": URLS[0]})
    for _ in range(2):
        store.commit(run.run_id, 1, "a", outbox=[request, OutboxRequest("k2", "other")])
    pending = store.outbox.pending(10)
    assert [(one.key, one.kind, one.payload, one.run_id) for one in pending] == [
        ("k1", "page/analyze", {"url": URLS[0]}, run.run_id),
        ("k2", "other", {}, run.run_id),
    ]
    store.outbox.delivered("k1")
    assert [one.key for one in store.outbox.pending(10)] == ["k2"]


def test_a_failed_commit_leaves_nothing(store, begin, scanned):
    run = begin(URLS[0])
    staged = store.stage(run.run_id, "k", [scanned(URLS[0])])
    with pytest.raises(TypeError):
        store.commit(run.run_id, 1, "a", staged, outbox=[OutboxRequest("k", "x", {"no": object()})])
    assert store.progress(run.run_id).completed == 0
    assert _ids(store, run) == []
    store.commit(run.run_id, 1, "a", staged)
    assert _ids(store, run) == URLS[:1]


def test_an_unwritable_part_is_reported_and_leaves_no_scrap(store, begin, scanned):
    run = begin(URLS[0])
    (store.path / "facts").mkdir(exist_ok=True)
    (store.path / "facts" / "links").touch()
    with pytest.raises(StoreError, match=r"cannot write .*links"):
        store.stage(run.run_id, "k", [scanned(URLS[0])])
    assert not list(store.path.rglob("*.tmp"))


def test_every_state_is_counted(store, begin, scanned, failed):
    run = begin(*URLS)
    store.write_commit(run.run_id, 1, "a", "k", [scanned(URLS[0]), failed(URLS[1])])
    store.lease(run.run_id, 1, "a", 2)
    progress = store.progress(run.run_id)
    assert (progress.total, progress.done, progress.leased, progress.pending) == (5, 2, 2, 1)
    assert set(progress.hosts) == {"e.com"}
    assert PageState.COMPLETED.terminal
