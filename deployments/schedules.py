"""Crawls at set times: schedules of crawl-site's deployment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import DeploymentSchedule, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from pydantic import ValidationError

from flows.registry import FLOWS
from tasks.errors import InputError

CRAWL = FLOWS["crawl-site"].deployment
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledCrawl:
    """A crawl at set times.

    Attributes:
        name: unique in the server.
        next_at: when it runs next, where Prefect has planned that.
        wishes: parameters that differ from the flow's defaults, without the start URL.
    """

    name: str
    site: str
    cron: str
    timezone: str
    active: bool
    next_at: datetime | None
    wishes: Mapping[str, Any]


def name_for(url: str) -> str:
    """A schedule's name: the address without its scheme, in letters, digits and hyphens."""
    return _NOT_IN_NAMES.sub("-", url.partition("://")[2].lower()).strip("-")[:60] or "crawl"


async def add_schedule(name: str, url: str, cron: str, timezone: str, wishes: Mapping[str, Any]) -> ScheduledCrawl:
    """Plans crawls of ``url``.

    Raises:
        InputError: no such deployment, a name that is taken, or times or wishes of no use.
    """
    try:
        times = CronSchedule(cron=cron, timezone=timezone)
    except ValidationError as error:
        problem = error.errors()[0]
        field = problem["loc"][-1] if problem["loc"] else "schedule"
        raise InputError(
            f"{field}: {problem['msg'].removeprefix('Value error, ')}: write five fields as crontab(5) "
            "has them ('0 3 * * *' is every day at 3:00) and a time zone such as Europe/Berlin"
        ) from None
    async with get_client() as client:
        deployment = await _deployment(client)
        if any(name == schedule.slug for schedule in deployment.schedules):
            raise InputError(
                f"there is a schedule {name!r}: choose another name with --name, or `seo schedule remove {name}` first"
            )
        wanted = DeploymentScheduleCreate(schedule=times, slug=name, parameters={"start_url": url, **wishes})
        try:
            await client.create_deployment_schedules(deployment.id, [wanted])
        except PrefectHTTPStatusError as error:
            raise InputError(f"Prefect takes no such schedule: {error.response.text[:300]}") from error
    return ScheduledCrawl(
        name=name, site=url, cron=cron, timezone=timezone, active=True, next_at=None, wishes=dict(wishes)
    )


async def list_schedules() -> list[ScheduledCrawl]:
    """All schedules of crawls, also those that were made in Prefect's UI.

    Raises:
        InputError: no such deployment.
    """
    async with get_client() as client:
        deployment = await _deployment(client)
        planned = await _planned(client, deployment.id)
    return [_crawl(schedule, planned.get(schedule.id)) for schedule in deployment.schedules]


async def remove_schedule(name: str) -> None:
    """Ends a schedule; runs it has planned are taken back by Prefect.

    Raises:
        InputError: no such deployment or schedule.
    """
    async with get_client() as client:
        deployment = await _deployment(client)
        found = next((schedule for schedule in deployment.schedules if _name(schedule) == name), None)
        if found is None:
            names = ", ".join(sorted(map(_name, deployment.schedules))) or "none"
            raise InputError(f"no schedule {name!r}: there are {names}")
        await client.delete_deployment_schedule(deployment.id, found.id)


async def _deployment(client: PrefectClient) -> DeploymentResponse:
    try:
        return await client.read_deployment_by_name(CRAWL)
    except ObjectNotFound:
        raise InputError(f"no deployment {CRAWL}: start `seo serve`, or `seo deploy` and a worker") from None


async def _planned(client: PrefectClient, deployment_id: UUID) -> dict[UUID, datetime]:
    """The next run by schedule."""
    runs = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
        ),
        limit=200,
    )
    planned: dict[UUID, datetime] = {}
    for run in runs:
        if run.created_by is not None and run.created_by.id is not None and run.next_scheduled_start_time is not None:
            earliest = planned.get(run.created_by.id, run.next_scheduled_start_time)
            planned[run.created_by.id] = min(earliest, run.next_scheduled_start_time)
    return planned


def _crawl(schedule: DeploymentSchedule, next_at: datetime | None) -> ScheduledCrawl:
    times, parameters = schedule.schedule, dict(schedule.parameters or {})
    return ScheduledCrawl(
        name=_name(schedule),
        site=str(parameters.pop("start_url", "")),
        cron=times.cron if isinstance(times, CronSchedule) else type(times).__name__,
        timezone=getattr(times, "timezone", None) or "UTC",
        active=schedule.active,
        next_at=next_at,
        wishes=parameters,
    )


def _name(schedule: DeploymentSchedule) -> str:
    return schedule.slug or str(schedule.id)
