"""The sender with a real store and a loopback server: nothing lost, nothing out of order, nothing secret told."""

import asyncio
import time
from unittest.mock import AsyncMock

import pytest

from blocks import PusherChannel
from tasks.errors import InputError
from tasks.events import BatchProgressed, NotificationRequested
from tasks.notify import sender as sending
from tasks.notify.channels import ChannelNames
from tasks.notify.messages import Letter
from tasks.notify.outcomes import backoff
from tasks.notify.pusher_client import PusherClient
from tasks.notify.sender import Sender, Sent, Ways
from tasks.notify.telling import broadcast_analysis, broadcast_progress, notify
from tasks.store import OutboxRequest, Push
from tests.notify.conftest import SECRET

NAMES = ChannelNames()


@pytest.fixture
def told():
    return []


@pytest.fixture
def send(store, pusher, told):
    async def send(channel=None, lease_s=60, seconds=10, **ways):
        async with PusherClient((channel or pusher.channel()).get_client, seconds) as client:
            made = Ways(pusher=client, **ways)
            return await Sender(store, made, holder="one", tell=told.append, lease_s=lease_s).run()

    return send


@pytest.fixture
def at_once(monkeypatch):
    """Postponed entries are due again at once."""
    monkeypatch.setattr("tasks.notify.deliver.backoff", lambda _: -1.0)
    monkeypatch.setattr(sending, "backoff", lambda _: -1.0)


def tell(store, number=1, user="ann", naming=NAMES, message=None):
    event = NotificationRequested(
        user_id=user, title="Scan Complete", message=message or f"page {number}", type="success"
    )
    return notify(store, event, key=f"note-{number}", run_id="run-1", naming=naming)


def push(store, number, channel="private-user-ann"):
    store.notifications.push([Push(channel=channel, event="e", data={"n": number})], key_prefix=f"push-{number}")


def numbers(pusher):
    return [data["n"] for data in pusher.data()]


def ends(store):
    return {state: count for state, count in store.outbox.counts().items() if count}


async def test_a_notification_is_kept_and_pushed_once(store, pusher, send):
    first, again = tell(store), tell(store)
    assert first == again
    assert await send() == Sent(delivered=1)
    assert await send() == Sent()
    [[event]] = pusher.batches
    assert (event["channel"], event["name"]) == ("private-user-ann", "notification-received")
    [data] = pusher.data()
    assert data["notification"] == {
        "id": first.id,
        "user_id": "ann",
        "title": "Scan Complete",
        "message": "page 1",
        "type": "success",
        "read": False,
        "created_at": first.created_at.isoformat(),
        "run_id": "run-1",
    }
    assert data["sequence"] == 1


async def test_broadcasts_go_to_the_page_and_the_project(store, pusher, send):
    progressed = BatchProgressed(
        project_id="shop",
        user_id="ann",
        batch_id="b1",
        run_id="run-1",
        total_pages=10,
        done=4,
        failed=1,
        status="in-progress",
    )
    for _ in range(2):  # each once, whatever a retry does
        broadcast_analysis(store, page_id="1f", count=3, status="complete", key="a", naming=ChannelNames(public=True))
        broadcast_progress(store, progressed, key="p", naming=NAMES)
    assert (await send()).delivered == 2
    [batch] = pusher.batches
    assert [(event["channel"], event["name"]) for event in batch] == [
        ("page-1f", "analysis-complete"),
        ("private-project-shop", "batch-progress"),
    ]
    analysed, stands = pusher.data()
    assert analysed == {
        "page_id": "1f",
        "recommendation_count": 3,
        "status": "complete",
        "id": analysed["id"],
        "sequence": 1,
    }
    assert stands == {**progressed.model_dump(mode="json"), "id": stands["id"], "sequence": 1}


