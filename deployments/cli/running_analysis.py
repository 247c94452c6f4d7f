"""Runs analyze-page in this process for a command."""

from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import State

from deployments.cli.small_flows import run_here
from flows.analyze_page import analyze_page
from tasks.analyze.failures import AnalysisFailed
from tasks.analyze.settings import AnalyzeOptions
from tasks.store import Store, new_run_id


def analyse(data: Path, page_id: str, run_id: str, *, user_id: str, offline: bool, template: int | None) -> str:
    """Analyses the page as the run saw it; returns why the model gave no advice, empty where it did.

    Raises:
        SeoScanError: what the flow failed with.
    """
    options = AnalyzeOptions(data=str(data.resolve()), offline=offline, template=template, page_run=run_id)
    with Store.open(data) as store:
        page = store.latest_page(page_id, run_id)

    async def flow() -> State[Any]:
        state: State[Any] = await analyze_page(
            page_id, page["url"], user_id, run_id=new_run_id(), options=options, return_state=True
        )
        return state

    try:
        run_here(flow, "the analysis")
    except AnalysisFailed as error:
        return str(error)
    return ""
