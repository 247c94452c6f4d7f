"""Requests become runs once each, whoever asks and how often."""

import asyncio

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import ParameterTypeError

from flows import dispatch as dispatching
from flows import outbox as sending
from flows.batch_scan import batch_scan
from flows.crawl_site import crawl_site
from flows.dispatch import QueueUnavailable, dispatch, parameters, start_again
from flows.outbox import send_outbox
from flows.registry import FLOWS, entry_for
from flows.scan_page import scan_page
from tasks.events import (
    REQUESTS,
    RUN_ID,
    AnalyzeRequested,
    BatchRequested,
    CancelRequested,
    NotificationRequested,
    ScanRequested,
)
from tasks.store import OutboxRequest, RunSpec, RunState, new_run_id
from tasks.urls import page_id

pytestmark = pytest.mark.usefixtures("prefect_db")

URL = "https://tea.example/"
PAGE_ID = page_id("default", URL)
SCAN = ScanRequested(page_id=PAGE_ID, url=URL, user_id="ann")
TOLD = NotificationRequested(user_id="ann", title="Tea", message="is ready", type="info")


def told(store, user="ann"):
    return [(told.title, told.type) for told in store.notifications.list(user)]


async def send(data, **options):
    lines = []
    sent = await send_outbox(data, tell=lines.append, **options)
    return sent, lines


@pytest.fixture
def queued(monkeypatch):
    """What was handed to Prefect as a deployment's run; ``failing`` answers the next ones with an exception."""

    class Queue:
        def __init__(self):
            self.calls = []
            self.failing = None

        async def __call__(self, deployment, parameters, *, idempotency_key):
            self.calls.append((deployment, parameters, idempotency_key))
            if self.failing is not None:
                raise self.failing
            return f"flow-run-of-{idempotency_key}"

    queue = Queue()
    monkeypatch.setattr(dispatching, "queue_run", queue)
    return queue


def test_every_request_event_starts_one_flow_that_takes_its_fields():
    samples = [
        SCAN,
        AnalyzeRequested(page_id=PAGE_ID, url=URL, user_id="ann"),
        BatchRequested(project_id="default", user_id="ann", urls=(URL,)),
        BatchRequested(project_id="default", user_id="ann", batch_id="b1"),
        TOLD,
        CancelRequested(run_id="r1", user_id="ann"),
    ]
    assert {type(event) for event in samples} == set(REQUESTS.values())
    for event in samples:
        flow = entry_for(event).load()
        flow.validate_parameters(parameters(event, run_id="r1", request_id="q1", project_id="default"))


@pytest.mark.parametrize("run_id", ["../../../out/x", "..", "a/b", ""])
def test_no_flow_takes_a_run_id_that_would_name_another_folder(run_id):
    """Prefect judges parameters by the schema, before a run of the deployment is there."""
    takers = [flow for entry in FLOWS.values() if "run_id" in (flow := entry.load()).parameters.properties]
    assert len(takers) == 6
    for flow in takers:
        schema = flow.parameters.properties["run_id"]
        assert RUN_ID in [one.get("pattern") for one in schema.get("anyOf", [schema])]
        others = dict.fromkeys(flow.parameters.required, "https://a.example/")
        with pytest.raises(ParameterTypeError, match="run_id"):
            flow.validate_parameters({**others, "run_id": run_id})


def test_every_flow_that_can_be_asked_for_takes_a_request_id():
    for name, entry in FLOWS.items():
        flow = entry.load()
        asked_for = entry.served  # a shard is another run's alone
        assert (flow.name, "request_id" in flow.parameters.properties) == (name, asked_for)


async def test_two_dispatches_with_one_id_do_the_work_once_and_answer_the_first_run(store):
    first = await dispatch(TOLD, request_id="q1", store=store, origin="local")
    second = await dispatch(TOLD, request_id="q1", store=store, origin="webhook")
    assert (first.first, second.first, second.run_id, first.failure) == (True, False, first.run_id, "")
    assert second.flow_run_id == first.flow_run_id is not None
    assert told(store) == [("Tea", "info")]


async def test_dispatches_at_once_with_one_id_do_the_work_once(store):
    answers = await asyncio.gather(*(dispatch(TOLD, request_id="q1", store=store, origin="local") for _ in range(3)))
    assert len({answer.run_id for answer in answers}) == 1
    assert [answer.first for answer in answers].count(True) == 1
    assert told(store) == [("Tea", "info")]


