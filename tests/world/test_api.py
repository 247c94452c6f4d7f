"""The HTTP door before a real Prefect server, with `seo serve` doing the work."""

import json
import os
import re
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError
from uuid import uuid4

import pytest

from deployments.api.signature import SIGNATURE_HEADER, TIME_HEADER, sign
from tasks.urls import page_id
from tests.loopback import wait_for
from tests.world.prefect_world import prefect_world, slow_crawl, until
from tests.world.shared_store import postgresql

pytestmark = pytest.mark.world

SECRET = "a-secret-of-the-world-tests"


@pytest.fixture(scope="module")
def world(tmp_path_factory, docs_site):
    """A Prefect server on PostgreSQL, `seo serve` and `seo api` on it."""
    settings = {
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "SEO_ALLOW": docs_site.host_port,
        "SEO_SCANS_PER_MINUTE": "1000",
        "SEO_WEBHOOK_KEY": SECRET,
    }
    with prefect_world(tmp_path_factory.mktemp("door"), database=postgresql(), **settings) as world:
        saved = world.run("seo", "blocks", "store", world.data)
        assert saved.returncode == 0, saved.stderr
        world.start("serve", "seo", "serve", "--limit", "2")
        until(lambda: "Ctrl-C ends it" in world.log("serve"), what="the start of seo serve")
        world.start("api", "seo", "api", "--port", 0)
        until(lambda: "listening on" in world.log("api"), what="the start of seo api")
        yield world


@pytest.fixture(scope="module")
def door(world):
    """The address that `seo api` told."""
    address = re.search(r"listening on (\S+?);", world.log("api"))[1]
    wait_for(f"{address}/health")
    return address


@pytest.fixture(scope="module")
def ask(world, door):
    """Asks with a key that `seo keys add` made: (status, body)."""
    made = world.run("seo", "keys", "add", "local", "--data", world.data)
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()

    def ask(method, path, body=None, **headers):
        content = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        return asked(urllib.request.Request(f"{door}{path}", content, sent, method=method))  # noqa: S310 - loopback

    return ask


def asked(request):
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
            return answer.status, json.loads(answer.read())
    except HTTPError as error:
        return error.code, json.loads(error.read())


def send(door, event):
    body = json.dumps(event).encode()
    timestamp = str(int(time.time()))
    headers = {TIME_HEADER: timestamp, SIGNATURE_HEADER: sign(SECRET, timestamp, body)}
    return asked(urllib.request.Request(f"{door}/webhooks/events", body, headers))  # noqa: S310 - loopback


def finished(ask, run_id):
    def done():
        _, told = ask("GET", f"/batches/{run_id}")
        run = told["runs"][0]
        return run if run["state"] not in {"queued", "running"} else None

    return until(done, what=f"the end of run {run_id}")


def test_a_scan_from_request_to_result(world, docs_site, ask):
    url = f"{docs_site.base}/pg/index.html"
    status, queued = ask("POST", "/projects/default/scan", {"url": url})
    assert (status, queued["message"], queued["page_id"]) == (202, "Scan queued", page_id("default", url))
    run = finished(ask, queued["run_id"])
    assert (run["state"], run["kind"], run["total_pages"], run["done"]) == ("completed", "scan", 1, 1)
    status, page = ask("GET", f"/pages/{queued['page_id']}")
    assert (status, page["url"], page["scan"]["status"]) == (200, url, 200)
    assert page["scan"]["run_id"] == queued["run_id"]
    assert "PostgreSQL" in page["scan"]["facts"]["title"]
    _, issues = ask("GET", "/projects/default/issues?limit=1000")
    assert {issue["page_id"] for issue in issues["issues"]} == {queued["page_id"]}
    assert {issue["rule"] for issue in issues["issues"]} >= {issue["rule"] for issue in page["scan"]["issues"]}
    assert world.ended("scan-page", url=url)["state_type"] == "COMPLETED"

    def told():
        _, answer = ask("GET", "/notifications?unread=true")
        return [one for one in answer["notifications"] if one["run_id"] == queued["run_id"]]

    (notification, *_) = until(told, what="the notification")
    assert notification["type"] == "success"
    assert ask("PATCH", f"/notifications/{notification['id']}", {"read": True})[1]["read"] is True


def test_the_same_key_starts_one_run(world, docs_site, ask):
    url = f"{docs_site.base}/pg/bookindex.html"
    again = {"Idempotency-Key": "once"}
    answers = [ask("POST", "/projects/default/scan", {"url": url}, **again) for _ in range(3)]
    assert {status for status, _ in answers} == {202}
    assert len({told["run_id"] for _, told in answers}) == 1
    assert ask("POST", "/projects/default/batch", {"urls": [url]}, **again)[0] == 409
    assert finished(ask, answers[0][1]["run_id"])["state"] == "completed"
    assert len(world.flow_runs("scan-page", url=url)) == 1


def test_a_request_cannot_name_what_is_inside(world, ask):
    """What a person types may be local; what comes by HTTP is judged by the address guard, with the blocks' list."""
    inside = f"http://127.0.0.1:{world.port}/api/health"
    _, queued = ask("POST", "/projects/default/scan", {"url": inside})
    run = finished(ask, queued["run_id"])
    assert (run["failed"], run["done"]) == (1, 1)
    _, page = ask("GET", f"/pages/{queued['page_id']}")
    assert (page["scan"]["outcome"], page["scan"]["reason"]) == ("failed", "address-refused")


