"""send-notification, with what a user configures: nothing, Pusher by variables, further blocks."""

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import get_client

from blocks import PusherChannel
from deployments.api.prefect_queue import PrefectQueue
from flows.dispatch import dispatch
from flows.send_notification import send_notification
from tasks.events import NotificationRequested
from tasks.notify.channels import ChannelNames
from tasks.notify.messages import Letter
from tasks.notify.task import BlockUnusable, load_channel, post_by_block, send_pending
from tasks.notify.telling import notify
from tasks.store import RunSpec, Store

pytestmark = pytest.mark.usefixtures("prefect_db", "plain_environment")

SECRET = "canary-secret-0815"


@pytest.fixture
def plain_environment(monkeypatch):
    for name in PusherChannel._environment:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def data(tmp_path):
    return str(tmp_path / "data")


@pytest.fixture
def listener():
    """A loopback server that takes whatever is posted: ``heard`` has (path, body), ``statuses`` what it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.heard.append((self.path.partition("?")[0], json.loads(body)))
            self.send_response(self.server.statuses.get(self.path.partition("?")[0], 200))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.heard, server.statuses = [], {}
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def pusher(listener, monkeypatch, plain_environment):  # noqa: ARG001 - what comes before it
    """Pusher as a user configures it by variables."""
    for name, value in {
        "PUSHER_APP_ID": "1001",
        "PUSHER_KEY": "tea",
        "PUSHER_SECRET": SECRET,
        "PUSHER_HOST": "127.0.0.1",
        "PUSHER_PORT": str(listener.server_port),
        "PUSHER_SSL": "false",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def webhooks(listener):
    """Prefect's own webhook blocks crm and pager, on the listener."""
    blocks = {}
    for name in ("crm", "pager"):
        blocks[name] = CustomWebhookNotificationBlock(
            name=name,
            url=f"http://127.0.0.1:{listener.server_port}/{name}/{{{{token}}}}",
            json_data={"title": "{{subject}}", "text": "{{body}}"},
            secrets={"token": SECRET},
        )
        await blocks[name].save(name)
    yield
    for name in blocks:
        await CustomWebhookNotificationBlock.adelete(name)


def stored(data, user="ann"):
    with Store.open(data) as store:
        return store.notifications.list(user), {state: n for state, n in store.outbox.counts().items() if n}


async def test_with_nothing_configured_it_is_kept_and_nobody_is_warned(data, caplog):
    caplog.set_level(logging.WARNING)
    with Store.open(data) as store:
        store.start_run(RunSpec(kind="batch", run_id="run-1"))
    saved = await send_notification("ann", "Scan Complete", "page 1", "success", run_id="run-1", data=data)
    [told], outbox = stored(data)
    assert (told.id, told.title, told.message, told.type, told.read, told.run_id) == (
        saved,
        "Scan Complete",
        "page 1",
        "success",
        False,
        "run-1",
    )
    assert outbox == {"pending": 1}
    assert caplog.text == ""


@pytest.mark.usefixtures("pusher")
async def test_it_is_pushed_to_its_user(data, listener):
    saved = await send_notification("ann", "Scan Complete", "page 1", data=data)
    [(path, body)] = listener.heard
    [event] = body["batch"]
    assert (path, event["channel"], event["name"]) == (
        "/apps/1001/batch_events",
        "private-user-ann",
        "notification-received",
    )
    assert json.loads(event["data"])["notification"]["id"] == saved
    assert stored(data)[1] == {"delivered": 1}


@pytest.mark.usefixtures("pusher")
async def test_the_same_request_tells_once(data, listener):
    await send_notification("ann", "Scan Complete", "page 1", data=data, request_id="note-1")
    again = await send_notification("ann", "Scan Complete", "page 1", data=data, request_id="note-1", return_state=True)
    assert again.is_completed()
    assert again.message.startswith("already done by run ")
    assert (len(listener.heard), len(stored(data)[0])) == (1, 1)


@pytest.mark.usefixtures("pusher")
async def test_a_server_that_is_away_fails_nothing(data, listener):
    listener.statuses["/apps/1001/batch_events"] = 503
    saved = await send_notification("ann", "Scan Complete", "page 1", data=data)
    [told], outbox = stored(data)
    assert (told.id, outbox) == (saved, {"pending": 1})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PUSHER_PORT", "tea", "environment variable PUSHER_PORT='tea': "),
        ("PUSHER_KEY", "k", "the Pusher channel lacks app_id, secret"),
    ],
)
async def test_what_is_configured_wrongly_is_told_and_fails_nothing(data, monkeypatch, name, value, why):
    monkeypatch.setenv(name, value)
    await send_notification("ann", "Scan Complete", "page 1", data=data)
    problems = []
    await send_pending(data, tell=problems.append)
    [problem] = problems
    assert problem.startswith("nothing is pushed: ")
    assert why in problem
    assert stored(data)[1] == {"pending": 1}


