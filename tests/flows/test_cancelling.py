"""Runs ended before their time."""

import asyncio
import time
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType

from flows.analyze_page import analyze_page
from flows.batch_scan import batch_scan
from flows.cancel_run import cancel_run
from flows.crawl_site import crawl_site
from flows.dispatch import dispatch
from flows.scan_page import scan_page
from tasks.errors import InputError, UnknownRun
from tasks.events import CancelRequested
from tasks.scan import stop
from tasks.store import RunState, Store, new_run_id

pytestmark = pytest.mark.usefixtures("prefect_db")


def told(store, user="ann"):
    return [told.title for told in reversed(store.notifications.list(user))]


async def test_a_batch_in_this_process_is_cancelled_and_its_user_told(site, store, options, emitted):
    def slow(_):
        time.sleep(0.5)
        return "<title>Tea</title>"

    site.pages = {f"/{n}": slow for n in range(40)}
    run_id = new_run_id()
    one_by_one = options.model_copy(update={"concurrency": 1})
    urls = [site.url(f"/{n}") for n in range(40)]
    batch = asyncio.create_task(
        batch_scan(user_id="ann", urls=urls, run_id=run_id, options=one_by_one, return_state=True)
    )
    while len(site.page_paths()) < 2:  # noqa: ASYNC110 - the site is served by a thread
        await asyncio.sleep(0.05)
    asked = CancelRequested(run_id=run_id, user_id="ann")
    answer = await dispatch(asked, request_id="c1", store=store, origin="local")
    state = await batch
    assert (answer.run_id, answer.failure, state.is_cancelled()) == (run_id, "", True)
    assert store.get_run(run_id).state == RunState.CANCELLED
    assert len(site.page_paths()) < 20
    assert [payload["status"] for payload in emitted.named("batch/finished")] == ["cancelled"]
    assert emitted.named("batch/progress.updated")[-1]["status"] == "cancelled"
    assert sorted(told(store)) == ["Batch Stopped", "Run Cancelled"]


@pytest.mark.parametrize("kind", ["batch", "crawl"])
async def test_a_run_that_ends_after_it_counts_as_cancelled_stays_so(site, store, options, monkeypatch, kind):
    monkeypatch.setattr(stop, "LOOK_EVERY", 0.01)
    run_id = new_run_id()

    def slow(_):
        if store.get_run(run_id).state == RunState.RUNNING:
            store.request_stop(run_id)
            store.finish_run(run_id, 1, RunState.CANCELLED, incomplete_reason="cancelled")
        time.sleep(0.3)
        return "<title>Tea</title>" + "".join(f'<a href="/{n}">{n}</a>' for n in range(40))

    site.pages = {f"/{n}": slow for n in range(40)}
    wishes = {"run_id": run_id, "options": options.model_copy(update={"concurrency": 1}), "return_state": True}
    if kind == "batch":
        state = await batch_scan(urls=[site.url(f"/{n}") for n in range(40)], **wishes)
    else:
        state = await crawl_site(site.url("/0"), check=[], sitemaps=False, **wishes)
    run = store.get_run(run_id)
    assert (run.state, run.incomplete_reason, run.error) == (RunState.CANCELLED, "cancelled", None)
    assert state.is_cancelled()


@pytest.mark.parametrize("kind", ["batch", "crawl"])
async def test_a_run_stopped_with_its_last_page_in_flight_is_judged_as_any_other(
    site, store, options, monkeypatch, kind
):
    monkeypatch.setattr(stop, "LOOK_EVERY", 0.01)
    run_id = new_run_id()

    def last(_):
        store.request_stop(run_id)
        time.sleep(0.5)
        return "<title>Tea</title>"

    site.pages = {"/0": last}
    if kind == "batch":
        await batch_scan(urls=[site.url("/0")], run_id=run_id, options=options)
    else:
        await crawl_site(site.url("/0"), run_id=run_id, check=[], sitemaps=False, options=options)
    assert store.get_run(run_id).state == RunState.COMPLETED
    assert list(store.sql("SELECT count(*) > 0 FROM results WHERE page_id = ''").rows) == [(True,)]


