import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.notify.channels import ChannelNames
from tasks.notify.messages import MAX_DATA_BYTES, READ_HERE, Letter, Unsendable, letter, message
from tasks.store import PendingRequest

PRIVATE, PUBLIC = ChannelNames(), ChannelNames(public=True)


def pending(channel="private-user-ann", event="notification-received", data=None, **changes):
    payload = {"id": 7, "sequence": 3, "channel": channel, "event": event, "data": {} if data is None else data}
    values = {"key": "k", "kind": "push", "run_id": "r", "created_at": datetime.now(UTC), "id": 7, "attempts": 0}
    return PendingRequest(**{**values, "payload": payload, **changes})


def note(text):
    return {"notification": {"id": 1, "title": "Scan Complete", "message": text}}


def test_names_are_private_unless_told_otherwise():
    assert [PRIVATE.user("ann"), PRIVATE.page("1f"), PRIVATE.project("p")] == [
        "private-user-ann",
        "private-page-1f",
        "private-project-p",
    ]
    assert [PUBLIC.user("ann"), PUBLIC.page("1f"), PUBLIC.project("p")] == ["user-ann", "page-1f", "project-p"]


@pytest.mark.parametrize(
    ("names", "channel", "whose"),
    [
        (PRIVATE, "private-user-ann", ("user", "ann")),
        (PRIVATE, "private-user-a-b", ("user", "a-b")),
        (PRIVATE, "private-page-1f", ("page", "1f")),
        (PRIVATE, "private-project-p", ("project", "p")),
        (PRIVATE, "user-ann", None),
        (PRIVATE, "private-user-", None),
        (PRIVATE, "private-user", None),
        (PRIVATE, "private-users-ann", None),
        (PRIVATE, "private-encrypted-user-ann", None),
        (PRIVATE, "presence-user-ann", None),
        (PUBLIC, "user-ann", ("user", "ann")),
        (PUBLIC, "private-user-ann", None),
    ],
)
def test_whose_a_channel_is(names, channel, whose):
    assert names.whose(channel) == whose


def test_a_message_carries_its_id_and_its_channels_number():
    sent = message(pending(data={"page_id": "1f"}, event="analysis-complete"))
    assert sent.for_pusher() == {
        "channel": "private-user-ann",
        "name": "analysis-complete",
        "data": '{"page_id":"1f","id":7,"sequence":3}',
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"channel": ""}, "characters that Pusher refuses"),
        ({"channel": "private-user-ann smith"}, "characters that Pusher refuses"),
        ({"channel": "private-user-\n"}, "characters that Pusher refuses"),
        ({"channel": "private-user-é"}, "characters that Pusher refuses"),
        ({"channel": "x" * 165}, "longer than 164 characters"),
        ({"event": ""}, "must have 1 to 200 characters"),
        ({"event": "x" * 201}, "must have 1 to 200 characters"),
        ({"data": [1]}, "needs data by name"),
        ({"channel": "slack-webhook/alerts"}, "no Pusher channel"),
        ({"channel": "../x"}, "no type-slug/name"),
    ],
)
def test_what_no_server_takes_is_not_sent(changes, why):
    with pytest.raises(Unsendable, match=why):
        message(pending(**changes))


def test_the_longest_channel_is_sent():
    assert message(pending(channel="x" * 164, event="e" * 200)).channel == "x" * 164


@given(st.text(max_size=30_000))
def test_every_notification_fits_and_stays_whole_where_it_can(text):
    data = note(text)
    sent = message(pending(data=data)).data
    assert len(sent.encode("utf-8", "surrogatepass")) <= MAX_DATA_BYTES
    whole = json.dumps({**data, "id": 7, "sequence": 3}, ensure_ascii=False, separators=(",", ":"))
    received = json.loads(sent)
    assert (received["id"], received["sequence"]) == (7, 3)
    assert received["notification"]["title"] == "Scan Complete"
    if len(whole.encode("utf-8", "surrogatepass")) <= MAX_DATA_BYTES:
        assert sent == whole
    else:
        assert received["notification"]["truncated"] is True


@pytest.mark.parametrize("text", ["a" * 30_000, "é" * 20_000, "🙂" * 9_000, '"\\' * 9_000, "\x00" * 5_000])
def test_a_long_text_is_cut_as_late_as_possible(text):
    sent = message(pending(data=note(text))).data
    shown = json.loads(sent)["notification"]["message"]
    assert MAX_DATA_BYTES - 12 < len(sent.encode()) <= MAX_DATA_BYTES
    assert shown.endswith(f"… ({READ_HERE})")
    assert text.startswith(shown.removesuffix(f"… ({READ_HERE})"))


def test_a_long_text_becomes_a_link_where_there_is_an_address():
    shown = json.loads(message(pending(data=note("a" * 20_000)), "https://seo.example/app/").data)["notification"]
    assert shown["url"] == "https://seo.example/app/notifications"
    assert shown["message"].endswith("a…")


@pytest.mark.parametrize(
    ("public_url", "where"),
    [("https://seo.example", {"url": "https://seo.example/notifications"}), ("", {"message": READ_HERE})],
)
def test_other_content_that_is_too_large_becomes_a_pointer(public_url, where):
    sent = message(pending(data={"titles": ["x" * 100] * 200}), public_url)
    assert json.loads(sent.data) == {"truncated": True, **where, "id": 7, "sequence": 3}


def test_data_of_exactly_the_limit_is_sent_whole():
    empty = len(json.dumps({"text": "", "id": 7, "sequence": 3}, separators=(",", ":")))
    at_limit, over = ("x" * (MAX_DATA_BYTES - empty + more) for more in (0, 1))
    assert json.loads(message(pending(data={"text": at_limit})).data)["text"] == at_limit
    assert "text" not in json.loads(message(pending(data={"text": over})).data)


def test_a_block_gets_a_letter():
    request = pending(channel="slack-webhook/alerts", data=note("page 1"))
    assert letter(request) == Letter("slack-webhook/alerts", "Scan Complete", "page 1")
    assert letter(request, "https://seo.example").body == "page 1\nhttps://seo.example/notifications"
    with pytest.raises(Unsendable, match="no name of a block"):
        letter(pending(data=note("page 1")))
