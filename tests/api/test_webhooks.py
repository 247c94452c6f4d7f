"""Events from outside: signed, of now, once for each id, told by field where malformed."""

import hashlib
import hmac
import json
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.api import signature
from deployments.api.signature import SIGNATURE_HEADER, TIME_HEADER, NotSigned, sign, verify
from tasks.events import REQUESTS
from tasks.urls import page_id

URL = "https://tea.example/"
PAGE = page_id("tea", URL)
DATA = {
    "page/scan.requested": {"page_id": PAGE, "url": URL, "user_id": "ann"},
    "page/analyze.requested": {"page_id": PAGE, "url": URL, "user_id": "ann"},
    "project/batch.scan": {"project_id": "tea", "user_id": "ann", "urls": [URL]},
    "notification/send": {"user_id": "ann", "title": "Hello", "message": "Tea is ready", "type": "info"},
    "run/cancel.requested": {"run_id": "r1", "user_id": "ann"},
}


def event(name="page/scan.requested", id_="e1", **data):
    return {"id": id_, "name": name, "data": {**DATA[name], **data}}


def test_the_signature_is_hmac_sha256_of_time_and_body():
    expected = hmac.new(b"secret", b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    assert sign("secret", "1700000000", b'{"a":1}') == f"sha256={expected}"


@given(body=st.binary(max_size=200), flip=st.integers(min_value=0))
def test_any_change_breaks_the_signature(body, flip):
    signed = sign("secret", "1700000000", body)
    verify("secret", "1700000000", signed, body, now=1700000299)
    raw = bytearray(body + b"x")
    raw[flip % len(raw)] ^= 1
    for arguments in (
        ("secret", "1700000000", signed, bytes(raw)),
        ("other", "1700000000", signed, body),
        ("secret", "1700000001", signed, body),
    ):
        with pytest.raises(NotSigned):
            verify(*arguments, now=1700000299)


@given(timestamp=st.none() | st.text(max_size=14), signed=st.none() | st.text(max_size=80))
def test_nothing_else_passes(timestamp, signed):
    with pytest.raises(NotSigned):
        verify("secret", timestamp, signed, b"{}", now=1700000000)


def test_every_request_event_is_told_here():
    assert set(DATA) == set(REQUESTS)


@pytest.mark.parametrize("name", DATA)
async def test_each_event_is_handed_on_once(send, starter, name):
    first = await send(event(name))
    assert first.status_code == 202
    told = first.json()
    assert (told["message"], told["id"]) == ("Event accepted", "e1")
    assert (await send(event(name))).json() == told
    [(started, request_id, origin, project_id)] = starter.started
    assert started.model_dump(mode="json", exclude_none=True, exclude_defaults=name == "notification/send") == (
        {key: value for key, value in DATA[name].items() if value != "info"}
    )
    assert (request_id, origin, project_id) == ("e1", "webhook", None)


async def test_a_lists_passwords_are_not_handed_on(send, starter, store):
    urls = ["https://ann:s3cret@tea.example/", "https://tea.example/"]
    assert (await send(event("project/batch.scan", urls=urls))).status_code == 202
    [(started, *_)] = starter.started
    assert started.urls == ("https://…@tea.example/", "https://tea.example/")
    assert "s3cret" not in store.requests.get("e1").payload


async def test_an_id_is_written_as_prefect_writes_it(send, starter):
    id_ = uuid.uuid4()
    assert (await send(event(id_=id_.hex.upper()))).json()["id"] == str(id_)
    assert (await send(event(id_=str(id_)))).status_code == 202
    assert [request_id for _, request_id, _, _ in starter.started] == [str(id_)]


async def test_an_event_that_prefect_had_first_is_not_done_again(send, starter, store):
    store.requests.claim("e1", "run-1", flow="scan-page", user_id="ann", flow_run_id="f1", origin="trigger")
    answer = await send(event())
    assert (answer.status_code, answer.json()["run_id"]) == (202, "run-1")
    assert starter.started == []


async def test_an_id_used_for_another_event_conflicts(send):
    assert (await send(event())).status_code == 202
    assert (await send(event(url="https://tea.example/other"))).status_code == 409
    assert (await send(event("run/cancel.requested"))).status_code == 409


@pytest.mark.parametrize("off", [-301, 302, -(10**6)])
async def test_only_of_now(send, starter, off):
    answer = await send(event(), at=time.time() + off)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"]
    assert starter.started == []


@pytest.mark.parametrize("off", [-295, 295])
async def test_clocks_may_differ_by_five_minutes(send, off):
    assert (await send(event(), at=time.time() + off)).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {TIME_HEADER: ""},
        {SIGNATURE_HEADER: ""},
        {SIGNATURE_HEADER: "sha256=" + "0" * 64},
        {TIME_HEADER: "now"},
        {TIME_HEADER: "-1"},
        {TIME_HEADER: "9" * 400},
    ],
)
async def test_unsigned_is_unheard(send, starter, headers):
    assert (await send(event(), **headers)).status_code == 401
    assert (await send(event(), secret="another-secret-of-someone")).status_code == 401
    assert starter.started == []


