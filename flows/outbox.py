"""The sender: what earlier steps asked for is pushed or started, one sender at a time for a data folder."""

import asyncio

from prefect.context import FlowRunContext
from prefect.logging import get_logger, get_run_logger

from flows.dispatch import QueueUnavailable, dispatch, start_again
from tasks.admit.task import is_deployed
from tasks.events import read_request
from tasks.logs import Log
from tasks.notify.sender import Sent
from tasks.notify.task import Tell, send_pending
from tasks.store import PendingRequest, Store


async def send_outbox(data: str, *, deployed: bool | None = None, tell: Tell | None = None) -> Sent:
    """Sends what is due: pushes to their channels, requests to their flows.

    An analysis that fails here is told of and spoils nothing of the run that asked for it.

    Args:
        data: data folder.
        deployed: queue flows as runs of their deployments; else run them here. None for as the surrounding flow runs.
        tell: hears of what did not go well; the run's log where absent.
    """
    queue = is_deployed() if deployed is None else deployed
    tell = tell or _log().warning

    async def hand_on(request: PendingRequest) -> None:
        event = read_request(request.kind, request.payload)
        done = await dispatch(
            event, request_id=request.key, store=store, origin="outbox", deployed=queue, run_id=request.run_id or None
        )
        if done.failure:
            tell(f"{done.flow} for {request.key} failed: {done.failure}")

    store = await asyncio.to_thread(Store.open, data)
    try:
        try:
            await start_again(store, deployed=queue)
        except QueueUnavailable as error:
            tell(f"what was not started stays in line: {error}")
        return await send_pending(data, hand_on, tell=tell)
    finally:
        await asyncio.to_thread(store.close)


def _log() -> Log:
    return get_run_logger() if FlowRunContext.get() is not None else get_logger("seo")
