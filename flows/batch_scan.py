"""batch-scan: a list of URLs.

Needs no block; takes SEO Crawler and SEO Result Store where they are saved. A chunk's result is cached under the
data folder: the same list again within ``max_age`` fetches nothing.
"""

import time
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Cancelled
from pydantic import Field

from flows.advice import advise
from flows.failures import tell_failure
from flows.outbox import send_outbox
from flows.progress import announced
from flows.registry import FLOWS
from tasks.admit.task import admitted, already_done
from tasks.events import Identity, RunId
from tasks.report.task import publish_summary, reported_progress
from tasks.scan.places_task import run_slot
from tasks.scan.pool_task import process_pool
from tasks.scan.settings import MAX_SHARDS, AnalyzeWhich, ScanOptions
from tasks.scan.shard_task import check_shards, scan_shards
from tasks.scan.task import (
    Wanted,
    batch_name,
    close_run,
    create_page_records,
    deadline_of,
    judge_list,
    load_settings,
    recorded,
)
from tasks.store import RunState

SHARD = FLOWS["scan-shard"].deployment


@flow(
    name="batch-scan",
    flow_run_name=batch_name,
    timeout_seconds=3600,
    task_runner=process_pool(),
    on_failure=[tell_failure],
)
async def batch_scan(
    urls: Annotated[list[str], Field(max_length=500)] | None = None,
    urls_file: str | None = None,
    batch_id: str | None = None,
    project_id: Identity = "default",
    user_id: Identity = "local",
    run_id: RunId | None = None,
    request_id: str | None = None,
    analyze: AnalyzeWhich = "none",
    shards: Annotated[int, Field(ge=1, le=MAX_SHARDS)] | None = None,
    options: ScanOptions | None = None,
) -> str | State[str]:
    """Scans a list of pages in parallel chunks; returns the run's id.

    Args:
        urls: At most 500 addresses; longer lists go by file or batch.
        urls_file: File of addresses on the worker's machine, one a line or CSV.
        batch_id: Batch whose list is scanned again.
        project_id: Project the pages belong to.
        user_id: Who is told.
        run_id: Run to continue, or the id for a new one.
        request_id: Identity of the request; once answered, it is not answered again.
        analyze: Which pages to analyse - none, top:N for the N most in need of it, or all; of a run that is
            continued, none stands for what it was started with.
        shards: Machines to divide the hosts among, each a run of scan-shard; 1 scans all here. Absent, that is 1, or
            of a run that is continued what it was started with.
        options: Wishes that differ from the blocks.
    """
    started = time.time()
    options = options or ScanOptions()
    settings = await load_settings(options, request_id=request_id)
    settings = settings.model_copy(update={"analyze": analyze, "shards": shards or 1})
    if settings.shards > 1:
        await check_shards(SHARD)
    ticket = await admitted(request_id, run_id, data=settings.data, user_id=user_id, throttled=True)
    if ticket.taken:
        return already_done(ticket)
    wanted = Wanted(
        project_id=project_id,
        user_id=user_id,
        urls=tuple(urls) if urls else None,
        urls_file=urls_file,
        batch_id=batch_id,
        run_id=ticket.run_id,
    )
    async with run_slot():
        plan = await create_page_records(wanted, settings)
        async with announced(plan) as tell, recorded(plan):
            async with reported_progress(plan.settings.data, plan.run.run_id, tell):
                stopped = await scan_shards(
                    plan,
                    shards or plan.settings.shards,
                    deployment=SHARD,
                    deadline=deadline_of(started),
                    result_store=options.result_store,
                )
                if stopped != "stopped":
                    await judge_list(plan)
            run = await close_run(plan, stopped)
            await publish_summary(plan.run.run_id, plan.settings.data)
    if run.state == RunState.COMPLETED:
        await advise(plan, analyze)
    await send_outbox(plan.settings.data)
    if run.state != RunState.COMPLETED:
        return Cancelled(message=f"{run.incomplete_reason}; `seo resume {run.run_id}` continues it")
    return plan.run.run_id
