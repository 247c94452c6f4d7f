"""Flows that a command runs in this process and that need no progress display of their own."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import aget_state_exception

from deployments.cli.lifeline import check_api
from deployments.cli.local_server import LocalServer
from deployments.cli.notes import warnings_to
from deployments.cli.running import PipelineFailed
from deployments.cli.watching import watch
from tasks.errors import SeoScanError


def run_here(flow: Callable[[], Coroutine[Any, Any, State[Any]]], what: str) -> None:
    """Runs the flow; ``what`` it is, such as "the analysis", for people.

    Raises:
        PrefectGone: no API answers.
        SeoScanError: what the flow failed with.
        PipelineFailed: it failed with anything else.
    """
    if LocalServer.current is not None:
        LocalServer.current.wait()

    async def run() -> BaseException | None:
        if LocalServer.current is None:
            await check_api()
        state = await flow()
        return None if state.is_completed() else await aget_state_exception(state)

    with watch() as display, warnings_to(display):
        error = asyncio.run(run())
    if isinstance(error, SeoScanError):
        raise error
    if error is not None:
        raise PipelineFailed(f"{what} failed: {type(error).__name__}")
