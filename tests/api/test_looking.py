"""Pages, batches, issues and notifications: the caller's own, and nobody else's."""

from datetime import UTC, datetime

import pytest

from deployments.api.door import Ended
from tasks.model import Severity
from tasks.store import NewRecommendation, RunSpec, RunState
from tasks.urls import page_id

URL = "https://tea.example/green"
OTHER = "https://tea.example/black"
PAGE = page_id("tea", URL)


async def test_a_page_that_was_only_asked_for(ann):
    queued = (await ann("POST", "/projects/tea/scan", json={"url": URL})).json()
    answer = await ann("GET", f"/pages/{queued['page_id']}")
    assert answer.status_code == 200
    assert answer.json() == {
        "page_id": PAGE, "project_id": "tea", "url": URL, "scan": None, "recommendations": [],
    }  # fmt: skip


async def test_a_page_with_its_scan_and_advice(ann, store, scanned, stored_page, found):
    run = scanned(stored_page(URL, "tea", found("title-too-short", Severity.WARNING)))
    advice = NewRecommendation(
        title="Say more", description="d", priority="high", category="title", findings=("0title-too-short",),
        rules=("title-too-short",), proposed_title="Green tea of the first harvest",
    )  # fmt: skip
    store.recommendations.save(run.run_id, PAGE, URL, [advice], source="rules")
    told = (await ann("GET", f"/pages/{PAGE}")).json()
    assert (told["scan"]["run_id"], told["scan"]["status"], told["scan"]["outcome"]) == (run.run_id, 200, "completed")
    assert told["scan"]["facts"]["title"] == "Green tea"
    assert told["scan"]["facts"]["structured_data"][0]["data"] == {"@type": "Product", "name": "?", "n": None}
    assert [(issue["rule"], issue["evidence"]) for issue in told["scan"]["issues"]] == [
        ("title-too-short", {"length": 3})
    ]
    assert [(one["title"], one["priority"], one["source"]) for one in told["recommendations"]] == [
        ("Say more", "high", "rules")
    ]


async def test_a_batch_by_its_id_and_by_its_run(ann, scanned, stored_page, found):
    first = scanned(stored_page(URL, "tea"))
    second = scanned(stored_page(URL, "tea", found("a", Severity.ERROR)), stored_page(OTHER, "tea"))
    told = (await ann("GET", "/batches/b1")).json()
    assert [run["run_id"] for run in told["runs"]] == [second.run_id, first.run_id]
    newest = told["runs"][0]
    assert (newest["state"], newest["total_pages"], newest["done"], newest["failed"]) == ("completed", 2, 2, 0)
    assert (newest["errors"], newest["warnings"]) == (1, 0)
    assert newest["started_at"] <= newest["finished_at"]
    assert (await ann("GET", f"/batches/{second.run_id}")).json()["runs"] == [newest]


@pytest.mark.parametrize("payload", ["{}", '{"project_id": "tea"}'])
async def test_a_run_that_a_trigger_claimed(ann, store, payload):
    store.requests.claim("e1", "run-1", flow="scan-page", user_id="ann", payload=payload, origin="trigger")
    (run,) = (await ann("GET", "/batches/run-1")).json()["runs"]
    assert (run["state"], run["kind"]) == ("queued", "scan")
    assert run["project_id"] == ("tea" if "tea" in payload else "default")


async def test_work_that_failed_and_is_tried_again_is_running(ann, store):
    store.requests.claim("e1", "run-1", flow="analyze-page", user_id="ann", origin="webhook")
    states = []
    for step in (lambda: store.requests.begin("e1", "f1"), lambda: store.requests.end("f1", "failed")) * 2:
        step()
        states += [run["state"] for run in (await ann("GET", "/batches/run-1")).json()["runs"]]
    assert states == ["running", "failed", "running", "failed"]


@pytest.mark.parametrize("state", [None, "completed", "failed", "cancelled"])
async def test_work_that_is_no_scan_from_its_beginning_to_its_end(ann, door, store, state):
    async def how_ended(flow_run_id):
        assert flow_run_id == "f1"
        return state and Ended(RunState(state), datetime(2026, 11, 23, tzinfo=UTC))

    object.__setattr__(door, "how_ended", how_ended)
    store.requests.claim("e1", "run-1", flow="analyze-page", user_id="ann", origin="webhook")
    (run,) = (await ann("GET", "/batches/run-1")).json()["runs"]
    assert (run["state"], run["kind"], run["started_at"]) == ("queued", "analyze-page", None)
    store.requests.begin("e1", "f1")
    (run,) = (await ann("GET", "/batches/run-1")).json()["runs"]
    assert (run["state"], run["finished_at"]) == (state or "running", state and "2026-11-23T00:00:00Z")
    assert run["started_at"] is not None