async def test_a_deployments_run_is_queued_under_the_request_id_and_recorded(store, queued, emitted):
    answer = await dispatch(SCAN, request_id="q1", store=store, origin="api", deployed=True, project_id="shop")
    [(deployment, given, key)] = queued.calls
    assert (deployment, key) == ("scan-page/default", "q1")
    assert given == {
        "page_id": PAGE_ID,
        "url": URL,
        "user_id": "ann",
        "project_id": "shop",
        "run_id": answer.run_id,
        "request_id": "q1",
    }
    assert (answer.first, answer.flow_run_id) == (True, "flow-run-of-q1")
    assert emitted() == [
        ("page/scan.accepted", {"page_id": PAGE_ID, "url": URL, "user_id": "ann", "run_id": answer.run_id})
    ]
    again = await dispatch(SCAN, request_id="q1", store=store, origin="api", deployed=True)
    assert (again.first, again.run_id, len(queued.calls)) == (False, answer.run_id, 1)
    assert store.requests.waiting("ann") == 1


async def test_a_claim_that_was_not_confirmed_is_started_again_with_the_same_key(store, queued):
    queued.failing = httpx.ConnectError("refused")
    with pytest.raises(QueueUnavailable, match="ConnectError"):
        await dispatch(SCAN, request_id="q1", store=store, origin="api", deployed=True)
    queued.failing = None
    again = await dispatch(SCAN, request_id="q1", store=store, origin="api", deployed=True)
    assert [key for _, _, key in queued.calls] == ["q1", "q1"]
    runs = {given["run_id"] for _, given, _ in queued.calls}
    assert (again.first, runs) == (False, {again.run_id})
    assert store.requests.get("q1").run_id == again.run_id


async def test_the_sender_starts_again_what_was_claimed_and_not_confirmed(store, queued, monkeypatch):
    queued.failing = httpx.ReadTimeout("slow")
    with pytest.raises(QueueUnavailable):
        await dispatch(SCAN, request_id="q1", store=store, origin="api", deployed=True, project_id="shop")
    queued.failing = None
    assert await start_again(store, deployed=True) == 0
    monkeypatch.setattr(dispatching, "UNCONFIRMED_SECONDS", 0.0)
    assert await start_again(store, deployed=False) == 0
    assert await start_again(store, deployed=True) == 1
    assert queued.calls[0] == queued.calls[1]
    assert await start_again(store, deployed=True) == 0


async def test_nothing_is_queued_where_the_deployment_is_not_there(store):
    with pytest.raises(QueueUnavailable, match="seo serve"):
        await dispatch(SCAN, request_id="q1", store=store, origin="api", deployed=True)


async def test_a_run_whose_request_is_taken_ends_as_completed_and_does_nothing(site, store, options):
    store.requests.claim("q1", "the-first", flow="scan-page", user_id="ann", flow_run_id="another", origin="webhook")
    state = await scan_page(site.url("/0"), request_id="q1", options=options, return_state=True)
    assert (state.is_completed(), state.name, state.message) == (True, "Completed", "already done by run the-first")
    assert site.requests == []
    assert store.list_runs(10) == []


async def test_a_triggered_run_claims_its_event_and_a_second_run_of_it_does_nothing(site, store, options):
    first = await scan_page(site.url("/0"), request_id="event-1", options=options)
    state = await scan_page(site.url("/0"), request_id="event-1", options=options, return_state=True)
    assert state.message == f"already done by run {first}"
    assert site.page_paths() == ["/0"]
    assert store.requests.get("event-1").origin == "trigger"
    assert store.requests.waiting("local") == 0


async def test_the_same_flow_run_retried_goes_on(site, store, options, monkeypatch):
    tries = []
    real = scan_page.fn.__globals__["create_page_records"]

    async def fails_once(*arguments):
        tries.append(str(FlowRunContext.get().flow_run.id))
        if len(tries) == 1:
            raise OSError("a passing fault")
        return await real(*arguments)

    monkeypatch.setitem(scan_page.fn.__globals__, "create_page_records", fails_once)
    run_id = await scan_page.with_options(retries=1, retry_delay_seconds=0)(
        site.url("/0"), request_id="event-1", options=options
    )
    assert (len(tries), len(set(tries))) == (2, 1)
    assert run_id == store.requests.get("event-1").run_id
    assert site.page_paths() == ["/0"]


@pytest.mark.parametrize(
    ("flow", "name", "paths", "step", "fetched"),
    [
        (scan_page, "url", ["/0"], "close_run", ["/0", "/0"]),
        (batch_scan, "urls", ["/0", "/1"], "judge_list", ["/0", "/1"]),
        (crawl_site, "start_url", ["/0"], "judge_site", ["/0"]),
    ],
    ids=["scan", "batch", "crawl"],
)
async def test_a_flow_run_that_is_executed_again_goes_on_with_its_run(
    flow, name, paths, step, fetched, site, store, options, monkeypatch
):
    tries = []
    real = flow.fn.__globals__[step]

    async def fails_once(*arguments):
        tries.append(step)
        if len(tries) == 1:
            raise OSError("a passing fault")
        return await real(*arguments)

    monkeypatch.setitem(flow.fn.__globals__, step, fails_once)
    addresses = [site.url(path) for path in paths]
    given = {name: addresses if name == "urls" else addresses[0]}
    run_id = await flow.with_options(retries=1, retry_delay_seconds=0)(**given, options=options)
    [run] = store.list_runs()
    assert (run.run_id, run.state, run.epoch, len(tries)) == (run_id, RunState.COMPLETED, 2, 2)
    assert sorted(path for path in site.page_paths() if path in site.pages) == fetched


