"""Flows as deployments of a real Prefect server: events, schedules, limits, workers."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager
from uuid import uuid4

import pytest

from deployments.automations import HEARTBEAT_SECONDS, silent_runs, stillborn_runs
from tasks.store import RunState, Store, connect
from tasks.urls import page_id
from tests.world.facts import counted
from tests.world.prefect_world import prefect_world, processes_with, slow_crawl, until
from tests.world.shared_store import postgresql

pytestmark = pytest.mark.world

SCANS_PER_MINUTE = 12
VANISHED = 60
FLOWS = {
    "scan-page", "batch-scan", "crawl-site", "analyze-page", "send-notification", "cancel-run", "settle-run",
    "maintain-store",
}  # fmt: skip
EMIT = """\
import json, sys, uuid
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
name, payload, event_id = sys.argv[1:]
emit_event(name, resource={"prefect.resource.id": "seo.test"}, payload=json.loads(payload), id=uuid.UUID(event_id))
EventsWorker.instance().drain()
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory, docs_site):
    """A server on PostgreSQL, as several workers need it, and `seo serve` on it."""
    settings = {
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT1S",
        "SEO_ALLOW": docs_site.host_port,
        "SEO_SCANS_PER_MINUTE": str(SCANS_PER_MINUTE),
    }
    with prefect_world(tmp_path_factory.mktemp("deployed"), database=postgresql(), **settings) as world:
        saved = world.run("seo", "blocks", "store", world.data)
        assert saved.returncode == 0, saved.stderr
        start_serving(world)
        yield world


def start_serving(world):
    serving = world.start("serve", "seo", "serve", "--limit", "4")
    until(lambda: "Ctrl-C ends it" in last_log(world) or serving.poll() is not None, what="its start")
    assert serving.poll() is None, world.log("serve")


def last_log(world):
    """What `seo serve` has told since it was started the last time."""
    return world.log("serve").rpartition("stopped; ")[2]


def emit(world, name, event_id=None, **payload):
    """As any other system would, over HTTP; returns the event's id."""
    event_id = event_id or str(uuid4())
    resource = {"prefect.resource.id": "seo.test"}
    occurred = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event = {"occurred": occurred, "event": name, "resource": resource, "payload": payload, "id": event_id}
    world.post("/events", [event])
    return event_id


