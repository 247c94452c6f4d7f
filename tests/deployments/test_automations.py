"""Automations are saved so that Prefect keeps what it has counted for them."""

from datetime import timedelta

import pytest
from prefect.client.orchestration import get_client

from deployments.automations import save_automations, silent_runs, stillborn_runs
from flows.registry import FLOWS, SHARD_TAG, TAG

pytestmark = pytest.mark.usefixtures("prefect_db")


async def saved():
    """Each automation as the server has it, by name."""
    async with get_client() as client:
        answer = await client.request("POST", "/automations/filter", json={})
    return {automation["name"]: automation for automation in answer.json()}


async def test_saved_again_they_are_left_alone():
    await save_automations()
    first = await saved()
    assert first.keys() == {silent_runs().name, stillborn_runs().name}
    await save_automations()
    assert await saved() == first


async def test_one_of_another_release_is_put_right():
    await save_automations()
    wanted = await saved()
    async with get_client() as client:
        (found,) = await client.read_automations_by_name(silent_runs().name)
        older = silent_runs()
        older.trigger.after = {"prefect.flow-run.heartbeat"}
        older.trigger.within = timedelta(seconds=60)
        await client.update_automation(found.id, older)
    await save_automations()
    for name, automation in (await saved()).items():
        trigger, before = automation["trigger"], wanted[name]["trigger"]
        assert (trigger["within"], set(trigger["after"])) == (before["within"], set(before["after"]))


def test_they_see_our_runs_alone():
    tags = {tag for entry in FLOWS.values() for tag in entry.tags}
    assert tags == {TAG, SHARD_TAG, "seo-service"}
    for automation in (silent_runs(), stillborn_runs()):
        related = automation.trigger.match_related.root
        assert related == {
            "prefect.resource.id": [f"prefect.tag.{TAG}", f"prefect.tag.{SHARD_TAG}"],
            "prefect.resource.role": "tag",
        }
