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
from tasks.admit.task import admitted, already_done
from tasks.events import Identity
from tasks.report.task import publish_summary, reported_progress
from tasks.scan.pool_task import process_pool
from tasks.scan.settings import AnalyzeWhich, ScanOptions
from tasks.scan.task import (
    Wanted,
    batch_name,
    close_run,
    create_page_records,
    judge_list,
    load_settings,
    recorded,
    run_slot,
    scan_chunks,
)
from tasks.store import RunState


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
    run_id: str | None = None,
    request_id: str | None = None,
    analyze: AnalyzeWhich = "none",
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
        options: Wishes that differ from the blocks.
    """
    started = time.time()
    settings = (await load_settings(options or ScanOptions(), request_id=request_id)).model_copy(
        update={"analyze": analyze}
    )
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
                stopped = await scan_chunks(plan, started=started)
                if stopped != "stopped":
                    await judge_list(plan)
            run = await close_run(plan, stopped)
            await publish_summary(plan.run.run_id, plan.settings.data)
    if run.state != RunState.INTERRUPTED:
        await advise(plan, analyze)
    await send_outbox(plan.settings.data)
    if run.state == RunState.INTERRUPTED:
        return Cancelled(message=f"{run.incomplete_reason}; `seo resume {run.run_id}` continues it")
    return plan.run.run_id