@pytest.mark.usefixtures("pusher", "webhooks")
async def test_each_further_block_is_told_and_one_that_fails_repeats_no_other(data, listener, monkeypatch):
    monkeypatch.setenv("SEO_NOTIFY", "custom-webhook/crm, custom-webhook/pager, custom-webhook/gone")
    listener.statuses[f"/pager/{SECRET}"] = 500
    await send_notification("ann", "Scan Complete", "page 1", data=data)
    assert sorted(path for path, _ in listener.heard) == [
        "/apps/1001/batch_events",
        f"/crm/{SECRET}",
        f"/pager/{SECRET}",
    ]
    assert {"title": "Scan Complete", "text": "page 1"} in [body for _, body in listener.heard]
    with Store.open(data) as store:
        waiting = {entry.payload["channel"]: entry.attempts for entry in store.outbox.pending(now=float("inf"))}
        errors = [row[0] for row in store.sql("select error from outbox where error is not null order by 1").rows]
    assert waiting == {"custom-webhook/pager": 1, "custom-webhook/gone": 1}
    assert errors == ["HTTPStatusError: status 500", "block custom-webhook/gone cannot be loaded: ValueError"]


@pytest.mark.usefixtures("pusher", "webhooks")
async def test_without_pusher_blocks_are_told(data, listener, monkeypatch):
    for name in ("PUSHER_APP_ID", "PUSHER_KEY", "PUSHER_SECRET"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("SEO_NOTIFY", "custom-webhook/crm")
    await send_notification("ann", "Scan Complete", "page 1", data=data)
    assert [path for path, _ in listener.heard] == [f"/crm/{SECRET}"]
    assert stored(data)[1] == {"pending": 1, "delivered": 1}


async def test_a_block_that_does_not_notify_is_said_to():
    await PusherChannel(key="k").save("none-of-them")
    with pytest.raises(BlockUnusable, match="seo-pusher-channel/none-of-them is none of Prefect's notification blocks"):
        await post_by_block(Letter("seo-pusher-channel/none-of-them", "s", "b"))
    await PusherChannel.adelete("none-of-them")


@pytest.mark.usefixtures("pusher", "webhooks")
async def test_no_secret_is_in_a_run_its_logs_or_the_data_folder(data, listener, monkeypatch, caplog, tmp_path):
    caplog.set_level(logging.DEBUG, "prefect")
    monkeypatch.setenv("SEO_NOTIFY", "custom-webhook/crm")
    listener.statuses = {"/apps/1001/batch_events": 401, f"/crm/{SECRET}": 403}
    state = await send_notification("ann", "Scan Complete", "page 1", data=data, return_state=True)
    async with get_client() as client:
        run = await client.read_flow_run(state.state_details.flow_run_id)
        task_runs = await client.read_task_runs()
    shown = [caplog.text, run.model_dump_json(), *(task_run.model_dump_json() for task_run in task_runs)]
    assert not [text for text in shown if SECRET in text]
    assert not [
        path for path in (tmp_path / "data").rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert stored(data)[1] == {"pending": 2}


async def test_a_saved_channel_is_used_and_names_can_be_public(data, listener):
    await PusherChannel(
        app_id="7", key="k", secret=SECRET, host="127.0.0.1", port=listener.server_port, ssl=False, public_names=True
    ).save("default")
    try:
        channel = await load_channel(pytest.fail)
        await send_notification("ann", "Scan Complete", "page 1", data=data)
    finally:
        await PusherChannel.adelete("default")
    assert (channel.app_id, channel.missing) == ("7", ())
    [(path, body)] = listener.heard
    assert (path, body["batch"][0]["channel"]) == ("/apps/7/batch_events", "user-ann")


async def test_a_notification_of_another_process_is_pushed_too(data, listener, pusher):  # noqa: ARG001 - configures
    from tasks.events import NotificationRequested  # noqa: PLC0415

    with Store.open(data) as store:
        event = NotificationRequested(user_id="bob", title="t", message="m")
        notify(store, event, key="k", naming=ChannelNames())
    assert (await send_pending(data, tell=pytest.fail)).delivered == 1
    assert listener.heard[0][1]["batch"][0]["channel"] == "private-user-bob"


@pytest.mark.parametrize("flow", ["scan-page", ""])
async def test_a_notification_names_a_run_only_where_there_is_work_of_that_id(data, flow):
    told = NotificationRequested(user_id="ann", title="Tea", message="is ready", type="info")
    asked = {"request_id": "n1", "origin": "webhook", "deployed": False, "run_id": flow and "run-1"}
    with Store.open(data) as store:
        if flow:
            store.requests.claim("r1", "run-1", flow=flow, user_id="ann", origin="api")
        answer = await dispatch(told, store=store, **asked)
        (kept,) = store.notifications.list("ann")
    assert kept.run_id == (flow and "run-1")
    assert answer.run_id


async def test_the_http_door_finds_out_how_work_ended_that_is_no_scan(data):
    await send_notification("ann", "Tea", "is ready", run_id="run-1", request_id="e1", data=data)
    async with get_client() as client:
        with Store.open(data) as store:
            request = store.requests.of_run("run-1", "ann")
            queue = PrefectQueue(client, store)
            ended = await queue.how_ended(request.flow_run_id)
            assert ended.state == "completed"
            assert request.begun_at <= ended.at
            assert json.loads(request.payload) == {"project_id": "default"}
            assert await queue.how_ended(str(uuid4())) is None
