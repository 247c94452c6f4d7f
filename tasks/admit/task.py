"""A flow's first steps: claim the request that it answers, wait for the user's turn."""

import asyncio
import json
from dataclasses import dataclass

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.concurrency.asyncio import rate_limit
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectAlreadyExists
from prefect.states import Completed

from blocks import Crawler
from tasks.logs import step
from tasks.store import Store, new_run_id

MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A flow run's place.

    Attributes:
        run_id: of the work; minted at the claim where none was given.
        taken: another run answers the request: ``run_id`` is that one's.
    """

    run_id: str
    taken: bool = False


async def admitted(
    request_id: str | None, run_id: str | None, *, data: str, user_id: str, throttled: bool = False
) -> Ticket:
    """Claims the request for this flow run and waits until its user may begin another.

    Without a request there is nothing to claim. Only a deployment's runs are throttled.
    """
    if request_id is None:
        return Ticket(run_id=run_id or new_run_id())
    flow_run_id, flow, project_id = _this_run()
    ticket = await claim_request(request_id, run_id, data, user_id, flow, flow_run_id, project_id)
    if not ticket.taken:
        if throttled and is_deployed():
            await throttle(user_id)
        await asyncio.to_thread(_begin, data, request_id, flow_run_id)
    return ticket


def already_done(ticket: Ticket) -> State[str]:
    """The final state of a flow run whose request another run answers."""
    return Completed(message=f"already done by run {ticket.run_id}")


def is_deployed() -> bool:
    """Whether the surrounding flow run belongs to a deployment."""
    context = FlowRunContext.get()
    return context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None


def _this_run() -> tuple[str, str, str]:
    """Prefect's id of the surrounding flow run, its flow's name and its project."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow is None:
        raise RuntimeError("requests are claimed inside a flow")
    return str(context.flow_run.id), context.flow.name, (context.parameters or {}).get("project_id", "default")


@task(name="claim-request", retries=3, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def claim_request(
    request_id: str, run_id: str | None, data: str, user_id: str, flow: str, flow_run_id: str, project_id: str
) -> Ticket:
    """Makes this flow run the one that answers the request, unless another is."""
    with step(get_run_logger(), "claim-request", request=request_id, run=run_id, user=user_id) as claiming:
        ticket = await asyncio.to_thread(_claim, request_id, run_id, data, user_id, flow, flow_run_id, project_id)
        claiming.result = f"run {ticket.run_id}" + (" has it" if ticket.taken else "")
    return ticket


def _claim(
    request_id: str, run_id: str | None, data: str, user_id: str, flow: str, flow_run_id: str, project_id: str
) -> Ticket:
    with Store.open(data) as store:
        claim = store.requests.claim(
            request_id,
            run_id or new_run_id(),
            flow=flow,
            user_id=user_id,
            payload=json.dumps({"project_id": project_id}),
            flow_run_id=flow_run_id,
            origin="trigger",
        )
    return Ticket(run_id=claim.run_id, taken=not claim.first)


def _begin(data: str, request_id: str, flow_run_id: str) -> None:
    with Store.open(data) as store:
        store.requests.begin(request_id, flow_run_id)


@task(name="throttle", cache_policy=NO_CACHE)
async def throttle(user_id: str) -> None:
    """Waits until the user's limit of scans a minute allows another."""
    name = f"seo-scans-{user_id}"
    per_minute = (await Crawler.named()).scans_per_minute
    with step(get_run_logger(), "throttle", user=user_id):
        async with get_client() as client:
            try:
                await client.upsert_global_concurrency_limit_by_name(name, per_minute, per_minute / MINUTE)
            except ObjectAlreadyExists:
                get_run_logger().debug("another run has just created the limit %s", name)
        await rate_limit(name, strict=True)