async def test_without_a_secret_nothing_is_taken(door, send, starter):
    object.__setattr__(door, "webhook_secret", type(door.webhook_secret)(""))
    assert (await send(event(), secret="")).status_code == 503
    assert starter.started == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"\xff", "body"),
        (b"[" * 60000, "body"),
        (b"null", "payload"),
        ({}, "id"),
        ({"id": "e:1", "name": "page/scan.requested", "data": {}}, "id"),
        ({"id": "e1", "name": "page/scan.accepted", "data": {}}, "name"),
        ({"id": "e1", "name": "page/scan.requested", "data": []}, "data"),
        ({"id": "e1", "name": "page/scan.requested", "data": {}, "more": 1}, "more"),
        (event(url="javascript:alert(1)"), "data.url"),
        (event(url="https://tea.example/a\0b"), "data.url"),
        (event(url="\ud800"), "data"),
        (event(user_id="ann bob"), "data.user_id"),
        (event(more=1), "data.more"),
        (event(access="staging"), "data.access"),
        (event(options={"access": "staging"}), "data.options"),
        (event(url={"__prefect_kind": "jinja", "template": "{{ 7*7 }}"}), "data.url"),
        (event("project/batch.scan", urls=[]), "data"),
        (event("project/batch.scan", urls=[{"a": {"__prefect_kind": "json"}}]), "data.urls.0.a"),
        (event("notification/send", type="loud"), "data.type"),
    ],
)
async def test_a_malformed_event_is_told_by_field(send, starter, body, field):
    answer = await send(body)
    assert answer.status_code == 422
    assert field in answer.json()["fields"], answer.json()
    assert starter.started == []


async def test_more_than_may_wait_is_put_off(send):
    for n in range(3):
        assert (await send(event(id_=f"e{n}"))).status_code == 202
    answer = await send(event(id_="e3"))
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
    assert (await send(event(id_="e0"))).status_code == 202
    assert (await send(event("run/cancel.requested", id_="e3"))).status_code == 202


async def test_prefect_away_keeps_the_claim_for_the_next_try(send, starter, store):
    starter.away = True
    assert (await send(event())).json()["message"] == "Failed to queue scan"
    run_id = store.requests.get("e1").run_id
    starter.away = False
    assert (await send(event())).json()["run_id"] == run_id


async def test_the_described_body_is_the_events_own_schema(client):
    operation = (await client.get("/openapi.json")).json()["paths"]["/webhooks/events"]["post"]
    kinds = operation["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    assert {kind["properties"]["name"]["const"] for kind in kinds} == set(REQUESTS)
    assert json.dumps(REQUESTS["notification/send"].model_json_schema()) in json.dumps(kinds)
    assert {header["name"] for header in operation["parameters"]} == {TIME_HEADER, SIGNATURE_HEADER}
    assert signature.SECONDS == 300
