"""A failed run tells its user."""

import asyncio
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State

from blocks import ResultStore
from flows.dispatch import reason_of
from flows.outbox import send_outbox
from tasks.events import NotificationRequested
from tasks.store import OutboxRequest, Store
from tasks.urls import printable

_TITLES = {
    "scan-page": "Scan Failed",
    "batch-scan": "Batch Failed",
    "crawl-site": "Crawl Failed",
    "analyze-page": "Analysis Failed",
    "cancel-run": "Cancellation Failed",
}


def failure_key(flow_run_id: str) -> str:
    """Under which a flow run's failure is told, once, whoever notices it."""
    return f"{flow_run_id}:failed"


async def tell_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Hook for ``on_failure``: notifies the user of the run, through the outbox."""
    told = NotificationRequested(
        user_id=flow_run.parameters.get("user_id") or "local",
        title=_TITLES.get(flow.name, "Run Failed"),
        message=f"{printable(flow_run.name, 300)}: {await reason_of(state)}",
        type="error",
    )
    data = await _folder(flow_run)

    def add() -> None:
        request = OutboxRequest(failure_key(str(flow_run.id)), told.name, told.model_dump(mode="json"))
        with Store.open(data) as store:
            store.outbox.add([request], run_id=flow_run.parameters.get("run_id") or "")

    await asyncio.to_thread(add)
    await send_outbox(data, deployed=flow_run.deployment_id is not None)


async def _folder(flow_run: FlowRun) -> str:
    parameters = flow_run.parameters
    options = parameters.get("options") or {}
    given = None if flow_run.deployment_id else parameters.get("data") or options.get("data")
    return str(given or (await ResultStore.named(options.get("result_store"))).folder())
