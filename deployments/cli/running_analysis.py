"""Runs analyze-page in this process for a command."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.states import aget_state_exception

from deployments.cli.lifeline import check_api
from deployments.cli.local_server import LocalServer
from deployments.cli.notes import warnings_to
from deployments.cli.running import PipelineFailed
from deployments.cli.watching import watch
from flows.analyze_page import analyze_page
from tasks.analyze.failures import AnalysisFailed
from tasks.analyze.settings import AnalyzeOptions
from tasks.errors import SeoScanError
from tasks.store import Store, new_run_id

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def analyse(data: Path, page_id: str, run_id: str, *, user_id: str, offline: bool, template: int | None) -> str:
    """Analyses the page as the run saw it; returns why the model gave no advice, empty where it did.

    Raises:
        SeoScanError: what the flow failed with.
    """
    if LocalServer.current is not None:
        LocalServer.current.wait()
    options = AnalyzeOptions(data=str(data.resolve()), offline=offline, template=template, page_run=run_id)
    with Store.open(data) as store:
        page = store.latest_page(page_id, run_id)

    async def flow() -> BaseException | None:
        if LocalServer.current is None:
            await check_api()
        state: State[Any] = await analyze_page(
            page_id, page["url"], user_id, run_id=new_run_id(), options=options, return_state=True
        )
        if state.is_completed():
            return None
        return await aget_state_exception(state)

    with watch() as display, warnings_to(display):
        error = asyncio.run(flow())
    if isinstance(error, AnalysisFailed):
        return str(error)
    if isinstance(error, SeoScanError):
        raise error
    if error is not None:
        raise PipelineFailed(f"the analysis failed: {type(error).__name__}")
    return ""
