"""Work pools that `seo deploy` makes."""

import json
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate

from deployments.deploy import create_pools
from flows.registry import SHARD_POOL, WORK_POOL

pytestmark = pytest.mark.usefixtures("prefect_db")

KUBERNETES = json.loads((Path(__file__).parents[2] / "deployments" / "kubernetes.json").read_text())


@pytest.fixture
async def client():
    async with get_client() as opened:
        yield opened
        for pool in await opened.read_work_pools():
            await opened.delete_work_pool(pool.name)


async def test_both_run_processes_where_there_is_none(client):
    assert await create_pools(client) == [WORK_POOL, SHARD_POOL]
    assert [(await client.read_work_pool(name)).type for name in (WORK_POOL, SHARD_POOL)] == ["process", "process"]
    assert await create_pools(client) == []


async def test_shards_run_where_all_else_does(client):
    await client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="kubernetes", base_job_template=KUBERNETES))
    assert await create_pools(client) == [SHARD_POOL]
    made = await client.read_work_pool(SHARD_POOL)
    assert (made.type, made.base_job_template) == ("kubernetes", KUBERNETES)
