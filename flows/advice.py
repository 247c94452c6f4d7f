"""The analysis of a batch's or a crawl's pages: part of the run, and never its undoing."""

import asyncio

from prefect import get_run_logger

from tasks.analyze.settings import AnalyzeOptions
from tasks.analyze.task import analyze_pages
from tasks.errors import SeoScanError
from tasks.events import NotificationRequested
from tasks.scan.task import Plan
from tasks.scan.telling import pages_analysed
from tasks.store import OutboxRequest, Store


async def advise(plan: Plan, which: str, *, changed_only: bool = False) -> None:
    """Has pages of the finished run analysed and tells the user; a failure is a warning, and told too.

    ``which`` none stands for what the run was started with; ``changed_only`` leaves out pages that did not change since
    the last crawl.
    """
    which = which if which != "none" else plan.settings.analyze
    if which == "none":
        return
    run_id, data = plan.run.run_id, plan.settings.data
    why, pages, recommendations = "", 0, 0
    try:
        tally = await analyze_pages(data, run_id, which, AnalyzeOptions(data=data), changed_only=changed_only)
    except SeoScanError as error:
        why = str(error)
    except Exception as error:  # noqa: BLE001 - the scan is done and stays so
        why = type(error).__name__
    else:
        pages, recommendations = tally.pages, tally.recommendations
        why = tally.asked_no_more or (f"the model failed for {tally.failed:,} pages" if tally.failed else "")
    if why:
        get_run_logger().warning("analysis of run %s: %s", run_id, why)
    told = pages_analysed(run_id, plan.user_id, pages, recommendations, why)
    await asyncio.to_thread(_hand_on, data, run_id, f"{run_id}:{plan.run.epoch}:analysed", told)


def _hand_on(data: str, run_id: str, key: str, told: NotificationRequested) -> None:
    with Store.open(data) as store:
        store.outbox.add([OutboxRequest(key, told.name, told.model_dump(mode="json"))], run_id=run_id)
