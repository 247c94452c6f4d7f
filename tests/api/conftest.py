"""The application over a real store; in place of Prefect a starter that claims as ``dispatch`` does."""

import json
import time
from dataclasses import dataclass, field

import httpx
import pytest
from pydantic import SecretStr

from deployments.api.app import create_app
from deployments.api.door import Door
from deployments.api.signature import SIGNATURE_HEADER, TIME_HEADER, sign
from flows.dispatch import Dispatched, QueueUnavailable
from flows.registry import entry_for
from tasks.model import HeadText, Issue, Page, PageState, Response, ScannedPage, Severity, StructuredData, Verdict
from tasks.store import RunSpec, RunState, Store, Target, new_run_id
from tasks.urls import page_id

WEBHOOK_SECRET = "a-secret-of-the-tests"


def pytest_ignore_collect(collection_path, config):
    """Only where they run: the cases of the described API take longer to make than all other tests to collect."""
    if collection_path.name == "test_described_api.py" and "not world" in config.getoption("markexpr"):
        return True
    return None


@dataclass
class Starter:
    """Takes requests to the point where Prefect would have them; ``away`` as if it did not answer."""

    store: Store
    away: bool = False
    started: list = field(default_factory=list)

    async def __call__(self, event, *, request_id, origin, project_id):
        asked = {"event": event.name, "payload": event.model_dump(mode="json"), "project_id": project_id}
        claim = self.store.requests.claim(
            request_id,
            new_run_id(),
            flow=entry_for(event).name,
            user_id=event.user_id,
            payload=json.dumps(asked),
            origin=origin,
        )
        if self.away:
            raise QueueUnavailable("Prefect is away")
        self.store.requests.confirm(request_id, None)
        if claim.first:
            self.started.append((event, request_id, origin, project_id))
        return Dispatched(request_id, claim.run_id, claim.flow, first=claim.first, flow_run_id=None)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "data") as opened:
        opened.projects.add("tea", "ann", "https://tea.example/")
        opened.projects.add("coffee", "bob")
        yield opened


@pytest.fixture
def starter(store):
    return Starter(store)


@pytest.fixture
def door(store, starter):
    return Door(
        store=store,
        start=starter,
        webhook_secret=SecretStr(WEBHOOK_SECRET),
        sign=lambda channel, socket_id: f"key:{channel}:{socket_id}",
        max_waiting=3,
    )


@pytest.fixture
async def client(door):
    """Asks without credentials; an answer's headers are checked where ``ask`` is used."""
    transport = httpx.ASGITransport(create_app(door), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as opened:
        yield opened


@pytest.fixture
def ann(client, store):
    return asker(client, store.api_keys.add("ann").token)


@pytest.fixture
def bob(client, store):
    return asker(client, store.api_keys.add("bob").token)


def asker(client, token):
    async def ask(method, path, *, headers=None, **options):
        return await client.request(
            method, path, headers={"Authorization": f"Bearer {token}", **(headers or {})}, **options
        )

    return ask


@pytest.fixture
def send(client):
    """Sends an event signed as an outside system would."""

    async def send(body, *, secret=WEBHOOK_SECRET, at=None, **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        timestamp = str(int(time.time() if at is None else at))
        signed = {TIME_HEADER: timestamp, SIGNATURE_HEADER: sign(secret, timestamp, raw)}
        return await client.post("/webhooks/events", content=raw, headers={**signed, **headers})

    return send


@pytest.fixture
def stored_page():
    return _stored_page


@pytest.fixture
def found():
    return _found


def _stored_page(url, project_id, *issues):
    """A scanned page with a page's facts, one structured item of which is not fit for UTF-8."""
    page = Page(
        url=url,
        requested_url=url,
        base_url=url,
        titles=(HeadText("Green tea"),),
        structured_data=(
            StructuredData("json-ld", ("Product",), '{"@type": "Product", "name": "\\ud800", "n": 1e999}'),
        ),
    )
    return ScannedPage(
        page_id=page_id(project_id, url),
        url=url,
        state=PageState.COMPLETED,
        reason=None,
        answer=Response(url=url, status=200, body=b"<title>Green tea</title>"),
        page=page,
        verdict=Verdict(tuple(issues)),
    )


def _found(rule, severity):
    return Issue(
        rule=rule, severity=severity, category="title", message="m", evidence={"length": 3}, fingerprint=rule.zfill(16)
    )


@pytest.fixture
def scanned(store):
    """Stores a run of ann's pages in the project tea; returns it."""
    return lambda *pages, **spec: _scanned(store, *pages, **spec)


def _scanned(store, *pages, kind="batch", batch_id="b1", user_id="ann"):
    run = store.start_run(RunSpec(kind=kind, project_id="tea", user_id=user_id, batch_id=batch_id, recipe="r"))
    store.add_targets(run, [Target(page.url, page.page_id) for page in pages])
    store.lease(run.run_id, run.epoch, "h", 10)
    store.write_commit(run.run_id, run.epoch, "h", "k", pages)
    return store.finish_run(run.run_id, run.epoch, RunState.COMPLETED)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """(application, ann's token) for all tests of a module, with something of everything to find."""
    with Store.open(tmp_path_factory.mktemp("api") / "data") as store:
        store.projects.add("tea", "ann")
        _scanned(store, _stored_page("https://tea.example/", "tea", _found("title-too-short", Severity.WARNING)))
        store.notifications.add(key="k", user_id="ann", title="t", message="m", type="info")
        door = Door(
            store=store,
            start=Starter(store),
            webhook_secret=SecretStr(WEBHOOK_SECRET),
            sign=lambda *_: "key:signature",
            max_waiting=1_000_000,
        )
        yield create_app(door), store.api_keys.add("ann").token
