"""Flows that a command runs in this process and that need no progress display of their own."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import aget_state_exception

from deployments.cli.lifeline import check_api
from deployments.cli.local_server import LocalServer
from deployments.cli.notes import warnings_to
from deployments.cli.watching import watch


def failure_of(flow: Callable[[], Coroutine[Any, Any, State[Any]]]) -> BaseException | None:
    """Runs the flow; returns what it failed with.

    Raises:
        PrefectGone: no API answers.
    """
    if LocalServer.current is not None:
        LocalServer.current.wait()

    async def run() -> BaseException | None:
        if LocalServer.current is None:
            await check_api()
        state = await flow()
        return None if state.is_completed() else await aget_state_exception(state)

    with watch() as display, warnings_to(display):
        return asyncio.run(run())
