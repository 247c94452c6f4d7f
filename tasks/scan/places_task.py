"""How many runs go on at once: a global concurrency limit of Prefect that operators may change.

A temporary server knows no limit: nothing there would ever free the places of runs that were killed.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect import get_run_logger
from prefect.client.base import ServerType
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.asyncio import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

RUNS_AT_ONCE = "seo-scan-runs"
RUNS_AT_ONCE_DEFAULT = 20
LEASE_SECONDS = 60
"""A run that was killed gives its place back after that; Prefect takes no less."""

TOLD_AFTER = 5.0

TEMPORARY = "SEO_TEMPORARY_SERVER"
"""Set by a command that has started Prefect's server for itself."""


@asynccontextmanager
async def run_slot() -> AsyncIterator[None]:
    """Holds one of the places; waits until there is one, and says so."""
    if not await _is_limited():
        yield
        return
    told = asyncio.get_running_loop().call_later(
        TOLD_AFTER,
        get_run_logger().warning,
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


async def _is_limited() -> bool:
    """Makes sure that there is a limit, where there can be one."""
    if os.environ.get(TEMPORARY):
        return False
    async with get_client() as client:
        if client.server_type == ServerType.EPHEMERAL:
            return False
        try:
            await client.read_global_concurrency_limit_by_name(RUNS_AT_ONCE)
        except ObjectNotFound:
            limit = GlobalConcurrencyLimitCreate(name=RUNS_AT_ONCE, limit=RUNS_AT_ONCE_DEFAULT)
            try:
                await client.create_global_concurrency_limit(limit)
            except ObjectAlreadyExists:
                get_run_logger().debug("another run has just created the limit %s", RUNS_AT_ONCE)
    return True
