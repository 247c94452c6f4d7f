"""Automations that belong to no deployment."""

from collections.abc import Iterable
from datetime import timedelta

from prefect.automations import AutomationCore, EventTrigger, Posture
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState

from flows.registry import SHARD_TAG, TAG

HEARTBEAT_SECONDS = 30
"""The least that Prefect takes."""

SILENCE = timedelta(seconds=3 * HEARTBEAT_SECONDS)
START = timedelta(minutes=30)
"""An image may have to be fetched first, and a pod may have to wait for a node."""

_TAKEN = ("Pending", "Submitting")
_STARTED = ("Running", "Retrying", "Rerunning", "heartbeat")
_ENDED = ("Completed", "Failed", "TimedOut", "Cancelled", "Crashed", "Scheduled", "AwaitingRetry")
"""The last two wait for whoever takes them next."""


def silent_runs() -> AutomationCore:
    """Marks a run Crashed that has begun and sends no heartbeat: its process, or its machine, is gone."""
    return _crashed(
        "seo-scan: a run whose process died has crashed",
        after=_STARTED,
        expect=("heartbeat", *_ENDED),
        within=SILENCE,
        message=f"no sign of life for {SILENCE.total_seconds():.0f} s: the process or its machine is gone",
    )


def stillborn_runs() -> AutomationCore:
    """Marks a run Crashed that somebody took and that never began; one that waits for its turn is not yet taken."""
    return _crashed(
        "seo-scan: a run that was taken and did not begin has crashed",
        after=_TAKEN,
        expect=(*_TAKEN, *_STARTED, *_ENDED),
        within=START,
        message=f"taken {START.total_seconds() / 60:.0f} minutes ago, and not begun: who took it is gone",
    )


def _crashed(
    name: str, *, after: Iterable[str], expect: Iterable[str], within: timedelta, message: str
) -> AutomationCore:
    return AutomationCore(
        name=name,
        description="Prefect itself never ends a run whose worker is gone.",
        trigger=EventTrigger(
            after=_events(after),
            expect=_events(expect),
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related={
                "prefect.resource.id": [f"prefect.tag.{TAG}", f"prefect.tag.{SHARD_TAG}"],
                "prefect.resource.role": "tag",
            },
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=within,
        ),
        actions=[ChangeFlowRunState(name="Crashed", state=StateType.CRASHED, force=False, message=message)],
    )


def _events(names: Iterable[str]) -> set[str]:
    return {f"prefect.flow-run.{name}" for name in names}


async def save_automations() -> None:
    """Creates the automations, or puts them as they are to be.

    One that is so is left alone: with each change Prefect forgets which runs it waits to hear of.
    """
    async with get_client() as client:
        for wanted in (silent_runs(), stillborn_runs()):
            found = next(iter(await client.read_automations_by_name(wanted.name)), None)
            if found is None:
                await client.create_automation(wanted)
            elif _as_made(found) != _as_made(wanted):
                await client.update_automation(found.id, wanted)


def _as_made(automation: AutomationCore) -> AutomationCore:
    """Without what the server adds."""
    return AutomationCore.model_validate(automation.model_dump(include=set(AutomationCore.model_fields)))