async def test_events_leave_in_order_in_batches_of_ten(store, pusher, send):
    for number in range(23):
        push(store, number, f"private-user-{number % 3}")
    assert (await send()).delivered == 23
    assert [len(batch) for batch in pusher.batches] == [10, 10, 3]
    assert numbers(pusher) == list(range(23))
    assert [data["sequence"] for data in pusher.data()] == [number // 3 + 1 for number in range(23)]


async def test_a_busy_server_is_left_alone_as_long_as_it_asks(store, pusher, send, told):
    for number in range(12):
        push(store, number)
    pusher.answer = lambda _: (429, {"Retry-After": "120"}, "slow down")
    assert await send() == Sent(postponed=10)
    assert len(pusher.batches) == 1
    waits = [request.not_before - time.time() for request in store.outbox.pending(now=float("inf"))]
    assert all(115 < wait <= 120 for wait in waits[:10])
    assert "Pusher answers 429: slow down" in told[0]
    # The two behind are due, and wait behind the others all the same.
    assert await send() == Sent()
    assert len(pusher.batches) == 1


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    "answer",
    [
        (429, {}, "busy"),
        (500, {}, "<h1>oops</h1>"),
        (503, {"Retry-After": "0"}, ""),
        (401, {}, "unknown auth_key"),
        (403, {}, "app disabled"),
        (404, {}, "no such app"),
        (302, {"Location": "https://elsewhere.example/"}, ""),
        (200, {}, '{"error": "Too many requests", "code": 429}'),
        (200, {}, '{"error": "odd", "code": "x"}'),
        (200, {}, "<html>please log in</html>"),
        (200, {}, "[]"),
        (200, {}, "x" * 100_000),
    ],
)
async def test_what_passes_is_tried_again(store, pusher, send, answer):
    tell(store)
    answers = [answer, (200, {}, "{}")]
    pusher.answer = lambda _: answers.pop(0)
    assert await send() == Sent(delivered=1, postponed=1)
    assert len(pusher.batches) == 2
    assert ends(store) == {"delivered": 1}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((400, {}, "bad name"), "Pusher refuses it: 400: bad name"),
        ((413, {}, ""), "Pusher refuses it: 413: "),
        ((200, {}, '{"error": "bad data", "code": 400}'), "Pusher refuses it: 400: bad data"),
    ],
)
async def test_one_event_the_server_refuses_spoils_no_other(store, pusher, send, told, answer, why):
    for number in range(10):
        push(store, number)
    pusher.answer = lambda batch: answer if any('"n":4' in event["data"] for event in batch) else (200, {}, "{}")
    assert await send() == Sent(delivered=9, refused=1)
    assert ends(store) == {"delivered": 9, "refused": 1}
    assert told == [f"push-4:0 cannot be sent: {why}"]
    assert await send() == Sent()


async def test_what_the_server_stumbles_over_holds_others_up_for_a_day_at_most(store, pusher, send, told, monkeypatch):
    pusher.answer = lambda batch: (500 if any('"n":1' in event["data"] for event in batch) else 200, {}, "{}")
    push(store, 1)
    assert await send() == Sent(postponed=1)
    now = time.time()
    monkeypatch.setattr("tasks.store.outbox.time.time", lambda: now + 86401)
    push(store, 2)
    assert await send() == Sent(postponed=1, refused=1)
    assert told[1] == "push-1:0 cannot be sent: given up after 2 tries: Pusher answers 500: {}"
    monkeypatch.setattr("tasks.store.outbox.time.time", lambda: now + 86411)
    assert await send() == Sent(delivered=1)
    assert ends(store) == {"delivered": 1, "refused": 1}


async def test_what_cannot_be_sent_is_refused_before_anything_is_sent(store, pusher, send, told):
    push(store, 1, "private-user-ann smith")
    push(store, 2, "x" * 165)
    push(store, 3)
    assert await send() == Sent(delivered=1, refused=2)
    assert numbers(pusher) == [3]
    assert [line.partition(":0 ")[0] for line in told] == ["push-1", "push-2"]


async def test_nobody_there(store, send, told, free_tcp_port):
    tell(store)
    gone = PusherChannel(app_id="1", key="k", secret=SECRET, host="127.0.0.1", port=free_tcp_port, ssl=False)
    assert await send(gone) == Sent(postponed=1)
    assert told[0].endswith("Pusher cannot be reached: Connection refused")
    [waiting] = store.outbox.pending(now=float("inf"))
    assert waiting.attempts == 1
    assert 0 < waiting.not_before - time.time() < 4


