"""Queueing a flow as its deployment's run: one call to Prefect, and soon again where its server was busy."""

import asyncio
import time
from http import HTTPStatus
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError

BUSY_SECONDS = 5.0
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.8

_ids: dict[tuple[str, str], UUID] = {}
"""Of deployments, by Prefect's address and their name: each has the same for as long as it exists."""


async def queue_run(deployment: str, parameters: dict[str, Any], *, idempotency_key: str) -> UUID:
    """Does what ``run_deployment(timeout=0)`` does, but looks a deployment up only once; returns the flow run's id.

    The same key again answers the flow run there is, so a busy server can be asked again.

    Raises:
        ObjectNotFound: there is no such deployment.
        PrefectHTTPStatusError: Prefect refuses the run, or stays busy.
        httpx.HTTPError: Prefect does not answer.
    """
    end, pause = time.monotonic() + BUSY_SECONDS, FIRST_PAUSE
    async with get_client() as client:
        while True:
            try:
                return await _queued(client, deployment, parameters, idempotency_key)
            except PrefectHTTPStatusError as error:
                # on SQLite: another writer of the server came between its reading and its writing
                if error.response.status_code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > end:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


async def _queued(client: PrefectClient, deployment: str, parameters: dict[str, Any], idempotency_key: str) -> UUID:
    where = (str(client.api_url), deployment)
    if where in _ids:
        try:
            return await _created(client, _ids[where], parameters, idempotency_key)
        except PrefectHTTPStatusError as error:
            if error.response.status_code != HTTPStatus.NOT_FOUND:
                raise  # else it was deleted, and may have been made anew
    _ids[where] = found = (await client.read_deployment_by_name(deployment)).id
    return await _created(client, found, parameters, idempotency_key)


async def _created(client: PrefectClient, id_: UUID, parameters: dict[str, Any], idempotency_key: str) -> UUID:
    created = await client.create_flow_run_from_deployment(id_, parameters=parameters, idempotency_key=idempotency_key)
    return created.id