def emit_by_command(world, name, **payload):
    """As people do; returns the event's id."""
    told = world.run(*("prefect", "event", "emit", name, "--resource-id", "seo.test", "--payload", json.dumps(payload)))
    assert told.returncode == 0, told.stderr
    return re.search(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", told.stdout.replace("\n", ""))[0]


def url_of(docs_site, number):
    """An address that nobody else asks the site for."""
    return f"{docs_site.urls('pg')[number]}?deployed"


def fetches(docs_site, *urls):
    lines = [line.split()[-1] for line in docs_site.log.read_text().splitlines()]
    return [lines.count(url.removeprefix(docs_site.base)) for url in urls]


def notifications(world, user):
    with Store.open(world.data) as store:
        return store.notifications.list(user)


def test_it_says_what_it_serves_where_it_is_seen_and_how_to_start_a_run(world):
    told = world.log("serve")
    assert f"results go to {world.data}" in told
    assert "page/scan.requested" in told
    assert f"http://127.0.0.1:{world.port}" in told
    assert "prefect deployment run 'scan-page/default' -p url=" in told
    deployments = world.post("/deployments/filter", {})
    assert {deployment["name"] for deployment in deployments} == {"default"}
    assert {deployment["entrypoint"].split(".")[1].replace("_", "-") for deployment in deployments} == FLOWS
    assert all(deployment["entrypoint"].startswith("flows.") for deployment in deployments)
    assert all(deployment["enforce_parameter_schema"] for deployment in deployments)


def test_each_request_event_does_its_work_once(world, docs_site):
    first, second, third = (url_of(docs_site, number) for number in range(3))
    page = page_id("default", first)
    scan = emit_by_command(world, "page/scan.requested", page_id=page, url=first, user_id="ann")
    batch = emit_by_command(world, "project/batch.scan", project_id="books", user_id="ann", urls=[second, third])
    emit_by_command(world, "notification/send", user_id="ann", title="Hello", message="{{ 7 * 7 }}")
    assert world.ended("scan-page", request_id=scan)["state_type"] == "COMPLETED"
    assert world.ended("batch-scan", request_id=batch)["state_type"] == "COMPLETED"
    until(lambda: [told.message for told in notifications(world, "ann") if told.title == "Hello"] == ["{{ 7 * 7 }}"])
    until(lambda: "Scan Complete" in {told.title for told in notifications(world, "ann")})
    assert fetches(docs_site, first, second, third) == [1, 1, 1]
    with Store.open(world.data) as store:
        runs = {run.project_id: run for run in store.list_runs()}
        assert (runs["books"].kind, runs["books"].total, runs["books"].state) == ("batch", 2, RunState.COMPLETED)
        assert store.known_page(page).url == first


def test_an_analysis_is_asked_for_by_its_own_event(world, docs_site):
    url = url_of(docs_site, 0)
    page = page_id("default", url)
    asked = emit_by_command(world, "page/analyze.requested", page_id=page, url=url, user_id="ann")
    assert world.ended("analyze-page", request_id=asked)["state_type"] == "COMPLETED"
    with Store.open(world.data) as store:
        assert {advice.source for advice in store.recommendations.of_page(page)} == {"rules"}


def test_the_same_id_from_two_processes_is_worked_on_once(world, docs_site):
    url = url_of(docs_site, 5)
    event_id = str(uuid4())
    payload = json.dumps({"page_id": page_id("default", url), "url": url, "user_id": "bob"})
    command = [str(world.scripts / "python"), "-c", EMIT, "page/scan.requested", payload, event_id]
    emitting = [subprocess.Popen(command, env=world.environment, cwd=world.folder) for _ in range(2)]
    assert [process.wait(60) for process in emitting] == [0, 0]
    # Prefect itself drops the second; where it forgot the first, as here by hand, the claim holds
    world.ended("scan-page", request_id=event_id)
    again = world.run(
        *("prefect", "deployment", "run", "scan-page/default", "-p", f"url={url}", "-p", f"request_id={event_id}"),
        *("-p", "user_id=bob"),
    )
    assert again.returncode == 0, again.stderr
    until(lambda: len(world.flow_runs("scan-page", request_id=event_id)) == 2)

    def messages():
        return sorted(run["state"]["message"] or "" for run in world.flow_runs("scan-page", request_id=event_id))

    until(lambda: messages()[-1].startswith("already done by run "), what="the second run's end")
    assert fetches(docs_site, url) == [1]


def test_records_start_nothing_and_malformed_events_say_what_is_wrong(world, docs_site):
    url = url_of(docs_site, 6)
    scan = {"page_id": "p", "url": url, "user_id": "eve"}
    world.post("/variables/", {"name": f"secret_{world.port}", "value": "canary-variable"})
    variable = {"__prefect_kind": "workspace_variable", "variable_name": f"secret_{world.port}"}
    jinja = {"__prefect_kind": "jinja", "template": "{{ 7 * 7 }}"}
    records = ("page/scan.accepted", "page/scan.completed", "page/analysis.completed", "batch/finished")
    for record in records:
        emit(world, record, **scan)
    wrong = {
        emit(world, "page/scan.requested", page_id="p", user_id="eve"): "url needs a text",
        emit(world, "page/scan.requested", **{**scan, "url": variable}): "url needs a text",
        emit(world, "page/scan.requested", **{**scan, "url": "ftp://a.example/"}): "url is no web address",
        emit(world, "page/scan.requested", **{**scan, "user_id": "../eve"}): "user_id has characters",
        emit(world, "page/scan.requested", **scan, options={"data": "/tmp"}): "fields other than page_id, url, user_id",  # noqa: S108
        emit(world, "project/batch.scan", project_id="p", user_id="eve", urls=[url, variable]): "urls needs a list",
        emit(world, "project/batch.scan", project_id="p", user_id="eve"): "give either urls or batch_id",
        emit(world, "notification/send", user_id="eve", title="t", message="m", type="loud"): "type is none of info",
        emit(world, "run/cancel.requested", run_id=jinja, user_id="eve"): ("run_id needs a text"),
    }
    failed = "prefect.automation.action.failed"

    def refusals():
        reasons = {
            related["prefect.resource.id"].removeprefix("prefect.event."): event["payload"]["reason"]
            for event in world.events(failed)
            for related in event["related"]
            if related["prefect.resource.role"] == "triggering-event"
        }
        return reasons if wrong.keys() <= reasons.keys() else None

    reasons = until(refusals, what="the refusal of each")
    # where the flow's own schema sees it too, that is what Prefect says
    unsaid = {event_id: reasons[event_id] for event_id in wrong if wrong[event_id].split()[0] not in reasons[event_id]}
    assert unsaid == {}
    until(lambda: world.log("serve").count("no run: ") >= len(wrong), what="the refusals in the log")
    assert "url needs a text" in world.log("serve")
    assert "url needs a text" in world.log("server")
    for flow in FLOWS:
        assert world.flow_runs(flow, user_id="eve") == []
    assert "canary-variable" not in world.log("serve") + json.dumps(reasons)


def test_a_user_who_asks_too_fast_waits(world, docs_site):
    limit = {"name": "seo-scans-hasty", "limit": SCANS_PER_MINUTE, "active_slots": 0}
    world.post("/v2/concurrency_limits/", {**limit, "slot_decay_per_second": SCANS_PER_MINUTE / 60})
    all_slots = {"names": ["seo-scans-hasty"], "slots": SCANS_PER_MINUTE, "mode": "rate_limit"}
    until(lambda: world.post("/v2/concurrency_limits/increment", all_slots, refused=503))
    taken = time.time()
    asked = emit(world, "page/scan.requested", page_id="h", url=url_of(docs_site, 7), user_id="hasty")
    run = world.ended("scan-page", request_id=asked)
    assert run["state_type"] == "COMPLETED"
    throttled = world.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    assert "throttle" in {task["name"].rpartition("-")[0] for task in throttled}
    limit = world.get("/v2/concurrency_limits/seo-scans-hasty")
    assert (limit["limit"], round(limit["slot_decay_per_second"], 3)) == (SCANS_PER_MINUTE, 0.2)
    assert time.time() - taken > 60 / SCANS_PER_MINUTE - 1


def test_crawls_are_scheduled_listed_and_ended(world, docs_site):
    added = world.run(
        *("seo", "schedule", "add", f"{docs_site.base}/dj/", "--cron", "30 4 * * 1", "--timezone", "Europe/Berlin"),
        *("--max-pages", "20", "--name", "dj", "--time-budget", "30m", "--changed-only"),
    )
    assert added.returncode == 0, added.stderr

    def listed():
        answer = world.run("seo", "schedule", "list", "--format", "json")
        assert answer.returncode == 0, answer.stderr
        rows = json.loads(answer.stdout)
        return rows if rows and rows[0]["next_at"] else None

    (crawl,) = until(listed, every=1, what="the first planned crawl")
    assert (crawl["name"], crawl["site"], crawl["cron"]) == ("dj", f"{docs_site.base}/dj/", "30 4 * * 1")
    assert (crawl["timezone"], crawl["wishes"]["max_pages"]) == ("Europe/Berlin", 20)
    assert (crawl["wishes"]["time_budget"], crawl["wishes"]["changed_only"]) == (1800, True)
    taken = world.run("seo", "schedule", "add", "https://a.example/", "--cron", "0 3 * * *", "--name", "dj")
    assert (taken.returncode, "there is a schedule 'dj'" in taken.stderr) == (2, True)
    wrong = world.run("seo", "schedule", "add", "https://a.example/", "--cron", "at noon")
    assert (wrong.returncode, "crontab" in wrong.stderr) == (2, True), wrong.stderr
    removed = world.run("seo", "schedule", "remove", "dj")
    assert removed.returncode == 0, removed.stderr
    absent = world.run("seo", "schedule", "remove", "dj")
    assert (absent.returncode, "there are none" in absent.stderr) == (2, True)


def test_a_run_is_cancelled_by_an_event(world, docs_site):
    run = slow_crawl(world, docs_site, "cas")
    asked = emit_by_command(world, "run/cancel.requested", run_id=run.run_id, user_id="cas")
    assert world.ended("cancel-run", request_id=asked)["state_type"] == "COMPLETED"
    until(lambda: world.get(f"/flow_runs/{run.prefect_flow_run_id}")["state_type"] == "CANCELLED")
    with Store.open(world.data) as store:
        assert store.get_run(run.run_id).state in {RunState.CANCELLED, RunState.INTERRUPTED}
    until(lambda: "Run Cancelled" in {told.title for told in notifications(world, "cas")})


def test_a_run_that_died_is_told_of_though_serving_starts_again_at_once(world, docs_site):
    run = slow_crawl(world, docs_site, "kim")
    of_run = {"resource": {"id": [f"prefect.flow-run.{run.prefect_flow_run_id}"]}}
    until(lambda: world.events("prefect.flow-run.heartbeat", **of_run), what="a heartbeat")
    world.kill("serve")
    signal_all(processes_with(run.prefect_flow_run_id), signal.SIGKILL)
    start_serving(world)
    assert state_of(world, run.prefect_flow_run_id) == "RUNNING"
    until(lambda: state_of(world, run.prefect_flow_run_id) == "CRASHED", what="the crash")
    until(lambda: [told.title for told in notifications(world, "kim")] == ["Run Failed"])
    with Store.open(world.data) as store:
        assert store.get_run(run.run_id).state == RunState.INTERRUPTED


def test_a_run_that_dies_before_its_first_heartbeat_has_crashed(world):
    silent_for(world, HEARTBEAT_SECONDS + 10)
    silent_for(world, HEARTBEAT_SECONDS + 10, stillborn_runs())
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    waiting = planned(world, "ida", type="SCHEDULED", state_details={"scheduled_time": tomorrow})
    taken, begun = (planned(world, "ida", type="PENDING", name="Submitting") for _ in range(2))
    set_state(world, begun, "RUNNING")
    until(lambda: state_of(world, begun) == state_of(world, taken) == "CRASHED", what="the crashes")
    until(lambda: [told.title for told in notifications(world, "ida")] == ["Run Failed"] * 2)
    assert state_of(world, waiting) == "SCHEDULED"
    silent_for(world, 90)
    silent_for(world, 1800, stillborn_runs())


def test_a_queued_run_that_is_cancelled_by_hand_is_told_of(world):
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    run = planned(world, "una", type="SCHEDULED", state_details={"scheduled_time": tomorrow})
    set_state(world, run, "CANCELLING")
    (told,) = until(lambda: notifications(world, "una"))
    assert (told.title, told.message.partition(" ")[2]) == ("Run Cancelled", "cancelled: it had not begun and will not")


def planned(world, user, **state):
    """The id of a crawl of theirs in that state, which has no process."""
    deployment = world.get("/deployments/name/crawl-site/default")["id"]
    parameters = {"start_url": "https://tea.example/", "user_id": user}
    asked = (f"/deployments/{deployment}/create_flow_run", {"parameters": parameters, "state": state})
    return until(lambda: world.post(*asked, refused=503), what="a run")["id"]


def set_state(world, flow_run_id, state):
    """As the UI does; again where the server is busy."""
    asked = (f"/flow_runs/{flow_run_id}/set_state", {"state": {"type": state}})
    until(lambda: world.post(*asked, refused=503), what=f"{state} of a run")


def state_of(world, flow_run_id):
    return world.get(f"/flow_runs/{flow_run_id}")["state_type"]


def test_a_deployment_keeps_its_data_where_its_block_says(world, docs_site, tmp_path):
    started = world.run(
        *("prefect", "deployment", "run", "scan-page/default", "-p", f"url={url_of(docs_site, 8)}"),
        *("-p", "user_id=mal", "-p", json.dumps({"data": str(tmp_path / "elsewhere")}).join(("options=", ""))),
    )
    assert started.returncode == 0, started.stderr
    run = world.ended("scan-page", user_id="mal")
    assert run["state_type"] == "FAILED"
    assert "only the SEO Result Store block says" in run["state"]["message"]
    assert not (tmp_path / "elsewhere").exists()
    until(lambda: [told.type for told in notifications(world, "mal")] == ["error"])


def test_ctrl_c_is_left_to_it_by_the_processes_of_runs(world, docs_site):
    until(world.idle, what="the end of all that runs")
    run = slow_crawl(world, docs_site, "lev")
    of_runs = processes_with(run.prefect_flow_run_id, str(world.folder))
    assert of_runs
    assert all(os.getpgid(process) != world.running["serve"].pid for process in of_runs)
    assert world.interrupt("serve") == 0
    ending = world.log("serve").rpartition("stopping: ")[2]
    assert "Traceback" not in ending
    assert "stopped; `seo serve` goes on" in ending
    assert state_of(world, run.prefect_flow_run_id) == "CANCELLED"
    with Store.open(world.data) as store:
        assert store.get_run(run.run_id).state is RunState.INTERRUPTED
    start_serving(world)


def test_it_ends_clean_and_a_worker_elsewhere_takes_over(world, docs_site, tmp_path):
    until(world.idle, what="the end of all that runs")
    assert world.stop("serve") == 0
    ending = world.log("serve").rpartition("stopping: ")[2]
    assert "Traceback" not in ending
    assert "stopped; `seo serve` goes on" in ending
    deployed = world.run("seo", "deploy")
    assert deployed.returncode == 0, deployed.stderr
    assert "created the work queue analysis" in deployed.stderr
    (waiting,) = (run for run in world.flow_runs("crawl-site", user_id="ida") if run["state_type"] == "SCHEDULED")
    assert f"no worker takes what waits since `seo serve` had the deployments: {waiting['name']} (cr" in deployed.stderr
    deployments = world.post("/deployments/filter", {})
    assert {deployment["work_pool_name"] for deployment in deployments} == {"seo-scan", "seo-shards"}
    assert not any(deployment["paused"] or deployment["pull_steps"] for deployment in deployments)
    queues = {queue["name"]: queue["priority"] for queue in world.post("/work_pools/seo-scan/queues/filter", {})}
    assert (queues["interactive"], queues["batch"], queues["analysis"]) == (1, 2, 3)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    world.start("worker", "prefect", "worker", "start", "--pool", "seo-scan", cwd=elsewhere)
    urls = [url_of(docs_site, number) for number in (10, 11)]
    started = world.run(
        *("prefect", "deployment", "run", "batch-scan/default", "-p", 'project_id="7"', "-p", "user_id=wu"),
        *("-p", f"urls={json.dumps(urls)}"),
    )
    assert started.returncode == 0, started.stderr
    asked = emit(world, "project/batch.scan", project_id="8", user_id="wu", urls=[url_of(docs_site, 12)])
    assert world.ended("batch-scan", project_id="7")["state_type"] == "COMPLETED"
    assert world.ended("batch-scan", request_id=asked)["state_type"] == "COMPLETED"
    with Store.open(world.data) as store:
        assert {(run.project_id, run.total) for run in store.list_runs() if run.user_id == "wu"} == {("7", 2), ("8", 1)}
    assert list(elsewhere.iterdir()) == []


def test_what_a_run_says_that_is_cancelled_by_hand_is_sent(world, docs_site):
    run = slow_crawl(world, docs_site, "lea")
    set_state(world, run.prefect_flow_run_id, "CANCELLING")
    until(lambda: state_of(world, run.prefect_flow_run_id) == "CANCELLED", what="the cancellation")
    (told,) = until(lambda: notifications(world, "lea"))
    # by itself, or where its process had no time for that by settle-run
    assert told.title in {"Crawl Stopped", "Run Cancelled"}
    assert run.run_id in told.message


def test_a_run_whose_worker_vanished_goes_on_at_another(world, docs_site, record):
    """The worker and its run are frozen, taken for dead, and come back when another has done the work."""
    (world.folder / "list.txt").write_text("\n".join(f"{url}?vanished" for url in docs_site.urls("pg")[:VANISHED]))
    silent_for(world, 10)
    run = slow_batch(world, world.folder / "list.txt", "zoe")
    with frozen([world.running["worker"].pid, *processes_with(run.prefect_flow_run_id)], world.data):
        froze = time.monotonic()
        first = f"/flow_runs/{run.prefect_flow_run_id}"
        until(lambda: world.get(first)["state_type"] == "CRASHED", what="the crash")
        noticed = round(time.monotonic() - froze)
        world.start("another", "prefect", "worker", "start", "--pool", "seo-scan", "--name", "another")
        world.ended("settle-run", flow_run_id=run.prefect_flow_run_id, seconds=180)
        kept = assert_settled(world, run)
        silent_for(world, 90)
        resumed = world.run(
            *("prefect", "deployment", "run", "batch-scan/default", "-p", f"run_id={run.run_id}", "-p", "user_id=zoe")
        )
        assert resumed.returncode == 0, resumed.stderr
        assert world.ended("batch-scan", run_id=run.run_id, seconds=180)["state_type"] == "COMPLETED"
        done = facts_of(world.data, run.run_id)
        assert done["pages"].total() == VANISHED
    until(lambda: not processes_with(run.prefect_flow_run_id), what="the end of the run that came back")
    assert f"run {run.run_id} was resumed elsewhere (epoch 2, this is 1)" in world.log("worker")
    assert facts_of(world.data, run.run_id) == done == undisturbed(world)
    record("vanished-worker", pages=VANISHED, kept=kept, noticed_after_s=noticed, lost=0, doubled=0, late_commits=0)


def assert_settled(world, run):
    """Its user was told, and how to go on; the pages it has."""
    with Store.open(world.data) as store:
        settled = store.get_run(run.run_id)
        kept = store.progress(run.run_id).completed
    assert settled.state == RunState.INTERRUPTED
    (told,) = until(lambda: notifications(world, "zoe"))
    assert (told.type, f"seo resume {run.run_id}" in told.message) == ("error", True)
    assert 0 < kept < VANISHED
    return kept


@contextmanager
def frozen(processes, data):
    """They stand still while the context lasts, and not in the middle of a transaction, which would hold all others."""
    signal_all(processes, signal.SIGSTOP)
    try:
        while not is_writable(data):
            signal_all(processes, signal.SIGCONT)
            time.sleep(0.1)
            signal_all(processes, signal.SIGSTOP)
        yield
    finally:
        signal_all(processes, signal.SIGCONT)


def signal_all(processes, number):
    for process in processes:
        os.kill(process, number)


def is_writable(data):
    with closing(sqlite3.connect(data / "catalogue.sqlite", timeout=1, isolation_level=None)) as catalogue:
        try:
            catalogue.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        catalogue.execute("ROLLBACK")
    return True


def silent_for(world, seconds, automation=None):
    """How long a run may be silent before it is taken for dead."""
    name = (automation or silent_runs()).name
    (automation,) = world.post("/automations/filter", {"automations": {"name": {"any_": [name]}}})
    automation["trigger"]["within"] = seconds
    patched = {key: automation[key] for key in ("name", "description", "enabled", "trigger", "actions")}
    world.put(f"/automations/{automation['id']}", patched)


def slow_batch(world, listed, user):
    """A batch of four pages a second, when it has pages."""
    started = world.run(
        *("prefect", "deployment", "run", "batch-scan/default", "-p", f"urls_file={listed}", "-p", f"user_id={user}"),
        *("-p", 'options={"rate": 4}'),
    )
    assert started.returncode == 0, started.stderr

    def scanning():
        with Store.open(world.data) as store:
            runs = [run for run in store.list_runs() if run.user_id == user]
            return next((run for run in runs if store.progress(run.run_id).completed), None)

    return until(scanning, what="pages of the batch")


def facts_of(data, run):
    with connect(data) as facts:
        return {table: counted(facts, table, run) for table in ("pages", "links", "issues", "results", "images")}


def undisturbed(world):
    """Facts of the same list, scanned by a command."""
    scanned = world.run("seo", "batch", world.folder / "list.txt", "--data", "undisturbed", "--rate", "0")
    assert scanned.returncode == 0, scanned.stderr
    with Store.open(world.folder / "undisturbed") as store:
        (run,) = store.list_runs()
    return facts_of(world.folder / "undisturbed", run.run_id)
