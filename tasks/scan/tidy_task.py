"""Merging the parts of a run, before it is judged as a whole."""

import asyncio

from prefect import get_run_logger

from tasks.errors import StoreError
from tasks.scan.merging import merge_parts
from tasks.scan.own_process import in_own_process
from tasks.scan.pool_task import WorkerDied
from tasks.store import Compacted, Store


async def tidy(data: str, run_id: str) -> None:
    """Merges the run's parts where they are too many to be read at once; it is no harm where that fails.

    It takes 200 MB, which the process of the run would keep.
    """
    log = get_run_logger()
    try:
        due = await asyncio.to_thread(_is_due, data, run_id)
        done = await in_own_process(merge_parts, data, run_id) if due else Compacted()
    except (StoreError, WorkerDied) as error:
        log.warning("parts of run %s stay as they are: %s", run_id, error)
    else:
        if done.merged:
            log.info("%d parts of run %s became %d", done.merged, run_id, done.made)


def _is_due(data: str, run_id: str) -> bool:
    with Store.open(data) as store:
        return store.upkeep.is_due(run_id)
