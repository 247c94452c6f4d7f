"""Asking for scans: what is queued, for whom, how often."""

import asyncio

import pytest

from tasks.events import BatchRequested, ScanRequested
from tasks.urls import page_id

URL = "https://tea.example/green"


async def test_a_scan_is_queued(ann, starter):
    answer = await ann("POST", "/projects/tea/scan", json={"url": "https://TEA.example:443/green#top"})
    assert answer.status_code == 202
    told = answer.json()
    assert told["message"] == "Scan queued"
    assert told["page_id"] == page_id("tea", URL)
    [(event, request_id, origin, project_id)] = starter.started
    assert event == ScanRequested(page_id=told["page_id"], url=URL, user_id="ann")
    assert (origin, project_id) == ("api", "tea")
    assert request_id.startswith("api:ann:")
    assert starter.store.requests.get(request_id).run_id == told["run_id"]


async def test_a_batch_is_queued(ann, starter):
    urls = [URL, "not a url", "https://tea.example/"]
    answer = await ann("POST", "/projects/tea/batch", json={"urls": urls})
    assert answer.status_code == 202
    told = answer.json()
    assert (told["message"], told["total_pages"]) == ("Batch queued", 3)
    [(event, _, origin, project_id)] = starter.started
    assert event == BatchRequested(project_id="tea", user_id="ann", urls=tuple(urls))
    assert (origin, project_id) == ("api", "tea")
    state = (await ann("GET", f"/batches/{told['run_id']}")).json()
    assert [(run["state"], run["kind"], run["project_id"]) for run in state["runs"]] == [("queued", "batch", "tea")]


async def test_passwords_in_a_list_are_kept_nowhere(ann, starter):
    urls = ["http://u:topsecret@nohost.example/", "tea.example/@ann", "u:top/secret@nohost.example"]
    told = (await ann("POST", "/projects/tea/batch", json={"urls": urls})).json()
    assert told["total_pages"] == 3
    [(event, request_id, *_)] = starter.started
    assert event.urls == ("http://…@nohost.example/", "tea.example/@ann", "…@nohost.example")
    assert "secret" not in starter.store.requests.get(request_id).payload
    again = {"Idempotency-Key": "order-1"}
    answers = [await ann("POST", "/projects/tea/batch", json={"urls": urls}, headers=again) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


async def test_a_list_has_nothing_that_prefects_database_does_not_take(ann, starter):
    urls = ["https://tea.example/a\0b", "no\0 address"]
    assert (await ann("POST", "/projects/tea/batch", json={"urls": urls})).status_code == 202
    [(event, *_)] = starter.started
    assert event.urls == ("https://tea.example/a%00b", "no\ufffd address")


@pytest.mark.parametrize("urls", [[], ["x"] * 501, "https://tea.example/", [7], [""]])
async def test_a_list_that_cannot_be(ann, urls):
    answer = await ann("POST", "/projects/tea/batch", json={"urls": urls})
    assert answer.status_code == 422
    assert next(iter(answer.json()["fields"])).startswith("urls")


@pytest.mark.parametrize("path", ["scan", "batch"])
@pytest.mark.parametrize("more", [{"access": "staging"}, {"options": {"access": "staging"}}])
async def test_nobody_outside_uses_saved_credentials(ann, starter, path, more):
    body = {"url": URL} if path == "scan" else {"urls": [URL]}
    answer = await ann("POST", f"/projects/tea/{path}", json={**body, **more})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, list(more))
    assert starter.started == []


@pytest.mark.parametrize("path", ["scan", "batch"])
async def test_only_the_owner_asks_for_work(ann, bob, starter, path):
    body = {"url": URL} if path == "scan" else {"urls": [URL]}
    assert (await bob("POST", f"/projects/tea/{path}", json=body)).status_code == 403
    assert (await ann("POST", f"/projects/default/{path}", json=body)).status_code == 403
    assert (await ann("POST", f"/projects/none/{path}", json=body)).status_code == 404
    assert (await ann("POST", f"/projects/a%2Fb/{path}", json=body)).status_code in {404, 422}
    assert starter.started == []


async def test_without_a_key_of_its_own_each_call_is_another(ann, starter):
    runs = {(await ann("POST", "/projects/tea/scan", json={"url": URL})).json()["run_id"] for _ in range(3)}
    assert len(runs) == len(starter.started) == 3


async def test_the_same_key_is_the_same_request(ann, bob, starter):
    again = {"Idempotency-Key": "order-1"}
    answers = await asyncio.gather(
        *(ann("POST", "/projects/tea/scan", json={"url": URL}, headers=again) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len(starter.started) == 1
    assert (await bob("POST", "/projects/coffee/scan", json={"url": URL}, headers=again)).status_code == 202
    assert len(starter.started) == 2


async def test_a_key_used_for_something_else_conflicts(ann, starter):
    again = {"Idempotency-Key": "order-1"}
    assert (await ann("POST", "/projects/tea/scan", json={"url": URL}, headers=again)).status_code == 202
    for path, body in (("scan", {"url": "https://tea.example/"}), ("batch", {"urls": [URL]})):
        answer = await ann("POST", f"/projects/tea/{path}", json=body, headers=again)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert len(starter.started) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "ann:1"])
async def test_keys_that_cannot_be(ann, key):
    answer = await ann("POST", "/projects/tea/scan", json={"url": URL}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == ["idempotency-key"]


async def test_more_than_may_wait_is_put_off(ann, bob, starter):
    first = await ann("POST", "/projects/tea/scan", json={"url": URL}, headers={"Idempotency-Key": "first"})
    for _ in range(2):
        await ann("POST", "/projects/tea/scan", json={"url": URL})
    answer = await ann("POST", "/projects/tea/scan", json={"url": URL})
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-waiting")
    assert int(answer.headers["retry-after"]) > 0
    assert len(starter.started) == 3
    other = await ann("POST", "/projects/tea/scan", json={"url": "https://tea.example/refused"})
    assert (other.status_code, starter.store.known_page(page_id("tea", "https://tea.example/refused"))) == (429, None)
    repeated = await ann("POST", "/projects/tea/scan", json={"url": URL}, headers={"Idempotency-Key": "first"})
    assert repeated.json() == first.json()
    assert (await bob("POST", "/projects/coffee/scan", json={"url": URL})).status_code == 202
    starter.store.requests.begin("api:ann:first", "flow-run-1")
    assert (await ann("POST", "/projects/tea/scan", json={"url": URL})).status_code == 202


async def test_prefect_away(ann, starter):
    starter.away = True
    for _ in range(5):  # none of them waits
        answer = await ann("POST", "/projects/tea/scan", json={"url": URL})
        assert (answer.status_code, answer.json()["message"]) == (503, "Failed to queue scan")
    assert starter.store.known_page(page_id("tea", URL)) is None
    again = {"Idempotency-Key": "order-1"}
    await ann("POST", "/projects/tea/scan", json={"url": URL}, headers=again)
    assert starter.store.requests.waiting("ann") == 1
    starter.away = False
    answer = await ann("POST", "/projects/tea/scan", json={"url": URL}, headers=again)
    assert answer.status_code == 202
    assert answer.json()["run_id"] == starter.store.requests.get("api:ann:order-1").run_id
