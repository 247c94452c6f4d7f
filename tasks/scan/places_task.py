"""How many runs go on at once: a global concurrency limit of Prefect that operators may change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.asyncio import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

RUNS_AT_ONCE = "seo-scan-runs"
RUNS_AT_ONCE_DEFAULT = 20
LEASE_SECONDS = 60
"""A run that was killed gives its place back after that; Prefect takes no less."""

TOLD_AFTER = 5.0


@asynccontextmanager
async def run_slot() -> AsyncIterator[None]:
    """Holds one of the places; waits until there is one, and says so."""
    await _ensure_limit()
    log = get_run_logger()
    told = asyncio.get_running_loop().call_later(
        TOLD_AFTER,
        log.warning,
        "waits: the global concurrency limit %s has no place left; a killed run holds its own for %d s",
        RUNS_AT_ONCE,
        LEASE_SECONDS,
    )
    try:
        async with concurrency(
            RUNS_AT_ONCE, strict=True, lease_duration=LEASE_SECONDS, raise_on_lease_renewal_failure=False
        ):
            told.cancel()
            yield
    finally:
        told.cancel()


async def _ensure_limit() -> None:
    async with get_client() as client:
        try:
            await client.read_global_concurrency_limit_by_name(RUNS_AT_ONCE)
        except ObjectNotFound:
            limit = GlobalConcurrencyLimitCreate(name=RUNS_AT_ONCE, limit=RUNS_AT_ONCE_DEFAULT)
            try:
                await client.create_global_concurrency_limit(limit)
            except ObjectAlreadyExists:
                get_run_logger().debug("another run has just created the limit %s", RUNS_AT_ONCE)
