"""scan-shard: some chunks of a run that batch-scan has divided among machines.

Started by batch-scan, which begins the run and ends it. Takes the data folder from SEO Result Store.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Cancelled

from tasks.scan.pool_task import process_pool
from tasks.scan.shard_task import ShardJob, take_shard
from tasks.scan.task import scan_chunks


@flow(name="scan-shard", task_runner=process_pool())
async def scan_shard(job: ShardJob) -> str | State[str]:
    """Scans the pages of a shard's hosts; returns the run's id.

    Args:
        job: Which chunks of which run.
    """
    plan = await take_shard(job)
    if plan is None:
        return Cancelled(message=f"run {job.run_id} goes on without this shard")
    stopped = await scan_chunks(plan, deadline=job.deadline, only=job.chunks)
    return Cancelled(message=stopped) if stopped else job.run_id
