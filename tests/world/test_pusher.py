"""Live messages by a real server of the Pusher protocol to a real browser and a real Python client."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tasks.events import BatchProgressed, NotificationRequested
from tasks.notify.channels import ChannelNames
from tasks.notify.messages import ANALYSIS_COMPLETE, BATCH_PROGRESS, NOTIFICATION_RECEIVED
from tasks.notify.pusher_client import PusherClient
from tasks.notify.sender import Sender, Ways
from tasks.notify.telling import broadcast_analysis, broadcast_progress, notify
from tasks.store import Store
from tests.loopback import free_port
from tests.world.soketi import APP_ID, KEY, REFUSED, SECRET, SUBSCRIBED, PysherClient, Site, Soketi, browser, wait_until

NAMES = ChannelNames()
ANN, PAGE, SHOP = NAMES.user("ann"), NAMES.page("00112233445566ff"), NAMES.project("shop")
FORGED, STRANGER = NAMES.user("eve"), NAMES.user("bob")
OURS = (ANN, PAGE, SHOP)


@pytest.fixture
def soketi(tmp_path, request):
    server = Soketi(free_port(), tmp_path / "soketi.log", **getattr(request, "param", {}))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def clients(soketi, tmp_path):
    """pusher-js in Chromium and Pysher, on our channels and on two that are refused: (what each heard, reconnect)."""
    site = Site(soketi.channel(), OURS, forged=(FORGED,))
    python = PysherClient(soketi, (*OURS, FORGED, STRANGER), site.authority)
    with browser(site, soketi, (*OURS, FORGED, STRANGER), tmp_path / "chromium") as heard:
        python.connect()
        all_listen(soketi)
        yield heard, python
    python.close()
    site.shutdown()
    site.server_close()


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "data") as opened:
        yield opened


def all_listen(soketi):
    wait_until(lambda: all(soketi.listeners(channel) == 2 for channel in OURS), what="not everybody subscribed")


async def send(store, soketi, told=None):
    """One sender, as at the end of a flow."""
    async with PusherClient(soketi.channel().get_client) as pusher:
        heard = [] if told is None else told
        return await Sender(store, Ways(pusher=pusher), holder="test", tell=heard.append).run()


async def send_all(store, soketi, told=None):
    """Senders until nothing waits."""
    give_up = time.monotonic() + 60
    while store.outbox.counts()["pending"]:
        assert time.monotonic() < give_up, store.outbox.counts()
        await send(store, soketi, told)
        await asyncio.sleep(0.1)


def tell(store, number, user="ann", **changes):
    event = NotificationRequested(
        **{"user_id": user, "title": "Scan Complete", "message": f"page {number}", "type": "success", **changes}
    )
    return notify(store, event, key=f"note-{number}", run_id="run-1", naming=NAMES)


def progress(store, done, total):
    event = BatchProgressed(
        project_id="shop",
        user_id="ann",
        batch_id="b1",
        run_id="run-1",
        total_pages=total,
        done=done,
        failed=0,
        status="completed" if done == total else "in-progress",
    )
    broadcast_progress(store, event, key=f"run-1:progress:{done}", naming=NAMES)


def messages(heard, channel=ANN):
    return [data["notification"]["message"] for data in heard.of(channel, NOTIFICATION_RECEIVED)]


def sequences(heard, channel=ANN):
    return [data["sequence"] for data in heard.of(channel)]


@pytest.mark.world
async def test_both_clients_hear_what_they_may_in_order(soketi, clients, store):
    in_browser, python = clients
    told = tell(store, 1)
    broadcast_analysis(store, page_id="00112233445566ff", count=3, status="complete", key="run-1:a", naming=NAMES)
    for done in range(0, 25, 2):
        progress(store, done, 24)
    sent = await send(store, soketi)
    assert (sent.delivered, sent.postponed, sent.refused) == (15, 0, 0)
    for heard in (in_browser, python.heard):
        wait_until(lambda heard=heard: len(heard.of(SHOP)) == 13 and heard.of(PAGE) and heard.of(ANN))
        [received] = heard.of(ANN, NOTIFICATION_RECEIVED)
        assert received == {
            "notification": {
                "id": told.id,
                "user_id": "ann",
                "title": "Scan Complete",
                "message": "page 1",
                "type": "success",
                "read": False,
                "created_at": told.created_at.isoformat(),
                "run_id": "run-1",
            },
            "id": received["id"],
            "sequence": 1,
        }
        [analysed] = heard.of(PAGE, ANALYSIS_COMPLETE)
        assert analysed == {
            "page_id": "00112233445566ff",
            "recommendation_count": 3,
            "status": "complete",
            "id": analysed["id"],
            "sequence": 1,
        }
        steps = heard.of(SHOP, BATCH_PROGRESS)
        assert [step["done"] for step in steps] == list(range(0, 25, 2))
        assert [step["sequence"] for step in steps] == list(range(1, 14))
        assert (steps[-1]["status"], steps[-1]["total_pages"]) == ("completed", 24)


@pytest.mark.world
async def test_channels_are_signed_for_or_refused(soketi, clients, store):
    in_browser, python = clients
    tell(store, 1, user="eve")
    tell(store, 2, user="bob")
    tell(store, 3)
    assert (await send(store, soketi)).delivered == 3
    for heard in (in_browser, python.heard):
        wait_until(lambda heard=heard: heard.of(ANN))
        for channel in (FORGED, STRANGER):
            wait_until(lambda heard=heard, channel=channel: heard.names(channel))
            assert heard.names(channel) == [REFUSED]
    assert SUBSCRIBED in in_browser.names(ANN)


@pytest.mark.world
async def test_a_long_message_is_cut_and_says_where_to_read_it(soketi, clients, store):
    in_browser, _ = clients
    told = tell(store, 1, message="é🙂" * 2500)
    assert (await send(store, soketi)).delivered == 1
    [received] = wait_until(lambda: in_browser.of(ANN))
    shown = received["notification"]
    assert shown["truncated"] is True
    assert shown["message"].startswith("é🙂" * 1000)
    assert shown["message"].endswith("… (`seo notifications` shows the whole text)")
    assert 9_900 < len(json.dumps(received, ensure_ascii=False, separators=(",", ":")).encode()) <= 10_000
    assert (shown["id"], store.notifications.list("ann")[0].message) == (told.id, "é🙂" * 2500)


@pytest.mark.world
@pytest.mark.parametrize("soketi", [{"events_per_second": 20}], indirect=True)
async def test_a_servers_limit_of_events_delays_and_loses_nothing(soketi, clients, store):
    in_browser, python = clients
    for number in range(40):
        tell(store, number)
    told = []
    await send_all(store, soketi, told)
    assert any("429: Too many requests" in line for line in told)
    for heard in (in_browser, python.heard):
        wait_until(lambda heard=heard: len(heard.of(ANN)) >= 40)
        assert messages(heard) == [f"page {number}" for number in range(40)]
        assert sequences(heard) == list(range(1, 41))


@pytest.mark.world
async def test_an_outage_delays_and_loses_nothing(soketi, clients, store):
    in_browser, python = clients
    tell(store, 0)
    await send(store, soketi)
    soketi.stop()
    for number in range(1, 40):
        tell(store, number)
    told = []
    assert (await send(store, soketi, told)).delivered == 0
    assert store.outbox.counts()["pending"] == 39
    assert all("Pusher cannot be reached: Connection refused" in line for line in told)
    soketi.start()
    all_listen(soketi)
    await send_all(store, soketi)
    for heard in (in_browser, python.heard):
        wait_until(lambda heard=heard: len(heard.of(ANN)) >= 40)
        assert messages(heard) == [f"page {number}" for number in range(40)]
        assert sequences(heard) == list(range(1, 41))


@pytest.mark.world
@pytest.mark.parametrize("soketi", [{}, {"plain_errors": False}], ids=["status-401", "status-200"], indirect=True)
async def test_a_wrong_secret_waits_for_the_right_one(soketi, store):
    tell(store, 1)
    told = []
    wrong = soketi.channel(secret="canary-wrong-secret")
    async with PusherClient(wrong.get_client) as pusher:
        sent = await Sender(store, Ways(pusher=pusher), holder="test", tell=told.append).run()
    assert (sent.delivered, sent.postponed) == (0, 1)
    assert "Pusher refuses the application's id, key or secret: 401" in told[0]
    assert "canary" not in told[0]
    await send_all(store, soketi)
    assert store.outbox.counts()["delivered"] == 1


@pytest.mark.world
def test_a_scan_is_followed_live(soketi, clients, site, seo, environment, tmp_path):
    """The installed command, configured by variables alone."""
    in_browser, python = clients
    site.pages = {"/": "<!doctype html><title>Tea</title><h1>Tea</h1>"}
    scanned = subprocess.run(
        [seo, "scan", site.url("/"), "--user", "ann", "--project", "shop", "--data", str(tmp_path / "live")],
        env={**environment, **soketi.variables()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert scanned.returncode == 0, scanned.stderr
    for heard in (in_browser, python.heard):
        wait_until(lambda heard=heard: len(heard.of(ANN)) >= 2)
        titles = [data["notification"]["title"] for data in heard.of(ANN, NOTIFICATION_RECEIVED)]
        assert sorted(titles) == ["Analysis Complete", "Scan Complete"]
        assert sequences(heard) == [1, 2]
    assert SECRET not in scanned.stderr + scanned.stdout
    with Store.open(tmp_path / "live") as store:
        assert store.outbox.counts() == {"pending": 0, "delivered": 5, "refused": 0, "expired": 0}


# Imports once, then forks a publisher for each line it reads, and tells when that one has begun and has ended.
PUBLISHERS = """
import asyncio, functools, itertools, os, sys
import pusher
from tasks.events import NotificationRequested
from tasks.notify.channels import ChannelNames
from tasks.notify.pusher_client import PusherClient
from tasks.notify.sender import Sender, Ways
from tasks.notify.telling import notify
from tasks.store import Store

