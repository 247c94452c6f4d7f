"""seo notifications and seo outbox, on a data folder of their own."""

import json

import pytest

from deployments.cli.start import needs_prefect
from tasks.events import NotificationRequested
from tasks.notify.channels import ChannelNames
from tasks.notify.telling import notify
from tasks.store import OutboxRequest, Store


@pytest.fixture
def told(tmp_path):
    """Three notifications, the second read, for local; one for ann; one request."""
    folder = tmp_path / "tea data"
    with Store.open(folder) as store:
        for number, user in enumerate(("local", "local", "local", "ann"), 1):
            event = NotificationRequested(user_id=user, title=f"Scan {number}", message="a\x1b[31m=b", type="success")
            notify(store, event, key=f"n{number}", run_id="run-1", naming=ChannelNames())
        store.notifications.mark_read("local", 2)
        store.outbox.add([OutboxRequest("r1", "page/analyze.requested", {"page_id": "1f"})])
    return folder


def listed(out):
    return [json.loads(line)["id"] for line in out.splitlines()]


def test_a_users_notifications_newest_first(seo, told):
    status, out, err = seo("notifications", "--data", told, "--format", "jsonl")
    assert (status, listed(out), err) == (0, [3, 2, 1], "")
    first = json.loads(out.splitlines()[0])
    assert list(first) == ["id", "type", "title", "message", "read", "created_at", "run_id"]
    assert (first["title"], first["type"], first["read"], first["run_id"]) == ("Scan 3", "success", False, "run-1")


@pytest.mark.parametrize(
    ("options", "ids"),
    [(["--unread"], [3, 1]), (["--limit", "1"], [3]), (["--user", "ann"], [4]), (["--user", "nobody"], [])],
)
def test_some_of_them(seo, told, options, ids):
    assert listed(seo("notifications", *options, "--data", told, "--format", "jsonl")[1]) == ids


def test_the_table_is_harmless_and_marks_what_is_new(seo, told):
    status, out, _ = seo("notifications", "--data", told)
    assert status == 0
    assert "\x1b" not in out
    assert ["new" in line for line in out.splitlines()[1:]] == [True, False, True]


def test_marked_as_read(seo, told):
    assert seo("notifications", "read", "1", "--data", told)[:2] == (0, "notification 1 marked as read\n")
    assert listed(seo("notifications", "--unread", "--data", told, "--format", "jsonl")[1]) == [3]
    assert seo("notifications", "read", "--all", "--data", told)[1] == "1 marked as read\n"
    assert listed(seo("notifications", "--unread", "--data", told, "--format", "jsonl")[1]) == []
    assert listed(seo("notifications", "--unread", "--user", "ann", "--data", told, "--format", "jsonl")[1]) == [4]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "give either an ID or --all"),
        (["1", "--all"], "give either an ID or --all"),
        (["4"], "user local has no notification 4"),
        (["one"], "one"),
    ],
)
def test_nothing_to_mark(seo, told, options, why):
    status, out, err = seo("notifications", "read", *options, "--data", told)
    assert (status, out) == (2, "")
    assert why in err


def test_what_waits_in_the_outbox(seo, told):
    status, out, _ = seo("outbox", "list", "--data", told, "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [(row["id"], row["kind"], row["about"], row["attempts"], row["next_try"]) for row in rows] == [
        *((number, "push", "private-user-local", 0, None) for number in (1, 2, 3)),
        (4, "push", "private-user-ann", 0, None),
        (5, "page/analyze.requested", "1f", 0, None),
    ]


def test_the_outbox_as_a_table_counts_what_does_not_wait(seo, told):
    with Store.open(told) as store:
        store.outbox.delivered("n1:push:0")
        store.outbox.postpone("n2:push:0", 2_000_000_000, "busy")
    status, out, err = seo("outbox", "list", "--data", told)
    assert (status, err) == (0, "4 pending, 1 delivered, 0 refused, 0 expired\n")
    assert "2033-05-18 03:33:20" in out


@pytest.mark.parametrize("command", [["notifications"], ["outbox", "list"], ["outbox", "send"]])
def test_without_results_there_is_nothing(seo, tmp_path, command):
    status, out, err = seo(*command, "--data", tmp_path / "none")
    assert (status, out) == (2, "")
    assert "no results in" in err


def test_only_sending_needs_prefect():
    assert needs_prefect(["outbox", "send", "--data", "x"])
    assert not needs_prefect(["outbox", "list"])
    assert not needs_prefect(["notifications", "read", "1"])
    assert not needs_prefect(["outbox", "send", "--help"])
