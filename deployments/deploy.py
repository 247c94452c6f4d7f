"""``seo deploy``: the flows for workers, by deployments/prefect.yaml."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterWorkQueueName,
)
from prefect.client.schemas.objects import StateType, WorkPool
from prefect.exceptions import ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from deployments.automations import save_automations
from deployments.prefect_api import require_api, saved_folder
from deployments.prefect_file import FILE
from flows.registry import FLOWS, SHARD_POOL, WORK_POOL
from tasks.errors import SeoScanError

QUEUES = ("interactive", "batch", "analysis")
"""Of the work pool of all but shards; a worker takes from the first that has a run."""
LEFT_NAMED = 5


class DeployFailed(SeoScanError):
    """`prefect deploy` failed; its own words follow."""


async def deploy(tell: Callable[[str], None]) -> Path:
    """Creates the work pools and queues where absent, and the deployments; returns their data folder.

    Raises:
        PrefectAbsent: no Prefect API answers.
        InputError: the Result Store block is missing or has a relative folder.
        DeployFailed: Prefect took a deployment not.
    """
    await require_api()
    folder = await saved_folder()
    async with get_client() as client:
        for pool in await create_pools(client):
            tell(f"created the work pool {pool}")
        for queue in await _created_queues(client):
            tell(f"created the work queue {queue}")
    await asyncio.to_thread(_prefect_deploy)
    await save_automations()
    for entry in FLOWS.values():
        tell(f"deployed {entry.deployment} to queue {entry.queue} of {entry.pool}")
    if left := await _left_behind():
        tell(left)
    return folder


async def _left_behind() -> str:
    """Runs that wait in no queue, where no worker looks, and what to do; Prefect cannot put them into one."""
    waiting = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        work_queue_name=FlowRunFilterWorkQueueName(is_null_=True),
    )
    names = []
    async with get_client() as client:
        for entry in FLOWS.values():
            deployment = await client.read_deployment_by_name(entry.deployment)
            ours = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
            runs = await client.read_flow_runs(flow_run_filter=waiting, deployment_filter=ours)
            names += [f"{run.name} ({entry.name})" for run in runs]
    if not names:
        return ""
    named = ", ".join(names[:LEFT_NAMED]) + (", …" if len(names) > LEFT_NAMED else "")
    return (
        f"no worker takes what waits since `seo serve` had the deployments: {named}; start `seo serve` until they are "
        f"done ({len(names)}), then `seo deploy` again"
    )


async def create_pools(client: PrefectClient) -> list[str]:
    """The work pools that were absent: that of shards is like the other one, which runs processes."""
    created: list[str] = []
    like = None
    for name in (WORK_POOL, SHARD_POOL):
        try:
            like = await client.read_work_pool(name)
        except ObjectNotFound:
            like = await client.create_work_pool(await _pool(name, like))
            created.append(name)
    return created


async def _pool(name: str, like: WorkPool | None) -> WorkPoolCreate:
    if like is not None:
        return WorkPoolCreate(name=name, type=like.type, base_job_template=like.base_job_template)
    template = await get_default_base_job_template_for_infrastructure_type("process")
    return WorkPoolCreate(name=name, type="process", base_job_template=template or {})


async def _created_queues(client: PrefectClient) -> list[str]:
    created = []
    for priority, queue in enumerate(QUEUES, 1):
        try:
            await client.read_work_queue_by_name(queue, work_pool_name=WORK_POOL)
        except ObjectNotFound:
            await client.create_work_queue(queue, work_pool_name=WORK_POOL, priority=priority)
            created.append(queue)
    return created


def _prefect_deploy() -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(FILE)]
    environment = {**os.environ, "NO_COLOR": "1", "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - Prefect's
    # it exits with 0 also where a deployment was refused
    if done.returncode or done.stdout.count("successfully created") < len(FLOWS):
        raise DeployFailed(f"`{' '.join(command[1:])}` failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
