"""What follows a scan: records, the analysis, the word to the user; and what a failure leads to."""

import asyncio
from itertools import pairwise

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterId

from flows import progress as telling
from flows.analyze_page import analyze_page
from flows.batch_scan import batch_scan
from flows.crawl_site import crawl_site
from flows.scan_page import scan_page
from tasks.errors import InputError
from tasks.scan import task as room
from tasks.store import Store, new_run_id
from tasks.urls import page_id

pytestmark = pytest.mark.usefixtures("prefect_db")


def urls_of(site, count=5):
    return [site.url(f"/{n}") for n in range(count)]


def told(store, user="ann"):
    return [(told.title, told.type) for told in reversed(store.notifications.list(user))]


async def test_a_scanned_page_is_recorded_analysed_and_told_of(site, store, options, emitted):
    run_id = await scan_page(site.url("/0"), project_id="shop", user_id="ann", options=options)
    page = page_id("shop", site.url("/0"))
    events = emitted()
    assert [name for name, _ in events] == ["page/scan.completed", "page/analysis.completed"]
    completed, analysed = (payload for _, payload in events)
    assert {key: completed[key] for key in ("page_id", "run_id", "user_id", "outcome", "status")} == {
        "page_id": page,
        "run_id": run_id,
        "user_id": "ann",
        "outcome": "completed",
        "status": 200,
    }
    advice = store.recommendations.of_run(run_id)
    assert (analysed["status"], analysed["recommendation_count"]) == ("complete", len(advice))
    assert {(item.page_id, item.source) for item in advice} == {(page, "rules")}
    assert told(store) == [("Scan Complete", "success"), ("Analysis Complete", "success")]
    assert {note.run_id for note in store.notifications.list("ann")} == {run_id}
    assert store.outbox.pending(pushes=False) == []


async def test_a_page_without_an_answer_is_not_analysed(store, options, emitted):
    await scan_page("http://10.0.0.1/", user_id="ann", options=options)
    assert [(payload["outcome"], payload["status"]) for payload in emitted.named("page/scan.completed")] == [
        ("failed", 0)
    ]
    assert emitted.named("page/analysis.completed") == []
    assert told(store) == [("Scan Failed", "error")]


async def test_a_scan_without_analysis(site, store, options):
    run_id = await scan_page(site.url("/0"), user_id="ann", analyze=False, options=options)
    assert store.recommendations.of_run(run_id) == []
    assert told(store) == [("Scan Complete", "success")]


async def test_a_failed_analysis_leaves_the_scan_completed_with_a_warning_and_tells_the_user(
    site, store, options, monkeypatch, caplog
):
    async def fails(*_, **__):
        raise OSError("canary-4711 in an exception")

    monkeypatch.setitem(analyze_page.fn.__globals__, "fetch_prompt", fails)
    state = await scan_page(site.url("/0"), user_id="ann", options=options, return_state=True)
    assert state.is_completed()
    assert sorted(told(store)) == [("Analysis Failed", "error"), ("Scan Complete", "success")]
    assert [note.message for note in store.notifications.list("ann") if "canary-4711" in note.message] == []
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    [warning] = [line for line in warnings if line.startswith("analyze-page for")]
    assert warning.endswith("failed: OSError; the flow run's log has more")