def test_a_batch_by_webhook_and_the_same_event_again(world, docs_site, door, ask):
    urls = [f"{docs_site.base}/pg/{name}.html" for name in ("tutorial", "sql", "admin")]
    data = {"project_id": "default", "user_id": "local", "urls": urls}
    event = {"id": str(uuid4()), "name": "project/batch.scan", "data": data}
    answers = [send(door, event) for _ in range(2)]
    assert [status for status, _ in answers] == [202, 202]
    assert answers[0] == answers[1]
    run = finished(ask, answers[0][1]["run_id"])
    assert (run["state"], run["kind"], run["total_pages"], run["done"]) == ("completed", "batch", 3, 3)
    assert len(world.flow_runs("batch-scan", project_id="default")) == 1
    assert send(door, {**event, "data": {**data, "urls": "x"}})[1]["fields"].keys() == {"data.urls"}


def test_every_request_by_webhook_and_one_emitted_once_more(world, docs_site, door, ask):
    url = f"{docs_site.base}/pg/sql.html?hook"
    page = {"page_id": page_id("default", url), "url": url, "user_id": "local"}
    asked = {
        name: {"id": str(uuid4()), "name": name, "data": data}
        for name, data in {
            "page/scan.requested": page,
            "page/analyze.requested": page,
            "notification/send": {"user_id": "local", "title": "By webhook", "message": "once"},
        }.items()
    }
    scan = asked["page/scan.requested"]
    status, told = send(door, scan)
    assert status == 202
    assert finished(ask, told["run_id"])["state"] == "completed"
    for event in asked.values():
        status, told = send(door, event)
        assert (status, finished(ask, told["run_id"])["state"]) == (202, "completed")
    for event, flow in (("page/analyze.requested", "analyze-page"), ("notification/send", "send-notification")):
        assert world.ended(flow, request_id=asked[event]["id"])["state_type"] == "COMPLETED"

    emitted = {"event": scan["name"], "payload": scan["data"], "id": scan["id"]}
    occurred = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def begun_by_event():
        if len(world.flow_runs("scan-page", url=url)) >= 2:
            return True
        # Prefect delivers an event at most once: this one may be lost.
        world.post("/events", [{**emitted, "occurred": occurred, "resource": {"prefect.resource.id": "seo.test"}}])
        return False

    until(begun_by_event, every=15, what="the run that the emitted event starts")

    def messages():
        return sorted(run["state"]["message"] or "" for run in world.flow_runs("scan-page", url=url))

    until(lambda: messages()[-1].startswith("already done by run "), what="its end")
    lines = [line.split()[-1] for line in docs_site.log.read_text().splitlines()]
    assert lines.count("/pg/sql.html?hook") == 1
    _, told = ask("GET", "/notifications")
    assert [one["message"] for one in told["notifications"] if one["title"] == "By webhook"] == ["once"]


def test_a_run_is_cancelled_by_webhook(world, docs_site, door):
    run = slow_crawl(world, docs_site, "cas")
    data = {"run_id": run.run_id, "user_id": "cas"}
    assert send(door, {"id": str(uuid4()), "name": "run/cancel.requested", "data": data})[0] == 202
    until(lambda: world.get(f"/flow_runs/{run.prefect_flow_run_id}")["state_type"] == "CANCELLED")


def test_what_the_page_on_http_says_works(world, docs_site, door):
    text = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
    for written, here in (
        ("http://127.0.0.1:8000", door),
        ("/srv/seo", str(world.data)),
        ("https://example.com/tea", f"{docs_site.base}/pg/reference.html"),
        ("https://example.com/", f"{docs_site.base}/pg/index.html"),
    ):
        text = text.replace(written, here)
    script = "\n".join(["set -euo pipefail", *re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)])
    done = subprocess.run(
        ["bash", "-c", script],
        env={**world.environment, "PATH": f"{world.scripts}:{os.environ['PATH']}"},
        cwd=world.folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Scan queued" in done.stderr
    assert '"state":"' in done.stdout
    assert '"message":"Event accepted","id":"order-4711"' in done.stdout
    assert done.stdout.count('"code":') == 1, done.stdout  # no Pusher here
    defined = {}
    exec(re.search(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1], defined)  # noqa: S102 - our own page
    event = {"id": "by-python", "name": "notification/send", "data": {"user_id": "ann", "title": "Hi", "message": "m"}}
    assert defined["send"](f"{door}/webhooks/events", SECRET, event)["id"] == "by-python"


def test_without_prefect_nothing_is_queued_and_the_door_stays(world, ask):
    world.kill("serve")
    world.kill("server")
    status, told = ask("POST", "/projects/default/scan", {"url": "https://seo-scan.invalid/"})
    assert (status, told["message"]) == (503, "Failed to queue scan")
    assert "Traceback" not in json.dumps(told)
    assert ask("GET", "/health")[1] == {"status": "degraded", "prefect": "away"}
    assert ask("GET", "/notifications")[0] == 200
    assert world.stop("api") == 0
