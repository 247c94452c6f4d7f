"""What every request meets: keys, hosts, sizes, one shape of refusal, headers."""

import asyncio

import httpx
import pytest

from deployments.api import front
from deployments.api.app import create_app

ROUTES = [
    ("POST", "/projects/tea/scan"),
    ("POST", "/projects/tea/batch"),
    ("GET", "/pages/p1"),
    ("GET", "/batches/b1"),
    ("GET", "/projects/tea/issues"),
    ("GET", "/notifications"),
    ("PATCH", "/notifications/1"),
    ("POST", "/pusher/auth"),
    ("GET", "/no/such/route"),
]


def is_problem(answer, status, code):
    assert answer.status_code == status
    told = answer.json()
    assert set(told) == {"code", "message", "fields"}
    assert told["code"] == code
    assert "Traceback" not in answer.text
    return told


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic YW5uOg==", "Bearer seo_wrong", "Bearer \xff\xfe", "seo_x"]
)
async def test_without_a_good_key_nothing_is_told(client, authorization):
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    for method, path in ROUTES:
        answer = await client.request(method, path, headers=headers, content=b"{not json")
        is_problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_revoked_key_is_no_key(client, store):
    key = store.api_keys.add("ann")
    headers = {"Authorization": f"bearer {key.token}"}
    assert (await client.get("/notifications", headers=headers)).status_code == 200
    store.api_keys.revoke(key.key_id)
    is_problem(await client.get("/notifications", headers=headers), 401, "unauthenticated")


async def test_health_and_description_need_no_key(client):
    assert (await client.get("/health")).json() == {"status": "ok", "prefect": "ok"}
    assert (await client.get("/openapi.json")).json()["info"]["title"] == "seo-scan"


async def test_every_answer_carries_the_security_headers(client, ann):
    for answer in (await client.get("/health"), await client.get("/pages/x"), await ann("GET", "/pages/x")):
        assert {name: answer.headers[name] for name in front.SECURITY_HEADERS} == front.SECURITY_HEADERS
        assert "server" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "seo.localhost"])
async def test_loopback_names_are_ours(client, host):
    assert (await client.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "[::1", ""])
async def test_another_host_is_not_answered_for(client, host):
    is_problem(await client.get("/health", headers={"Host": host}), 421, "wrong-host")


async def test_a_body_too_large_is_refused_announced_or_not(ann, client):
    url = "/projects/tea/scan"
    is_problem(await ann("POST", url, content=b" " * (front.MAX_BODY + 1)), 413, "too-large")

    async def endless():
        while True:
            yield b" " * 4096

    is_problem(await ann("POST", url, content=endless()), 413, "too-large")
    is_problem(await client.post("/webhooks/events", content=endless()), 413, "too-large")
    is_problem(await ann("POST", url, headers={"Content-Length": "9" * 5000}, content=b"{}"), 413, "too-large")
    just_fits = b'{"url": "https://tea.example/"' + b" " * (front.MAX_BODY - 31) + b"}"
    assert len(just_fits) == front.MAX_BODY
    assert (await ann("POST", url, content=just_fits, headers={"Content-Type": "application/json"})).status_code == 202


async def test_a_body_that_drips_is_not_waited_for(monkeypatch, ann):
    monkeypatch.setattr(front, "BODY_SECONDS", 0.05)

    async def dripping():
        yield b"{"
        await asyncio.sleep(30)
        yield b"}"

    is_problem(await ann("POST", "/projects/tea/scan", content=dripping()), 408, "timeout")


async def test_unknown_routes_and_methods(ann):
    is_problem(await ann("GET", "/no/such/route"), 404, "not-found")
    answer = await ann("DELETE", "/notifications")
    is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {"body"}),
        (b"{", {"body"}),
        (b"\xff", {"body"}),
        (b"[" * 30000, {"body"}),
        (b"[]", {"body"}),
        (b"{}", {"url"}),
        (b'{"url": 7}', {"url"}),
        (b'{"url": ""}', {"url"}),
        (b'{"url": "mailto:ann@tea.example"}', {"url"}),
        (b'{"url": "https://ann:pass@tea.example/"}', {"url"}),
        (b'{"url": "\\ud800"}', {"url"}),
        (b'{"url": {"__prefect_kind": "workspace_variable", "variable_name": "x"}}', {"url"}),
        (b'{"url": "https://tea.example/", "options": {"allow": ["10.0.0.1:80"]}}', {"options"}),
        (b'{"url": "https://tea.example/", "allow": ["10.0.0.1:80"]}', {"allow"}),
    ],
)
async def test_an_unusable_body_is_told_by_field(ann, starter, body, fields):
    answer = await ann("POST", "/projects/tea/scan", content=body, headers={"Content-Type": "application/json"})
    told = is_problem(answer, 422, "invalid")
    assert set(told["fields"]) == fields
    assert "pass@" not in answer.text
    assert starter.started == []


async def test_a_body_without_its_content_type_is_told_of_it(ann):
    answer = await ann("POST", "/projects/tea/scan", content=b'{"url": "https://tea.example/"}')
    told = is_problem(answer, 422, "invalid")
    assert told["fields"] == {"body": "send a JSON object, and with it Content-Type: application/json"}


async def test_a_crash_is_no_stack_trace(door, store):
    store.close()

    async def broken(*_, **__):
        raise RuntimeError("secret of the inside")

    transport = httpx.ASGITransport(create_app(door), raise_app_exceptions=True)
    token = store.api_keys.add("ann").token
    object.__setattr__(door, "start", broken)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post(
            "/projects/tea/scan", json={"url": "https://tea.example/"}, headers={"Authorization": f"Bearer {token}"}
        )
    is_problem(answer, 500, "internal")
    assert "inside" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
