"""The Prefect tasks of a single page."""

import asyncio
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from prefect.tasks import exponential_backoff

from tasks.events import RequestEvent
from tasks.logs import step
from tasks.scan import site
from tasks.scan.access_task import load_access
from tasks.scan.records import chunk_deadline
from tasks.scan.single import scan_single, stage_single
from tasks.scan.task import Plan, timeout_of
from tasks.scan.telling import analysis_wanted, scan_complete
from tasks.store import OutboxRequest, Staged, Store


@task(name="fetch-and-parse", retries=3, retry_delay_seconds=exponential_backoff(2), cache_policy=NO_CACHE)
async def fetch_and_parse(plan: Plan, *, started: float) -> dict[str, Any]:
    """Fetches, reads and judges the run's one page and stages its parts; returns their manifest."""
    log, run_id = get_run_logger(), plan.run.run_id
    timeout = timeout_of(FlowRunContext.get())
    access = await load_access(plan.settings)
    with Store.open(plan.settings.data) as store:
        target = store.targets_of(run_id)[0]
        with step(log, "fetch-and-parse", run=run_id, page=target.page_id, url=target.url) as fetching:
            await asyncio.to_thread(store.mark_first_request, run_id)
            page = await scan_single(
                target, plan.settings, store, access, deadline=chunk_deadline(started, timeout), tell=log.warning
            )
            staged = await asyncio.to_thread(stage_single, run_id, page, plan.settings, store)
            why = f" ({page.reason})" if page.reason else ""
            fetching.result = f"{page.state.value}{why}, {len(page.verdict.issues)} issues"
    return staged.to_json()


@task(name="save-scan-data", retries=3, retry_delay_seconds=exponential_backoff(2), cache_policy=NO_CACHE)
async def save_scan_data(plan: Plan, manifest: dict[str, Any]) -> None:
    """Makes the staged page visible, and judges what robots.txt says of it."""

    def save() -> None:
        with Store.open(plan.settings.data) as store:
            store.commit(plan.run.run_id, plan.run.epoch, "single", Staged.from_json(manifest), [])
            site.judge_list(plan.settings, store, plan.run.run_id, plan.run.epoch)

    with step(get_run_logger(), "save-scan-data", run=plan.run.run_id):
        await asyncio.to_thread(save)


@task(name="trigger-analysis", retries=3, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def trigger_analysis(plan: Plan, manifest: dict[str, Any]) -> None:
    """Asks for the page's analysis, once a run, through the outbox; not where no page was got."""
    with step(get_run_logger(), "trigger-analysis", run=plan.run.run_id) as asking:
        wanted = analysis_wanted(manifest, plan.user_id)
        if wanted is None:
            asking.result = "no page to analyse"
        else:
            await asyncio.to_thread(_hand_on, plan, "analyze", wanted)


@task(name="notify-scan-complete", retries=3, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def notify_scan_complete(plan: Plan) -> None:
    """Asks for the user to be told, once a run, through the outbox."""

    def told() -> None:
        with Store.open(plan.settings.data) as store:
            url = store.targets_of(plan.run.run_id)[0].url
            event = scan_complete(store.progress(plan.run.run_id), url, plan.user_id)
        _hand_on(plan, "notify", event)

    with step(get_run_logger(), "notify-scan-complete", run=plan.run.run_id, user=plan.user_id):
        await asyncio.to_thread(told)


def _hand_on(plan: Plan, name: str, event: RequestEvent) -> None:
    run_id = plan.run.run_id
    with Store.open(plan.settings.data) as store:
        page_id = store.targets_of(run_id)[0].page_id
        request = OutboxRequest(f"{run_id}:{page_id}:{name}", event.name, event.model_dump(mode="json"))
        store.commit(run_id, plan.run.epoch, name, None, [], [request])
