"""The outbox: each entry once, in order, by one sender; pushes numbered without gaps."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.store import OutboxRequest, Push


@pytest.fixture
def keys(store):
    def keys(**options):
        return [entry.key for entry in store.outbox.pending(**options)]

    return keys


@pytest.fixture
def three(store):
    store.outbox.add([OutboxRequest(key, "page/analyze.requested", {"n": key}) for key in "abc"], "run-1")


def _push(channel="private-user-ann", n=0):
    return Push(channel=channel, event="e", data={"n": n})


@pytest.mark.usefixtures("three")
def test_entries_are_added_once_and_come_in_order(store, keys):
    store.outbox.add([OutboxRequest("b", "other"), OutboxRequest("d", "other")], "run-2")
    store.outbox.add([])
    assert keys() == ["a", "b", "c", "d"]
    assert keys(limit=2) == ["a", "b"]
    first = store.outbox.pending()[0]
    assert (first.id, first.kind, first.payload, first.run_id, first.attempts) == (
        1, "page/analyze.requested", {"n": "a"}, "run-1", 0,
    )  # fmt: skip


@pytest.mark.usefixtures("three")
def test_a_postponed_entry_waits_and_counts_its_tries(store, keys):
    store.outbox.postpone("a", 2_000_000_000.0, "429")
    assert keys(now=1_999_999_999.0) == ["b", "c"]
    assert keys(now=2_000_000_000.0) == ["a", "b", "c"]
    store.outbox.postpone("a", 1.0, "503")
    assert [entry.attempts for entry in store.outbox.pending()] == [2, 0, 0]


@pytest.mark.usefixtures("three")
def test_an_end_is_final(store, keys):
    store.outbox.delivered("a")
    store.outbox.refuse("b", "channel name too long")
    assert keys() == ["c"]
    store.outbox.refuse("a", "late")
    store.outbox.delivered("b")
    store.outbox.postpone("b", 1.0, "late")
    assert store.outbox.counts() == {"pending": 1, "delivered": 1, "refused": 1, "expired": 0}
    rows = store.sql("SELECT key, state, error, attempts, delivered_at IS NOT NULL FROM outbox ORDER BY id").rows
    assert list(rows) == [
        ("a", "delivered", None, 0, True),
        ("b", "refused", "channel name too long", 0, False),
        ("c", "pending", None, 0, False),
    ]


@pytest.mark.usefixtures("three")
def test_only_what_was_never_tried_expires(store, keys):
    store.outbox.postpone("b", 1.0, "503")
    store.outbox.delivered("c")
    assert store.outbox.expire() == 0
    assert store.outbox.expire(older_than_s=-1) == 1
    assert store.outbox.expire(older_than_s=-1) == 0
    assert keys() == ["b"]
    assert store.outbox.counts() == {"pending": 1, "delivered": 1, "refused": 0, "expired": 1}


def test_one_sender_at_a_time(store):
    assert store.outbox.lease("a")
    assert not store.outbox.lease("b")
    assert store.outbox.lease("a", lease_s=-1), "it may prolong its own"
    assert store.outbox.lease("b"), "the lease was over"
    store.outbox.release("a")
    assert not store.outbox.lease("a")
    store.outbox.release("b")
    assert store.outbox.lease("a")


def test_a_sender_whose_clock_was_ahead_holds_nobody_up(store):
    assert store.outbox.lease("a", lease_s=365 * 86400)
    assert store.outbox.lease("b")
    assert not store.outbox.lease("a")


def test_pushes_are_numbered_by_channel_and_never_twice(store):
    store.notifications.push([_push(n=0), _push("private-page-p", 1), _push(n=2)], "progress:1", "run-1")
    for _ in range(2):
        store.notifications.push([_push(n=3)], "progress:2")
    found = store.outbox.pending()
    assert [(one.key, one.kind, one.run_id) for one in found] == [
        ("progress:1:0", "push", "run-1"),
        ("progress:1:1", "push", "run-1"),
        ("progress:1:2", "push", "run-1"),
        ("progress:2:0", "push", ""),
    ]
    assert found[0].payload == {
        "id": found[0].id, "sequence": 1, "channel": "private-user-ann", "event": "e", "data": {"n": 0},
    }  # fmt: skip
    assert [(one.payload["channel"], one.payload["sequence"]) for one in found] == [
        ("private-user-ann", 1),
        ("private-page-p", 1),
        ("private-user-ann", 2),
        ("private-user-ann", 3),
    ]


@pytest.mark.usefixtures("three")
def test_pushes_are_found_by_their_channel_and_after_another(store, keys):
    assert store.outbox.newest() == 3
    store.notifications.push([_push(), _push("slack-webhook/a"), _push("a%"), _push("slack-webhook/b")], "p")
    assert keys(pushes=True, channels_with="/") == ["p:1", "p:3"]
    assert keys(pushes=True, channels_with="%") == ["p:2"]
    assert keys(pushes=True, channels_with="/", after=store.outbox.pending(limit=6)[4].id) == ["p:3"]
    assert keys(after=2) == ["c", "p:0", "p:1", "p:2", "p:3"]
    assert store.outbox.newest() == max(entry.id for entry in store.outbox.pending())


def test_numbers_have_no_gap_under_threads_and_failures(store):
    def send(thread):
        for n in range(10):
            store.notifications.push([_push(n=n)], f"{thread % 4}:{n}")
            with pytest.raises(TypeError):
                store.notifications.push([_push(n=object())], f"bad {thread}:{n}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    assert [one.payload["sequence"] for one in store.outbox.pending(limit=1000)] == list(range(1, 41))
