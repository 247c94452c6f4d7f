"""analyze-page: a scanned page's facts and issues become recommendations.

Needs no block; takes SEO AI Model, SEO Result Store and SEO Pusher Channel where they are saved. Without a key the
rules advise. An answer is kept by page content, prompt and model: an unchanged page costs no call.
"""

import asyncio
from typing import Any

import prefect
from prefect import Flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import aget_state_exception

from flows.failures import own_failure_key, tell_failure
from flows.outbox import send_outbox
from flows.records import record
from tasks.admit.task import admitted, already_done
from tasks.analyze.failures import AnalysisFailed
from tasks.analyze.settings import AnalyzeOptions
from tasks.analyze.task import (
    AnalysisPlan,
    advise_by_rules,
    analysis_folder,
    fetch_prompt,
    run_analysis,
    save_recommendations,
)
from tasks.analyze.telling import analysis_complete, analysis_completed
from tasks.events import Identity, RunId
from tasks.logs import step
from tasks.notify.task import channel_names, save_notification
from tasks.notify.telling import broadcast_analysis
from tasks.store import Store


async def tell_crash(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Hook for ``on_failure``: a model that gave no advice has been told of already."""
    if not isinstance(await aget_state_exception(state), AnalysisFailed):
        await tell_failure(flow, flow_run, state)


@prefect.flow(name="analyze-page", flow_run_name="analyze-{page_id}", timeout_seconds=3600, on_failure=[tell_crash])
async def analyze_page(
    page_id: Identity,
    url: str = "",
    user_id: Identity = "local",
    project_id: Identity = "default",  # noqa: ARG001 - part of the page's identity, shown in the run's parameters
    run_id: RunId | None = None,
    request_id: str | None = None,
    options: AnalyzeOptions | None = None,
) -> str | State[str]:
    """Has a stored page analysed, keeps the recommendations and tells the user; returns the run's id.

    Args:
        page_id: Identity of the page.
        url: Address of the page, for messages.
        user_id: Who is told.
        project_id: Project the page belongs to.
        run_id: Run that the analysis belongs to; where it has the page, its facts are read, else the newest.
        request_id: Identity of the request; once answered, it is not answered again.
        options: Wishes that differ from the blocks.

    Raises:
        AnalysisFailed: the model gave no advice. That of the rules is kept in its place.
    """
    wishes = options or AnalyzeOptions()
    data = await analysis_folder(wishes)
    ticket = await admitted(request_id, run_id, data=data, user_id=user_id)
    if ticket.taken:
        return already_done(ticket)
    plan = await fetch_prompt(page_id, url, data=data, run_id=ticket.run_id, user_id=user_id, options=wishes)
    try:
        analysis = await run_analysis(plan)
    except AnalysisFailed as failure:
        analysis = await advise_by_rules(plan, failure)
    count = await save_recommendations(plan, analysis)
    done = analysis_completed(analysis, page_id=page_id, url=plan.url, user_id=user_id, run_id=plan.run_id)
    key = f"{request_id or plan.run_id}:{page_id}:analysis"
    told = f"{key if analysis.failure is None else await own_failure_key()}:notification"
    notified = save_notification.with_options(name="notify-analysis-complete")
    await notified(analysis_complete(analysis, plan.url, user_id), key=told, run_id=plan.run_id, data=data)
    await broadcast_results(plan, count, done.status, key)
    record(done)
    await send_outbox(data)
    if analysis.failure is not None:
        raise analysis.failure
    return plan.run_id


@task(name="broadcast-results", retries=3, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def broadcast_results(plan: AnalysisPlan, count: int, status: str, key: str) -> None:
    """Tells who listens on the page's channel."""
    with step(get_run_logger(), "broadcast-results", page=plan.page_id, run=plan.run_id):
        naming = await channel_names()

        def broadcast() -> None:
            with Store.open(plan.data) as store:
                broadcast_analysis(
                    store,
                    page_id=plan.page_id,
                    count=count,
                    status=status,
                    key=key,
                    naming=naming,
                    run_id=plan.run_id,
                )

        await asyncio.to_thread(broadcast)
