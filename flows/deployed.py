"""Queueing a flow as its deployment's run, with the one call to Prefect that it takes."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentFlowRunCreate
from prefect.client.utilities import get_or_create_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Scheduled, to_state_create

_ids: dict[tuple[str, str], UUID] = {}
"""Of deployments, by Prefect's address and their name: each has the same for as long as it exists."""


async def queue_run(deployment: str, parameters: dict[str, Any], *, idempotency_key: str) -> UUID:
    """Does what ``run_deployment(timeout=0)`` does, at less than half its cost; returns the flow run's id.

    The deployment is looked up once. The same key again answers the flow run there is.

    Raises:
        ObjectNotFound: there is no such deployment.
        PrefectHTTPStatusError: Prefect refuses the run.
        httpx.HTTPError: Prefect does not answer.
    """
    run = DeploymentFlowRunCreate(
        parameters=parameters,
        state=to_state_create(Scheduled()),
        idempotency_key=idempotency_key,
        # the flow checks them when it begins; here the server would check the schema itself each time, for 20 ms
        enforce_parameter_schema=False,
    )
    client, _ = get_or_create_client()
    async with client:
        where = (str(client.api_url), deployment)
        if where in _ids:
            try:
                return await _created(client, _ids[where], run)
            except PrefectHTTPStatusError as error:
                if error.response.status_code != HTTPStatus.NOT_FOUND:
                    raise  # else it was deleted, and may have been made anew
        _ids[where] = found = (await client.read_deployment_by_name(deployment)).id
        return await _created(client, found, run)


async def _created(client: PrefectClient, id_: UUID, run: DeploymentFlowRunCreate) -> UUID:
    # the client's own method has no word for the schema
    answer = await client.request(
        "POST",
        "/deployments/{id}/create_flow_run",
        path_params={"id": id_},
        json=run.model_dump(mode="json", exclude_unset=True),
    )
    return UUID(answer.json()["id"])