async def test_a_failed_run_tells_its_user_and_is_raised(site, store, options, monkeypatch):
    monkeypatch.setattr(room, "_jobs", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        await batch_scan(urls=urls_of(site), user_id="ann", options=options)
    assert told(store) == [("Batch Failed", "error")]
    assert store.notifications.list("ann")[0].message.endswith("OSError; the flow run's log has more")


async def test_what_is_wrong_with_a_parameter_is_told(store, options):
    state = await scan_page("ftp://tea.example/", user_id="ann", analyze="often", options=options, return_state=True)
    assert state.is_failed()
    assert told(store) == [("Scan Failed", "error")]
    assert store.notifications.list("ann")[0].message.endswith(
        "url: cannot fetch ftp://tea.example/: only http and https addresses are scanned; "
        "analyze: Input should be a valid boolean, unable to interpret input"
    )


async def test_a_failure_before_a_run_begins_is_told_too(store, options):
    with pytest.raises(InputError, match="no URLs"):
        await batch_scan(urls=[], user_id="ann", options=options)
    assert told(store) == [("Batch Failed", "error")]
    assert "no URLs to scan" in store.notifications.list("ann")[0].message


async def test_a_batch_is_recorded_and_told_of_with_its_counts(site, store, options, emitted):
    del site.pages["/3"]
    run_id = await batch_scan(
        project_id="shop", user_id="ann", urls=[*urls_of(site), "http://10.0.0.1/"], options=options
    )
    run = store.get_run(run_id)
    counts = {"project_id": "shop", "user_id": "ann", "batch_id": run.batch_id, "run_id": run_id, "total_pages": 6}
    assert emitted.named("batch/progress.updated")[-1] == {**counts, "done": 6, "failed": 1, "status": "completed"}
    assert emitted.named("batch/finished") == [{**counts, "completed": 5, "failed": 1, "status": "completed"}]
    [note] = store.notifications.list("ann")
    assert (note.title, note.type) == ("Batch Complete", "success")
    assert "5 of 6 pages scanned, 1 failed" in note.message
    assert store.recommendations.of_run(run_id) == []


async def test_the_pages_of_a_batch_most_in_need_are_analysed_where_that_is_asked_for(site, store, options):
    run_id = await batch_scan(user_id="ann", urls=urls_of(site), analyze="top:2", options=options)
    assert len({item.page_id for item in store.recommendations.of_run(run_id)}) == 2
    assert told(store) == [("Batch Complete", "success"), ("Analysis Complete", "success")]
    everything = await batch_scan(user_id="ann", urls=urls_of(site), analyze="all", options=options)
    assert len({item.page_id for item in store.recommendations.of_run(everything)}) == 5


async def test_an_analysis_that_fails_leaves_the_batch_completed(site, store, options, monkeypatch):
    async def fails(*_, **__):
        raise OSError("no space")

    monkeypatch.setattr("flows.advice.analyze_pages", fails)
    state = await batch_scan(user_id="ann", urls=urls_of(site), analyze="all", options=options, return_state=True)
    assert state.is_completed()
    assert told(store) == [("Batch Complete", "success"), ("Analysis Incomplete", "warning")]


async def test_what_is_to_be_analysed_is_none_all_or_some(site, options):
    with pytest.raises(Exception, match="analyze"):
        await batch_scan(urls=urls_of(site), analyze="top:0", options=options)


async def test_a_crawl_is_recorded_and_told_of(site, store, options, emitted):
    site.pages["/"] = '<html lang=en><title>The home of all pages</title><h1>Home</h1><a href="/1">One</a>'
    run_id = await crawl_site(site.url("/"), user_id="ann", check=[], analyze="top:1", options=options)
    [finished] = emitted.named("batch/finished")
    assert (finished["run_id"], finished["status"], finished["completed"]) == (run_id, "completed", 2)
    assert told(store) == [("Crawl Complete", "success"), ("Analysis Complete", "success")]


class Pushes:
    """Stands where pushes leave: what was due is taken, with the time."""

    def __init__(self, data):
        self._data = data
        self.seen = []

    async def __call__(self, data, *_, **__):
        loop = asyncio.get_running_loop()
        with Store.open(data) as store:
            for push in store.outbox.pending(pushes=True):
                if push.payload["event"] == "batch-progress":
                    self.seen.append((loop.time(), push.payload["channel"], push.payload["data"]))
                store.outbox.delivered(push.key)


@pytest.fixture
def pushes(options, monkeypatch):
    taken = Pushes(options.data)
    monkeypatch.setattr(telling, "send_pending", taken)
    for name, value in {
        "PUSHER_APP_ID": "1",
        "PUSHER_KEY": "k",
        "PUSHER_SECRET": "s",
        "PUSHER_HOST": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PUSHER_PORT", "9")  # nobody listens: what others send stays in the outbox
    monkeypatch.setenv("PUSHER_SSL", "false")
    return taken


def slowly(site, seconds=0.9):
    """Each page takes its time, so that a batch lasts."""
    import time  # noqa: PLC0415 - only here

    def answer(page):
        def slow(_):
            time.sleep(seconds)
            return page

        return slow

    site.pages = {path: answer(page) for path, page in site.pages.items()}


async def test_progress_is_pushed_at_most_every_two_seconds_and_ends_completed(site, options, pushes):
    slowly(site)
    one_by_one = options.model_copy(update={"concurrency": 1})
    run_id = await batch_scan(project_id="shop", user_id="ann", urls=urls_of(site), options=one_by_one)
    times = [at for at, _, _ in pushes.seen]
    assert len(times) > 1
    assert all(later - earlier >= 1.99 for earlier, later in pairwise(times))
    assert {channel for _, channel, _ in pushes.seen} == {"private-project-shop"}
    payloads = [data for _, _, data in pushes.seen]
    assert [data["status"] for data in payloads] == ["in-progress"] * (len(payloads) - 1) + ["completed"]
    assert [data["done"] for data in payloads] == sorted(data["done"] for data in payloads)
    assert payloads[-1] == {
        "project_id": "shop",
        "user_id": "ann",
        "batch_id": payloads[0]["batch_id"],
        "run_id": run_id,
        "total_pages": 5,
        "done": 5,
        "failed": 0,
        "status": "completed",
    }


async def test_progress_of_a_failed_batch_ends_failed(site, options, pushes, emitted, monkeypatch):
    monkeypatch.setattr(room, "_jobs", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        await batch_scan(urls=urls_of(site), options=options)
    assert [payload["status"] for payload in emitted.named("batch/progress.updated")] == ["failed"]
    assert [payload["status"] for payload in emitted.named("batch/finished")] == ["failed"]
    with Store.open(options.data) as store:
        waiting = [
            push.payload["data"]["status"]
            for push in store.outbox.pending(now=float("inf"), pushes=True)
            if push.payload["event"] == "batch-progress"
        ]
    assert [*waiting, *(data["status"] for _, _, data in pushes.seen)] == ["failed"]


async def test_a_pusher_that_is_away_neither_fails_a_scan_nor_loses_a_notification(site, store, options, monkeypatch):
    for name, value in {
        "PUSHER_APP_ID": "1",
        "PUSHER_KEY": "k",
        "PUSHER_SECRET": "s",
        "PUSHER_HOST": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PUSHER_PORT", "9")
    monkeypatch.setenv("PUSHER_SSL", "false")
    state = await scan_page(site.url("/0"), user_id="ann", analyze=False, options=options, return_state=True)
    assert state.is_completed()
    assert told(store) == [("Scan Complete", "success")]
    [push] = store.outbox.pending(now=float("inf"), pushes=True)
    assert (push.payload["event"], push.attempts) == ("notification-received", 1)


async def test_a_resumed_run_stays_its_users(site, store, options, monkeypatch):
    run_id = new_run_id()
    with monkeypatch.context() as broken:
        broken.setattr(room, "_jobs", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        with pytest.raises(OSError, match="gone"):
            await batch_scan(project_id="shop", user_id="ann", urls=urls_of(site), run_id=run_id, options=options)
    await batch_scan(run_id=run_id, options=options)
    assert told(store) == [("Batch Failed", "error"), ("Batch Complete", "success")]


@pytest.mark.parametrize(("first", "then", "pages"), [("top:2", "none", 2), ("top:2", "all", 5), ("none", "none", 0)])
async def test_a_resumed_batch_is_analysed_as_first_asked(site, store, options, monkeypatch, first, then, pages):
    run_id = new_run_id()
    with monkeypatch.context() as broken:
        broken.setattr(room, "_jobs", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        with pytest.raises(OSError, match="gone"):
            await batch_scan(urls=urls_of(site), run_id=run_id, analyze=first, options=options)
    await batch_scan(run_id=run_id, analyze=then, options=options)
    assert len({item.page_id for item in store.recommendations.of_run(run_id)}) == pages


async def test_a_resumed_crawl_is_analysed_as_first_asked(site, store, options, monkeypatch):
    async def fails(*_):
        raise OSError("gone")

    run_id = new_run_id()
    with monkeypatch.context() as broken:
        broken.setitem(crawl_site.fn.__globals__, "judge_site", fails)
        with pytest.raises(OSError, match="gone"):
            await crawl_site(site.url("/0"), check=[], analyze="all", run_id=run_id, options=options)
    await crawl_site(site.url("/0"), check=[], run_id=run_id, options=options)
    assert len({item.page_id for item in store.recommendations.of_run(run_id)}) == 1


@pytest.mark.parametrize(
    ("analyze", "titles"), [(True, ["Scan Complete", "Analysis Complete"]), (False, ["Scan Complete"])]
)
async def test_a_resumed_scan_is_analysed_as_first_asked(site, store, options, monkeypatch, analyze, titles):
    async def fails(*_, **__):
        raise OSError("gone")

    run_id = new_run_id()
    with monkeypatch.context() as broken:
        broken.setitem(scan_page.fn.__globals__, "fetch_and_parse", fails)
        with pytest.raises(OSError, match="gone"):
            await scan_page(site.url("/0"), user_id="ann", analyze=analyze, run_id=run_id, options=options)
    await scan_page(site.url("/0"), user_id="ann", run_id=run_id, options=options)
    assert [title for title, _ in told(store)] == ["Scan Failed", *titles]


async def test_child_runs_are_seen_beside_their_parent(site, options):
    run_id = await scan_page(site.url("/0"), options=options)
    with Store.open(options.data) as store:
        asked = [
            store.requests.get(f"{run_id}:{page_id('default', site.url('/0'))}:{step}")
            for step in ("analyze", "notify")
        ]
        flow_runs = store.requests.flow_runs(run_id)
    assert [request.flow for request in asked] == ["analyze-page", "send-notification"]
    async with get_client() as client:
        runs = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=flow_runs)),
            flow_filter=FlowFilter(name=FlowFilterName(any_=["analyze-page", "send-notification"])),
        )
    assert sorted(run.state.name for run in runs) == ["Completed", "Completed"]