data, port, app_id, key, secret = sys.argv[1:]
connect = functools.partial(
    pusher.Pusher, app_id=app_id, key=key, secret=secret, host="127.0.0.1", port=int(port), ssl=False
)

async def publish(first):
    with Store.open(data) as store:
        async with PusherClient(lambda backend: connect(backend=backend)) as client:
            sender = Sender(store, Ways(pusher=client), holder=str(first), tell=print, lease_s=0.1)
            print("begun", os.getpid(), flush=True)
            for number in itertools.count(first):
                event = NotificationRequested(user_id="ann", title="Scan Complete", message=f"page {number}")
                notify(store, event, key=f"note-{number}", naming=ChannelNames())
                if number % 7 == 0:
                    await sender.run()

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        asyncio.run(publish(int(line)))
    _, status = os.waitpid(child, 0)
    print("ended", os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.mark.chaos
def test_a_publisher_killed_again_and_again_loses_nothing(soketi, store, pytestconfig, capsys):
    kills = 6 if pytestconfig.getoption("--short") else 30
    site = Site(soketi.channel(), OURS)
    python = PysherClient(soketi, (ANN,), site.authority)
    python.connect()
    wait_until(lambda: soketi.listeners(ANN) == 1)
    dice = random.Random(11)

    def made():
        return len(store.notifications.list("ann", limit=1_000_000))

    command = [sys.executable, "-c", PUBLISHERS, str(store.path), str(soketi.port), APP_ID, KEY, SECRET]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as publishers:
        for _ in range(kills):
            publishers.stdin.write(f"{made()}\n")
            publishers.stdin.flush()
            begun = wait_for_line(publishers, "begun")
            time.sleep(dice.uniform(0.02, 0.6))
            os.kill(int(begun), signal.SIGKILL)
            assert wait_for_line(publishers, "ended") == "-9"
    asyncio.run(send_all(store, soketi))
    wait_until(lambda: made() in sequences(python.heard), what="the last event was not heard")
    heard = [(data["sequence"], data["id"], data["notification"]["message"]) for data in python.heard.of(ANN)]
    python.close()
    site.shutdown()
    site.server_close()
    assert made() > kills
    assert {sequence for sequence, _, _ in heard} == set(range(1, made() + 1))
    assert len(set(heard)) == made()  # a double is the same in all its parts
    assert {message for _, _, message in heard} == {f"page {number}" for number in range(made())}
    with capsys.disabled():
        sys.stdout.write(f"\n{kills} kills: {made()} events, {len(heard) - made()} heard twice, 0 lost\n")


def wait_for_line(process, word):
    for line in process.stdout:
        if line.startswith(word):
            return line.split()[1]
    raise AssertionError(f"the publishers ended before {word!r}")