async def test_a_name_that_no_server_can_have(store, send, told):
    tell(store)
    nowhere = PusherChannel(app_id="1", key="k", secret=SECRET, host=f"{'a' * 64}.example")
    assert await send(nowhere) == Sent(postponed=1)
    assert told[0].endswith("Pusher cannot be reached: UnicodeError")


async def test_a_server_that_says_nothing(store, pusher, send, told):
    tell(store)
    pusher.answer = lambda _: time.sleep(0.5) or (200, {}, "{}")
    assert await send(seconds=0.1) == Sent(postponed=1)
    assert told[0].endswith("Pusher does not answer in time")


async def test_secrets_are_told_to_nobody(store, pusher, send, told, caplog):
    caplog.set_level(0)
    tell(store)
    pusher.answer = lambda _: (401, {}, f"wrong secret {SECRET}")
    await send()
    [waiting] = store.outbox.pending(now=float("inf"))
    shown = [*told, caplog.text, repr(pusher.channel()), repr(waiting), *pusher.queries]
    assert not [text for text in shown if SECRET in text]
    assert "auth_signature" not in caplog.text
    assert "wrong secret ********" in told[0]


async def test_one_sender_at_a_time(store, pusher, send):
    tell(store)
    assert store.outbox.lease("another", 60)
    assert await send() == Sent()
    assert pusher.batches == []
    store.outbox.release("another")
    assert await send() == Sent(delivered=1)


async def test_a_dead_senders_lease_ends(store, send):
    tell(store)
    assert store.outbox.lease("another", 0.05)
    await asyncio.sleep(0.1)
    assert await send() == Sent(delivered=1)


async def test_what_is_added_meanwhile_is_sent_by_who_is_at_it(store, pusher, send):
    tell(store, 1)

    def answer(_):
        if len(pusher.batches) == 1:
            tell(store, 2)
        return 200, {}, "{}"

    pusher.answer = answer
    assert await send() == Sent(delivered=2)


@pytest.mark.parametrize("kind", ["push", "request"])
async def test_what_is_added_at_the_last_moment_is_sent_too(store, send, monkeypatch, kind):
    release, late = store.outbox.release, []

    def add_and_release(holder):
        if not late:
            late.append(tell(store, 2) if kind == "push" else request(store, "late"))
            assert not store.outbox.lease("another")
        release(holder)

    monkeypatch.setattr(store.outbox, "release", add_and_release)
    assert await send(hand_on=AsyncMock()) == Sent(delivered=1)
    assert ends(store) == {"delivered": 1}


async def test_old_entries_are_counted_once_and_never_sent(store, pusher, send, told, monkeypatch):
    tell(store, 1)
    now = time.time()
    monkeypatch.setattr("tasks.store.outbox.time.time", lambda: now + 86401)
    tell(store, 2)
    assert await send() == Sent(delivered=1, expired=1)
    assert told == ["1 outbox entries older than 24 h were not sent"]
    assert [data["notification"]["message"] for data in pusher.data()] == ["page 2"]


async def test_old_pushes_that_nobody_configured_a_way_for_are_no_news(store, told, monkeypatch):
    tell(store, 1)
    store.outbox.add([OutboxRequest("k1", "notification/send", {})])
    now = time.time()
    monkeypatch.setattr("tasks.store.outbox.time.time", lambda: now + 86401)
    ways = Ways(hand_on=AsyncMock())
    assert await Sender(store, ways, holder="me", tell=told.append).run() == Sent(expired=2)
    assert told == ["1 outbox entries older than 24 h were not sent"]


async def test_without_ways_nothing_is_touched(store, told):
    tell(store)
    assert await Sender(store, Ways(), holder="one", tell=told.append).run() == Sent()
    assert (ends(store), told) == ({"pending": 1}, [])


def request(store, key, kind="notification/send"):
    store.outbox.add([OutboxRequest(key, kind, {"n": key})])


async def test_requests_are_handed_on_oldest_first(store, send):
    for key in ("a", "b", "c"):
        request(store, key)
    handed = []

    async def hand_on(entry):
        handed.append((entry.key, entry.kind, entry.payload))

    assert await send(hand_on=hand_on) == Sent(delivered=3)
    assert handed == [(key, "notification/send", {"n": key}) for key in ("a", "b", "c")]


