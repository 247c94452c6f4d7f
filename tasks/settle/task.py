"""What a failed or crashed run of Prefect leaves behind: a run that nobody works on, a user who does not know."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from tasks.errors import InputError
from tasks.events import NotificationRequested
from tasks.logs import step
from tasks.store import OutboxRequest, Run, RunState, Store
from tasks.urls import printable

RUNS_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run of Prefect that did not end well.

    Attributes:
        state: Failed or Crashed.
        run_id: of the work, where that was known at its start.
    """

    flow_run_id: str
    name: str
    state: str
    user_id: str
    run_id: str | None
    ended_at: datetime | None


@task(name="read-ended-run", retries=3, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def read_ended_run(flow_run_id: str) -> EndedRun:
    """What Prefect knows of the run.

    Raises:
        InputError: there is no such run.
    """
    async with get_client() as client:
        try:
            found = await client.read_flow_run(UUID(flow_run_id))
        except (ObjectNotFound, ValueError):
            raise InputError(f"Prefect has no run {printable(flow_run_id, 100)}") from None
    return EndedRun(
        flow_run_id=flow_run_id,
        name=found.name,
        state=(found.state_name or "Failed").lower(),
        user_id=found.parameters.get("user_id") or "local",
        run_id=found.parameters.get("run_id"),
        ended_at=found.end_time,
    )


@task(name="settle", retries=3, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def settle(ended: EndedRun, *, key: str, data: str) -> None:
    """Marks the run interrupted that it drove, and asks for its user to be told, once for ``key``."""

    def done() -> Run | None:
        with Store.open(data) as store:
            run = _left_open(store, ended)
            if run is not None:
                why = f"its process died ({ended.state})"
                run = store.finish_run(run.run_id, run.epoch, RunState.INTERRUPTED, error=why)
            told = NotificationRequested(
                user_id=ended.user_id, title="Run Failed", message=_message(ended, run), type="error"
            )
            request = OutboxRequest(key, told.name, told.model_dump(mode="json"))
            store.outbox.add([request], run_id=run.run_id if run else ended.run_id or "")
        return run

    with step(get_run_logger(), "settle", flow_run=ended.flow_run_id, user=ended.user_id) as settling:
        run = await asyncio.to_thread(done)
        settling.result = "nothing was open" if run is None else f"run {run.run_id} is interrupted"


def _left_open(store: Store, ended: EndedRun) -> Run | None:
    """The run that it worked on and nobody does any more."""
    for run in store.list_runs(RUNS_LOOKED_AT):
        if run.state == RunState.RUNNING and (
            run.prefect_flow_run_id == ended.flow_run_id or run.run_id == ended.run_id
        ):
            seen = max(filter(None, (run.taken_at, run.first_request_at, run.last_commit_at)))
            taken_over = ended.ended_at is not None and seen > ended.ended_at
            return None if taken_over else run
    return None


def _message(ended: EndedRun, run: Run | None) -> str:
    name = printable(ended.name, 300)
    if run is None:
        return f"{name} {ended.state}; its log in Prefect has more"
    return f"{name} {ended.state}: its process died; `seo resume {run.run_id}` continues it"
