"""Notifications: written once with their pushes, read by their user alone."""

import pytest

from tasks.store import Push, connect


@pytest.fixture
def tell(store):
    def tell(key, user_id="ann", **options):
        values = {"title": "Scan complete", "message": "1 page", "type": "success", **options}
        return store.notifications.add(key=key, user_id=user_id, **values)

    return tell


def _pushed(notification):
    data = {"notification": {"id": notification.id, "title": notification.title}}
    return [Push(channel=f"private-user-{notification.user_id}", event="notification-received", data=data)]


def test_a_notification_is_added_once_with_its_pushes(tell, store):
    first = tell("k1", run_id="run-1", pushes=_pushed)
    assert tell("k1", title="Another", pushes=_pushed) == first
    assert (first.id, first.key, first.user_id, first.title, first.message, first.type, first.read, first.run_id) == (
        1, "k1", "ann", "Scan complete", "1 page", "success", False, "run-1",
    )  # fmt: skip
    [entry] = store.outbox.pending()
    assert (entry.key, entry.kind, entry.run_id) == ("k1:push:0", "push", "run-1")
    assert entry.payload == {
        "id": entry.id,
        "sequence": 1,
        "channel": "private-user-ann",
        "event": "notification-received",
        "data": {"notification": {"id": 1, "title": "Scan complete"}},
    }


def test_neither_is_written_without_the_other(tell, store):
    bad = Push(channel="c", event="e", data={"no": object()})
    with pytest.raises(TypeError):
        tell("k1", pushes=[Push(channel="c", event="e", data={}), bad])
    assert (store.notifications.list("ann"), store.outbox.pending()) == ([], [])
    tell("k1", pushes=[Push(channel="c", event="e", data={})])
    assert [entry.payload["sequence"] for entry in store.outbox.pending()] == [1]


def test_a_user_sees_the_newest_own_first(tell, store):
    for n in range(4):
        tell(f"k{n}")
    tell("bob's", "bob")
    assert [one.id for one in store.notifications.list("ann")] == [4, 3, 2, 1]
    assert [one.id for one in store.notifications.list("ann", limit=2)] == [4, 3]
    assert [one.id for one in store.notifications.list("ann", after=1, limit=2)] == [2, 3]
    assert [one.key for one in store.notifications.list("bob")] == ["bob's"]
    assert store.notifications.list("eve") == []


def test_only_its_user_marks_it_read(tell, store):
    told = [tell(f"k{n}") for n in range(3)]
    assert store.notifications.mark_read("bob", told[0].id) is None
    assert store.notifications.mark_read("ann", 99) is None
    assert store.notifications.mark_read("ann", told[0].id).read
    assert [one.id for one in store.notifications.list("ann", unread=True)] == [3, 2]
    assert store.notifications.mark_all_read("bob") == 0
    assert store.notifications.mark_all_read("ann") == 2
    assert store.notifications.list("ann", unread=True) == []


def test_any_text_is_kept(tell, store):
    told = tell("k", title="\ud800 茶", message="a\x00b'\"--")
    assert (told.title, told.message) == ("\\ud800 茶", "a\N{REPLACEMENT CHARACTER}b'\"--")
    with connect(store.path) as db:
        assert db.execute("SELECT user_id, title, type, read FROM notifications").fetchall() == [
            ("ann", "\\ud800 茶", "success", False)
        ]