async def test_issues_are_those_of_each_page_as_last_scanned(ann, scanned, stored_page, found):
    first = scanned(
        stored_page(URL, "tea", found("old", Severity.ERROR)), stored_page(OTHER, "tea", found("kept", Severity.NOTICE))
    )
    second = scanned(stored_page(URL, "tea", found("b", Severity.WARNING), found("a", Severity.ERROR)))
    told = (await ann("GET", "/projects/tea/issues")).json()
    assert [(issue["rule"], issue["run_id"], issue["url"]) for issue in told["issues"]] == [
        ("a", second.run_id, URL),
        ("b", second.run_id, URL),
        ("kept", first.run_id, OTHER),
    ]
    assert told["next_offset"] is None
    assert told["issues"][0]["evidence"] == {"length": 3}

    async def rules(query):
        answer = (await ann("GET", f"/projects/tea/issues?{query}")).json()
        return [issue["rule"] for issue in answer["issues"]], answer["next_offset"]

    assert await rules("limit=2") == (["a", "b"], 2)
    assert await rules("limit=2&offset=2") == (["kept"], None)
    assert await rules("severity=warning") == (["b"], None)
    assert await rules("rule=kept") == (["kept"], None)
    assert await rules(f"run_id={first.run_id}") == (["old", "kept"], None)
    assert await rules("run_id=nope") == ([], None)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "offset=-1", "severity=fatal", "rule=a%20b", "limit=x", "servity=error"]
)
async def test_questions_that_cannot_be(ann, query):
    answer = await ann("GET", f"/projects/tea/issues?{query}")
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [query.partition("=")[0]])


async def test_nobody_sees_what_is_someone_elses(bob, ann, scanned, stored_page, store):
    run = scanned(stored_page(URL, "tea"))
    told = store.notifications.add(key="k", user_id="ann", title="t", message="m", type="info")
    queued = (await ann("POST", "/projects/tea/batch", json={"urls": [URL]})).json()["run_id"]
    for path in (f"/pages/{PAGE}", "/batches/b1", f"/batches/{run.run_id}", "/projects/tea/issues"):
        assert (await bob("GET", path)).status_code == 403, path
    assert (await bob("PATCH", f"/notifications/{told.id}", json={"read": True})).status_code == 403
    assert (await bob("GET", f"/batches/{queued}")).status_code == 404
    assert (await bob("GET", "/notifications")).json() == {"notifications": []}


async def test_a_queued_run_that_was_cancelled_says_so(ann, store):
    queued = (await ann("POST", "/projects/tea/batch", json={"urls": [URL]})).json()["run_id"]
    assert (await ann("GET", f"/batches/{queued}")).json()["runs"][0]["state"] == "queued"
    request = store.requests.of_run(queued, "ann")
    store.requests.confirm(request.request_id, "f1")
    store.requests.end("f1", "cancelled")
    (told,) = (await ann("GET", f"/batches/{queued}")).json()["runs"]
    assert (told["state"], told["kind"], told["project_id"]) == ("cancelled", "batch", "tea")
    assert store.requests.waiting("ann") == 0


async def test_the_user_of_a_run_sees_it_in_anybodys_project(bob, store):
    run = store.start_run(RunSpec(kind="scan", project_id="tea", user_id="bob"))
    assert (await bob("GET", f"/batches/{run.run_id}")).json()["runs"][0]["state"] == "running"


@pytest.mark.parametrize("path", ["/pages/none", "/batches/none", "/projects/none/issues"])
async def test_what_there_is_not(ann, path):
    assert (await ann("GET", path)).status_code == 404


async def test_notifications_are_listed_followed_and_read(ann, store):
    first, second, third = (
        store.notifications.add(key=str(n), user_id="ann", title=f"t{n}", message="m", type="success", run_id="r1")
        for n in range(3)
    )
    told = (await ann("GET", "/notifications?limit=2")).json()["notifications"]
    assert [one["id"] for one in told] == [third.id, second.id]
    assert (told[0]["title"], told[0]["type"], told[0]["read"], told[0]["run_id"]) == ("t2", "success", False, "r1")
    assert "key" not in told[0]
    after = (await ann("GET", f"/notifications?after={first.id}")).json()["notifications"]
    assert [one["id"] for one in after] == [second.id, third.id]
    for _ in range(2):
        answer = await ann("PATCH", f"/notifications/{second.id}", json={"read": True})
        assert (answer.status_code, answer.json()["read"]) == (200, True)
    unread = (await ann("GET", "/notifications?unread=true")).json()["notifications"]
    assert [one["id"] for one in unread] == [third.id, first.id]


@pytest.mark.parametrize("body", [{}, {"read": False}, {"read": True, "title": "x"}, []])
async def test_only_reading_changes_a_notification(ann, body):
    assert (await ann("PATCH", "/notifications/1", json=body)).status_code == 422


@pytest.mark.parametrize(("number", "status"), [("999", 404), ("0", 422), ("x", 422), (str(2**63), 422)])
async def test_numbers_that_no_notification_has(ann, number, status):
    assert (await ann("PATCH", f"/notifications/{number}", json={"read": True})).status_code == status