MANY = 200
INDEX = "<sitemapindex>{}</sitemapindex>"


@pytest.fixture
def stopping(store, monkeypatch):
    """The id of a run and a page that has it stopped, the first time."""
    monkeypatch.setattr(stop, "LOOK_EVERY", 0.01)
    run_id = new_run_id()

    def page(_):
        if store.get_run(run_id).epoch == 1:
            store.request_stop(run_id)
            time.sleep(0.3)
        return "<title>Tea</title>"

    return run_id, page


async def test_a_crawl_is_stopped_while_it_looks_at_images_and_goes_on_with_the_rest(site, store, options, stopping):
    run_id, page = stopping
    names = [f"/{n}.png" for n in range(MANY)]
    images = "".join(f'<img src="{name}" alt="tea">' for name in names)
    site.pages = {"/": f"<title>Tea</title>{images}", **dict.fromkeys(names, page)}
    wishes = {"run_id": run_id, "sitemaps": False, "check": ["images"], "options": options}
    state = await crawl_site(site.url("/"), return_state=True, **wishes)
    run, looked_at = store.get_run(run_id), set(site.paths()) & set(names)
    assert (state.is_cancelled(), run.state, run.incomplete_reason) == (True, RunState.INTERRUPTED, "stopped")
    assert 0 < len(looked_at) < MANY
    assert list(store.sql("SELECT count(*) FROM results WHERE page_id = ''").rows) == [(0,)]
    site.requests.clear()
    await crawl_site(site.url("/"), **wishes)
    assert store.get_run(run_id).state == RunState.COMPLETED
    assert set(site.paths()) & set(names) == set(names) - looked_at


async def test_a_crawl_is_stopped_while_it_reads_sitemaps_and_reads_them_again(site, store, options, stopping):
    run_id, page = stopping
    names = [f"/{n}.xml" for n in range(MANY)]
    index = INDEX.format("".join(f"<sitemap><loc>{site.url(name)}</loc></sitemap>" for name in names))
    site.pages = {"/": "<title>Tea</title>", "/sitemap.xml": index, **dict.fromkeys(names, page)}
    wishes = {"run_id": run_id, "check": [], "options": options}
    state = await crawl_site(site.url("/"), return_state=True, **wishes)
    assert (state.is_cancelled(), store.get_run(run_id).incomplete_reason) == (True, "stopped")
    assert len(site.paths()) < MANY
    await crawl_site(site.url("/"), **wishes)
    assert store.get_run(run_id).state == RunState.COMPLETED
    assert set(names) <= set(site.paths())


async def test_what_was_cancelled_can_be_resumed(site, store, options):
    run_id = new_run_id()
    await batch_scan(urls=[site.url("/0")], run_id=run_id, options=options)
    store.resume_run(run_id)
    store.request_stop(run_id)
    store.finish_run(run_id, 2, RunState.CANCELLED)
    await batch_scan(run_id=run_id, options=options)
    run = store.get_run(run_id)
    assert run.state == RunState.COMPLETED
    assert run.parent_flow_run_id not in {None, run.prefect_flow_run_id}


async def test_a_run_that_ended_is_left_as_it_is_and_its_user_told_so(site, store, options):
    run_id = await scan_page(site.url("/0"), user_id="ann", analyze=False, options=options)
    await cancel_run(run_id, "ann", data=options.data)
    assert store.get_run(run_id).state == RunState.COMPLETED
    assert told(store)[-1] == "Run Cancelled"
    assert "had ended before" in store.notifications.list("ann")[0].message


