"""scan-page: one URL.

Needs no block; takes SEO Crawler and SEO Result Store where they are saved. Nothing is cached: a page asked for by
itself is always fetched.
"""

import time
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.failures import tell_failure
from flows.outbox import send_outbox
from flows.records import record
from tasks.admit.task import admitted, already_done
from tasks.events import Identity, RunId, Url
from tasks.report.task import publish_summary
from tasks.scan.page_task import fetch_and_parse, notify_scan_complete, save_scan_data, trigger_analysis
from tasks.scan.places_task import run_slot
from tasks.scan.settings import ScanOptions
from tasks.scan.task import Wanted, close_run, create_page_records, load_settings, page_name, recorded
from tasks.scan.telling import scan_completed
from tasks.urls import HTTP_ONLY


@flow(name="scan-page", flow_run_name=page_name, timeout_seconds=3600, on_failure=[tell_failure])
async def scan_page(
    url: Annotated[Url, Field(json_schema_extra={"pattern": HTTP_ONLY})],
    project_id: Identity = "default",
    user_id: Identity = "local",
    page_id: Identity | None = None,
    run_id: RunId | None = None,
    request_id: str | None = None,
    *,
    analyze: bool = True,
    options: ScanOptions | None = None,
) -> str | State[str]:
    """Fetches one page, judges it, stores it, has it analysed and tells the user; returns the run's id.

    Args:
        url: Address of the page.
        project_id: Project the page belongs to.
        user_id: Who is told.
        page_id: Identity of the page; derived from project and URL where absent.
        run_id: Run to continue, or the id for a new one.
        request_id: Identity of the request; once answered, it is not answered again.
        analyze: Ask for its analysis; a run that is continued keeps to what it was started with.
        options: Wishes that differ from the blocks.
    """
    started = time.time()
    settings = (await load_settings(options or ScanOptions(), request_id=request_id)).model_copy(
        update={"max_age": 0, "analyze": "all" if analyze else "none"}
    )
    ticket = await admitted(request_id, run_id, data=settings.data, user_id=user_id, throttled=True)
    if ticket.taken:
        return already_done(ticket)
    wanted = Wanted(
        kind="scan", project_id=project_id, user_id=user_id, urls=(url,), run_id=ticket.run_id, page_id=page_id
    )
    async with run_slot():
        plan = await create_page_records(wanted, settings)
        async with recorded(plan):
            manifest = await fetch_and_parse(plan, started=started)
            await save_scan_data(plan, manifest)
            await notify_scan_complete(plan)
            if plan.settings.analyze != "none":  # after what tells of the scan: requests are handed on in order
                await trigger_analysis(plan, manifest)
            await close_run(plan)
            await publish_summary(plan.run.run_id, settings.data)
    record(scan_completed(manifest, plan.user_id, plan.run.run_id))
    await send_outbox(settings.data)
    return plan.run.run_id
