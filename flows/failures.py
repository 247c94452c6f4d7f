"""A failed run tells its user."""

import asyncio
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext

from blocks import ResultStore
from flows.dispatch import reason_of
from flows.outbox import send_outbox
from tasks.events import NotificationRequested, identity_in
from tasks.store import OutboxRequest, Store
from tasks.urls import printable

_TITLES = {
    "scan-page": "Scan Failed",
    "batch-scan": "Batch Failed",
    "crawl-site": "Crawl Failed",
    "analyze-page": "Analysis Failed",
    "cancel-run": "Cancellation Failed",
}


def failure_key(flow_run_id: str, run_count: int) -> str:
    """Under which a failure is told, once each time that the flow run is tried, whoever notices it."""
    return f"{flow_run_id}:{run_count}:failed"


async def own_failure_key() -> str:
    """The key for the surrounding flow run."""
    context = FlowRunContext.get()
    assert context is not None and context.flow_run is not None  # noqa: S101, PT018 - for the type checker
    return failure_key(str(context.flow_run.id), await _run_count(context.flow_run))


async def tell_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Hook for ``on_failure``: notifies the user of the run, through the outbox."""
    told = NotificationRequested(
        user_id=identity_in(flow_run.parameters, "user_id") or "local",
        title=_TITLES.get(flow.name, "Run Failed"),
        message=f"{printable(flow_run.name, 300)}: {await reason_of(state)}",
        type="error",
    )
    data = await _folder(flow_run)
    key = failure_key(str(flow_run.id), await _run_count(flow_run))

    def add() -> None:
        request = OutboxRequest(key, told.name, told.model_dump(mode="json"))
        with Store.open(data) as store:
            store.outbox.add([request], run_id=identity_in(flow_run.parameters, "run_id") or "")

    await asyncio.to_thread(add)
    await send_outbox(data, deployed=flow_run.deployment_id is not None)


async def _run_count(flow_run: FlowRun) -> int:
    """As the server has it: ours was read before this try was counted."""
    async with get_client() as client:
        return (await client.read_flow_run(flow_run.id)).run_count


async def _folder(flow_run: FlowRun) -> str:
    parameters = flow_run.parameters
    options = parameters.get("options") or {}
    given = None if flow_run.deployment_id else parameters.get("data") or options.get("data")
    return str(given or (await ResultStore.named(options.get("result_store"))).folder())