@pytest.mark.parametrize("ended", [RunState.FAILED, RunState.INTERRUPTED])
async def test_a_run_that_might_be_tried_again_is_cancelled_with_its_failure_kept(site, store, options, ended):
    run_id = await scan_page(site.url("/0"), user_id="ann", analyze=False, options=options)
    store.resume_run(run_id)
    store.finish_run(run_id, 2, ended, error="disk full")
    await cancel_run(run_id, "ann", data=options.data)
    run = store.get_run(run_id)
    assert (run.state, run.error, run.incomplete_reason) == (RunState.CANCELLED, "disk full", "cancelled")
    [told] = store.notifications.list("ann")[:1]
    assert told.message == f"run {run_id} was cancelled; `seo resume {run_id}` continues it"


async def test_another_users_run_is_not_cancelled(site, store, options):
    run_id = await scan_page(site.url("/0"), user_id="ann", analyze=False, options=options)
    with pytest.raises(InputError, match="not of user eve"):
        await cancel_run(run_id, "eve", data=options.data)
    assert told(store, "eve") == ["Cancellation Failed"]


async def test_no_such_run(options):
    Store.open(options.data).close()
    with pytest.raises(UnknownRun, match="no run"):
        await cancel_run("nothing", "ann", data=options.data)


@pytest.fixture
def queued(store):
    """Queues run-1 of ann, as a deployment's run; its id."""

    async def queue(flow):
        async with get_client() as client:
            deployment = await client.create_deployment(await client.create_flow(flow), "default")
            made = str((await client.create_flow_run_from_deployment(deployment)).id)
        store.requests.claim("r1", "run-1", flow=flow.name, user_id="ann", flow_run_id=made, origin="api")
        return made

    return queue


async def test_a_run_that_has_not_begun_is_cancelled_by_its_own_user_alone(store, options, queued):
    waiting = await queued(batch_scan)
    for request_id in ("c1", "c2"):  # the first one's own claim makes nothing of the run eve's
        answer = await dispatch(
            CancelRequested(run_id="run-1", user_id="eve"), request_id=request_id, store=store, origin="local"
        )
        assert "run-1 is not of user eve" in answer.failure
    await cancel_run("run-1", "ann", data=options.data)
    assert told(store, "eve") == ["Cancellation Failed"] * 2
    assert told(store) == ["Run Cancelled"]
    assert store.notifications.list("ann")[0].message == "run run-1 had not begun and will not"
    async with get_client() as client:
        assert (await client.read_flow_run(waiting)).state.is_cancelled()


async def test_a_run_that_waits_at_another_server_is_not_said_to_be_cancelled(store, options):
    store.requests.claim("r1", "run-1", flow="batch-scan", user_id="ann", flow_run_id=str(uuid4()), origin="api")
    with pytest.raises(UnknownRun, match=r"run-1 waits at another server of Prefect than this one.* PREFECT_API_URL"):
        await cancel_run("run-1", "ann", data=options.data)
    assert told(store) == ["Cancellation Failed"]


@pytest.mark.parametrize("ended", ["COMPLETED", "FAILED", "CANCELLED"])
async def test_of_other_work_that_has_ended_nothing_is_cancelled(store, options, queued, ended):
    made = await queued(analyze_page)
    async with get_client() as client:
        await client.set_flow_run_state(made, State(type=StateType[ended]), force=True)
    with pytest.raises(InputError, match="run run-1 has ended: there is nothing to cancel"):
        await cancel_run("run-1", "ann", data=options.data)
    assert told(store) == ["Cancellation Failed"]


async def test_other_work_that_has_begun_is_said_to_be_cancelled(store, options, queued):
    made = await queued(analyze_page)
    store.requests.begin("r1", made)
    async with get_client() as client:
        await client.set_flow_run_state(made, State(type=StateType.RUNNING), force=True)
    await cancel_run("run-1", "ann", data=options.data)
    assert [one.message for one in store.notifications.list("ann")] == ["run run-1 was cancelled"]


async def test_a_claim_to_cancel_makes_no_run(store):
    for request_id in ("c1", "c2"):
        answer = await dispatch(
            CancelRequested(run_id="run-1", user_id="eve"), request_id=request_id, store=store, origin="local"
        )
        assert "no run run-1" in answer.failure
    assert told(store, "eve") == ["Cancellation Failed"] * 2
