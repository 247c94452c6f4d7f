"""scan-page: one URL.

Needs no block; takes SEO Crawler and SEO Result Store where they are saved. Nothing is cached: a page asked for by
itself is always fetched.
"""

import time

from prefect import flow

from tasks.report.task import publish_summary
from tasks.scan.settings import ScanOptions
from tasks.scan.task import (
    Wanted,
    close_run,
    create_page_records,
    fetch_and_parse,
    load_settings,
    notify_scan_complete,
    page_name,
    recorded,
    run_slot,
    save_scan_data,
    trigger_analysis,
)


@flow(name="scan-page", flow_run_name=page_name, timeout_seconds=3600)
async def scan_page(
    url: str,
    project_id: str = "default",
    user_id: str = "local",
    page_id: str | None = None,
    run_id: str | None = None,
    options: ScanOptions | None = None,
) -> str:
    """Fetches one page, judges it, stores it and asks for its analysis and a notification; returns the run's id.

    Args:
        url: Address of the page.
        project_id: Project the page belongs to.
        user_id: Who is told.
        page_id: Identity of the page; derived from project and URL where absent.
        run_id: Run to continue, or the id for a new one.
        options: Wishes that differ from the blocks.
    """
    started = time.time()
    async with run_slot():
        settings = (await load_settings(options or ScanOptions())).model_copy(update={"max_age": 0})
        wanted = Wanted(
            kind="scan", project_id=project_id, user_id=user_id, urls=(url,), run_id=run_id, page_id=page_id
        )
        plan = await create_page_records(wanted, settings)
        async with recorded(plan):
            manifest = await fetch_and_parse(plan, started=started)
            await save_scan_data(plan, manifest)
            await trigger_analysis(plan)
            await notify_scan_complete(plan)
            await close_run(plan)
            await publish_summary(plan.run.run_id, settings.data)
    return plan.run.run_id
