"""Prefect as the door sees it: runs are handed to it, in time or not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.context import AsyncClientContext
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from deployments.api.door import Ended
from flows.dispatch import Dispatched, QueueUnavailable, dispatch
from tasks.events import RequestEvent
from tasks.store import Origin, RunState, Store

START_SECONDS = 10.0
LOOK_SECONDS = 2.0
BUSY_SECONDS = 0.1
_ENDED = {
    StateType.COMPLETED: RunState.COMPLETED,
    StateType.FAILED: RunState.FAILED,
    StateType.CRASHED: RunState.INTERRUPTED,
    StateType.CANCELLED: RunState.CANCELLED,
}


@asynccontextmanager
async def prefect_client() -> AsyncIterator[PrefectClient]:
    """The one Prefect client, and so one connection, of all that is done within; it asks a busy server again soon.

    Raises:
        RuntimeError: Prefect does not answer.
    """
    asks_again = {"event_hooks": {"response": [_ask_again_soon]}}
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: round(START_SECONDS / BUSY_SECONDS)}):
        async with AsyncClientContext(httpx_settings=asks_again) as context:
            yield context.client


async def _ask_again_soon(response: httpx.Response) -> None:
    """Prefect's client by itself waits 2 s, then 4 and 8, where a server on SQLite lost its turn to another writer."""
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", str(BUSY_SECONDS))


@dataclass(frozen=True, slots=True)
class PrefectQueue:
    """Starts deployed flows for requests.

    Attributes:
        client: of Prefect's API.
        store: of the data folder.
    """

    client: PrefectClient
    store: Store

    async def __call__(
        self, event: RequestEvent, *, request_id: str, origin: Origin, project_id: str | None
    ) -> Dispatched:
        """Queues the work of ``event``.

        Raises:
            QueueUnavailable: Prefect is away, has no such deployment, or is too slow. Where it is away the request is
                not even claimed.
        """
        if not await self._listens():
            raise QueueUnavailable("nobody listens at Prefect's address")
        try:
            async with asyncio.timeout(START_SECONDS):
                return await dispatch(
                    event, request_id=request_id, store=self.store, origin=origin, deployed=True, project_id=project_id
                )
        except TimeoutError:
            raise QueueUnavailable(f"Prefect did not take the run within {START_SECONDS:g} s") from None

    async def answers(self) -> bool:
        """Whether Prefect is there and well."""
        if not await self._listens():
            return False
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return await self.client.api_healthcheck() is None
        except (TimeoutError, httpx.HTTPError):
            return False

    async def how_ended(self, flow_run_id: str) -> Ended | None:
        """How the flow run ended; None where it did not, is not known, or Prefect is away."""
        if not await self._listens():
            return None
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                run = await self.client.read_flow_run(UUID(flow_run_id))
        except (TimeoutError, ValueError, ObjectNotFound, httpx.HTTPError):
            return None
        state = _ENDED.get(run.state_type) if run.state_type else None
        return None if state is None else Ended(state, run.end_time)

    async def _listens(self) -> bool:
        """False where nobody listens: Prefect's client would try again for half a minute. True where a proxy stands."""
        address = urlsplit(str(self.client.api_url))
        host = address.hostname or ""
        if {address.scheme, "all"} & getproxies().keys() and not proxy_bypass(host):
            return True
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                _, writer = await asyncio.open_connection(
                    host, address.port or (443 if address.scheme == "https" else 80)
                )
        except OSError:  # TimeoutError is one
            return False
        writer.close()
        return True
