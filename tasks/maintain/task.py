"""The room's Prefect tasks."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from blocks import ResultStore
from tasks.durations import duration, retention
from tasks.errors import InputError
from tasks.logs import step
from tasks.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is to be kept.

    Attributes:
        data: the folder.
        keep_s: seconds that runs are kept after their end; None for good.
        grace_s: seconds that files stay after nothing names them any more.
    """

    data: str
    keep_s: float | None
    grace_s: float


async def wishes_of(data: str | None, keep: str | None, grace: str) -> Wishes:
    """The wishes, completed by the block SEO Result Store.

    Raises:
        InputError: a length of time that is none; names it.
    """
    block = await ResultStore.named()
    kept = block.keep_runs if keep is None else keep
    return Wishes(
        data=block.folder_of_run(data),
        keep_s=_seconds("keep", kept, retention) if kept else None,
        grace_s=_seconds("grace", grace, duration),
    )


def _seconds(name: str, text: str, read: Callable[[str], float]) -> float:
    try:
        return read(text)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


@task(name="compact-parts", retries=2, retry_delay_seconds=30, cache_policy=NO_CACHE)
async def compact_parts(wishes: Wishes) -> int:
    """Merges the small parts of tables that have too many; returns how many there are fewer."""
    with step(get_run_logger(), "compact-parts", data=wishes.data) as compacting:
        with Store.open(wishes.data) as store:
            done = await asyncio.to_thread(store.upkeep.compact)
        compacting.result = f"{done.merged} parts became {done.made}"
    return done.merged - done.made


@task(name="prune-runs", retries=2, retry_delay_seconds=30, cache_policy=NO_CACHE)
async def prune_runs(wishes: Wishes) -> int:
    """Removes runs that are kept no longer; returns how many. None are where all are kept for good."""
    log = get_run_logger()
    if wishes.keep_s is None:
        log.info("all runs are kept: keep_runs of the SEO Result Store block, or keep, says for how long")
        return 0
    with step(log, "prune-runs", data=wishes.data) as pruning:
        with Store.open(wishes.data) as store:
            done = await asyncio.to_thread(store.upkeep.prune, wishes.keep_s)
        for kept in done.kept:
            log.info("run %s stays: %s", kept.run_id, kept.why)
        pruning.result = (
            f"{len(done.removed)} runs removed, {len(done.reduced)} reduced, {done.records} records deleted"
        )
    return len(done.removed)


@task(name="sweep-files", retries=2, retry_delay_seconds=30, cache_policy=NO_CACHE)
async def sweep_files(wishes: Wishes) -> int:
    """Deletes files that nothing needs any more; returns how many bytes that freed."""
    with step(get_run_logger(), "sweep-files", data=wishes.data) as sweeping:
        with Store.open(wishes.data) as store:
            await asyncio.to_thread(store.publish, final=True)
            done = await asyncio.to_thread(store.upkeep.sweep, wishes.grace_s, keep_s=wishes.keep_s)
        files = done.dead + done.orphans + done.temporary + done.results
        sweeping.result = f"{files} files deleted, {done.bytes} bytes"
    return done.bytes