@pytest.mark.usefixtures("at_once")
async def test_a_request_that_fails_is_tried_again_and_a_wrong_one_is_not(store, send, told):
    request(store, "fails")
    request(store, "wrong")
    tries = []

    async def hand_on(entry):
        tries.append(entry.key)
        if entry.key == "wrong":
            raise InputError("event notification/send: title: missing")
        if len(tries) < 3:
            raise OSError("Prefect is away")

    assert await send(hand_on=hand_on) == Sent(delivered=1, postponed=1, refused=1)
    assert tries == ["fails", "wrong", "fails"]
    assert "Prefect is away" in told[0]
    assert told[1] == "wrong cannot be sent: event notification/send: title: missing"


async def test_pushes_leave_and_the_lease_stays_while_a_request_is_worked_on(store, pusher, send):
    request(store, "long")
    seen = []

    async def hand_on(_):
        tell(store, 1)
        for _ in range(200):
            await asyncio.sleep(0.02)
            if pusher.batches:
                seen.append(store.outbox.lease("another", 60))
                return

    assert await send(hand_on=hand_on, lease_s=0.3) == Sent(delivered=2)
    assert seen == [False]


async def test_a_sender_that_is_cancelled_gives_its_lease_back(store, send):
    request(store, "endless")
    begun = asyncio.Event()

    async def hand_on(_):
        begun.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(send(hand_on=hand_on))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.outbox.lease("another", 60)
    assert ends(store) == {"pending": 1}


async def test_blocks_are_told_each_by_itself(store, pusher, send, told):
    naming = ChannelNames(extra=("slack-webhook/alerts", "custom-webhook/crm"))
    tell(store, 1, naming=naming)
    tell(store, 2, naming=naming)
    letters = []

    async def post(letter):
        letters.append(letter)
        if letter.block.startswith("slack"):
            raise ConnectionError("https://hooks.slack.example/canary-token")

    assert await send(post=post) == Sent(delivered=4, postponed=1)
    crm = [letter for letter in letters if letter.block == "custom-webhook/crm"]
    assert crm == [Letter("custom-webhook/crm", "Scan Complete", f"page {number}") for number in (1, 2)]
    assert len(letters) == 3  # the second for Slack waits behind the first
    assert "ConnectionError" in told[0]
    assert "canary" not in told[0]
    assert [data["notification"]["message"] for data in pusher.data()] == ["page 1", "page 2"]


@pytest.mark.parametrize("busy", [False, True])
async def test_what_waits_for_pusher_keeps_nothing_from_a_block(store, pusher, told, monkeypatch, busy):
    monkeypatch.setattr(sending, "_AT_ONCE", 3)
    pusher.answer = lambda _: (503, {}, "busy")
    naming = ChannelNames(extra=("slack-webhook/alerts",))
    for number in range(10):
        tell(store, number, naming=naming)
    letters = []

    async def post(letter):
        letters.append(letter.body)

    async with PusherClient(pusher.channel().get_client) as client:
        ways = Ways(pusher=client if busy else None, post=post)
        sent = await Sender(store, ways, holder="one", tell=told.append).run()
    assert letters == [f"page {number}" for number in range(10)]
    assert (sent.delivered, store.outbox.counts()["pending"]) == (10, 10)


@pytest.mark.usefixtures("at_once")
async def test_a_block_that_fails_for_a_day_is_given_up(store, send, told, monkeypatch):
    tell(store, 1, naming=ChannelNames(extra=("slack-webhook/alerts",)))
    monkeypatch.setattr("tasks.notify.deliver.GIVE_UP_AFTER", -1.0)

    async def post(_):
        raise ConnectionError

    assert await send(post=post) == Sent(delivered=1, refused=1)
    assert told[0].endswith("given up after 1 tries: ConnectionError")


@pytest.mark.parametrize(("attempts", "least", "most"), [(0, 1, 3), (1, 1, 3), (3, 4, 12), (50, 300, 900)])
def test_waits_double_and_are_bounded(attempts, least, most):
    assert all(least <= backoff(attempts) <= most for _ in range(100))
