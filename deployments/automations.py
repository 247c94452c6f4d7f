"""Automations that belong to no deployment."""

from datetime import timedelta

from prefect.automations import AutomationCore, EventTrigger, Posture
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState

from flows.registry import SHARD_TAG, TAG

HEARTBEAT_SECONDS = 30
"""The least that Prefect takes."""

SILENCE = timedelta(seconds=3 * HEARTBEAT_SECONDS)


def silent_runs() -> AutomationCore:
    """Marks a run Crashed that has sent no heartbeat and not ended: its process, or its machine, is gone."""
    states = ("Completed", "Failed", "Cancelled", "Crashed")
    return AutomationCore(
        name="seo-scan: a run whose process died has crashed",
        description="Prefect itself never ends a run whose worker is gone.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *(f"prefect.flow-run.{state}" for state in states)},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related={
                "prefect.resource.id": [f"prefect.tag.{TAG}", f"prefect.tag.{SHARD_TAG}"],
                "prefect.resource.role": "tag",
            },
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[
            ChangeFlowRunState(
                name="Crashed",
                state=StateType.CRASHED,
                force=False,
                message=f"no sign of life for {SILENCE.total_seconds():.0f} s: the process or its machine is gone",
            )
        ],
    )


async def save_automations() -> None:
    """Creates the automations, or puts them as they are to be."""
    wanted = silent_runs()
    async with get_client() as client:
        found = await client.read_automations_by_name(wanted.name)
        if found:
            await client.update_automation(found[0].id, wanted)
        else:
            await client.create_automation(wanted)