async def test_the_outbox_starts_each_request_once(store, options):
    store.start_run(RunSpec(kind="batch", run_id="r1"))
    store.outbox.add([OutboxRequest("k1", TOLD.name, TOLD.model_dump(mode="json"))], run_id="r1")
    sent, lines = await send(options.data)
    assert (sent.delivered, lines) == (1, [])
    assert (await send(options.data))[0].delivered == 0
    [row] = store.notifications.list("ann")
    assert (row.title, row.run_id) == ("Tea", "r1")


async def test_a_request_whose_run_was_cut_short_is_answered_by_the_next_sender(store, options, monkeypatch):
    store.outbox.add([OutboxRequest("k1", TOLD.name, TOLD.model_dump(mode="json"))], run_id="r1")
    flow = FLOWS["send-notification"].load()
    with monkeypatch.context() as broken:
        broken.setitem(flow.fn.__globals__, "save_notification", None)
        broken.setattr(sending, "send_pending", lambda *_, **__: asyncio.sleep(0))
        await dispatch(TOLD, request_id="k1", store=store, origin="outbox", run_id="r1")
    assert told(store) == []
    sent, _ = await send(options.data)
    assert (sent.delivered, told(store)) == (1, [("Tea", "info")])


async def test_requests_of_a_deployed_run_are_queued(store, options, queued):
    store.outbox.add([OutboxRequest("k1", TOLD.name, TOLD.model_dump(mode="json"))], run_id="r1")
    sent, _ = await send(options.data, deployed=True)
    [(deployment, _, key)] = queued.calls
    assert (sent.delivered, deployment, key) == (1, "send-notification/default", "k1")


async def test_requests_wait_while_prefect_is_away(store, options, queued):
    queued.failing = httpx.ConnectError("refused")
    store.outbox.add([OutboxRequest("k1", TOLD.name, TOLD.model_dump(mode="json"))], run_id="r1")
    sent, lines = await send(options.data, deployed=True)
    assert (sent.postponed, store.outbox.counts()["pending"]) == (1, 1)
    assert "k1" in lines[0]


async def test_a_request_that_is_none_is_refused_for_good(store, options):
    store.outbox.add([OutboxRequest("k1", "notification/send", {"user_id": "ann"})], run_id="r1")
    sent, _ = await send(options.data)
    assert (sent.refused, store.outbox.counts()["refused"]) == (1, 1)


async def test_requests_older_than_a_day_when_first_seen_are_counted_once_and_never_sent(store, options, monkeypatch):
    with monkeypatch.context() as yesterday:
        yesterday.setattr("tasks.store.outbox.time.time", lambda: 1_700_000_000.0)
        store.outbox.add([OutboxRequest(f"k{n}", TOLD.name, TOLD.model_dump(mode="json")) for n in range(3)])
    sent, lines = await send(options.data)
    assert (sent.expired, lines) == (3, ["3 outbox entries older than 24 h were not sent"])
    assert (await send(options.data)) == (type(sent)(), [])
    assert told(store) == []


async def test_a_deployments_run_waits_for_its_users_turn(store, options, monkeypatch):
    from tasks.admit import task as admit  # noqa: PLC0415 - beside what it stands in for

    monkeypatch.setattr(admit, "is_deployed", lambda: True)
    monkeypatch.setenv("SEO_SCANS_PER_MINUTE", "7")
    waits = []

    async def limited(name, *, strict):
        waits.append((name, strict, store.requests.waiting("ann")))

    monkeypatch.setattr(admit, "rate_limit", limited)
    await scan_page("http://10.0.0.1/", user_id="ann", request_id="event-1", analyze=False, options=options)
    assert waits == [("seo-scans-ann", True, 1)]
    assert store.requests.waiting("ann") == 0
    async with get_client() as client:
        limit = await client.read_global_concurrency_limit_by_name("seo-scans-ann")
    assert (limit.limit, round(limit.slot_decay_per_second * 60)) == (7, 7)


async def test_a_local_command_is_not_throttled(store, options, monkeypatch):
    from tasks.admit import task as admit  # noqa: PLC0415 - as above

    monkeypatch.setattr(admit, "is_deployed", lambda: True)
    monkeypatch.setattr(admit, "rate_limit", None)
    await scan_page("http://10.0.0.1/", run_id=new_run_id(), analyze=False, options=options)
    assert len(store.list_runs(10)) == 1
