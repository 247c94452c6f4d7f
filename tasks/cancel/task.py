"""Cancelling a run: its stop mark first, so that it can end by itself, then Prefect."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run as this_flow_run

from tasks.errors import InputError, UnknownRun
from tasks.events import NotificationRequested, cancelled_key
from tasks.logs import step
from tasks.store import OutboxRequest, Run, RunState, Store
from tasks.urls import printable

PATIENCE = 15.0
"""Seconds for which a run may finish what it has in flight."""

LOOK_EVERY = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """What became of a run.

    Attributes:
        run: as the catalogue has it; None where it scanned nothing.
        already: it had ended before.
        waited: it had not begun.
    """

    run: Run | None
    already: bool = False
    waited: bool = False


@task(name="stop-run", retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def stop_run(run_id: str, user_id: str, data: str) -> Cancelled:
    """Asks the run to end, has Prefect end what did not, and notes it in the catalogue.

    Raises:
        UnknownRun: there is none, or this Prefect has it not.
        InputError: it is someone else's, or work that is no scan and has ended.
    """
    store = await asyncio.to_thread(Store.open, data)
    with step(get_run_logger(), "stop-run", run=run_id, user=user_id) as stopping:
        try:
            cancelled = await _stop(store, run_id, user_id)
        finally:
            await asyncio.to_thread(store.close)
        stopping.result = "had ended" if cancelled.already else "cancelled"
    return cancelled


async def _stop(store: Store, run_id: str, user_id: str) -> Cancelled:
    claimed = await asyncio.to_thread(store.requests.flow_runs, run_id)
    # the request to cancel is itself claimed under the run
    flow_runs = [flow_run_id for flow_run_id in claimed if flow_run_id != this_flow_run.id]
    if not await asyncio.to_thread(store.has_run, run_id):
        work = await asyncio.to_thread(store.requests.work_of, run_id)
        if work is None or not flow_runs:
            raise UnknownRun(f"no run {printable(run_id, 100)} in this data folder: `seo runs` lists them")
        _check_owner(run_id, work.user_id, user_id)
        before = await _cancel(flow_runs)
        if not before:
            raise UnknownRun(
                f"run {run_id} waits at another server of Prefect than this one: name that in PREFECT_API_URL"
            )
        if all(state.is_final() for state in before):
            raise InputError(f"run {run_id} has ended: there is nothing to cancel")
        return Cancelled(run=None, waited=work.begun_at is None)
    run = await asyncio.to_thread(store.get_run, run_id)
    _check_owner(run_id, run.user_id, user_id)
    if run.state in {RunState.COMPLETED, RunState.CANCELLED}:
        return Cancelled(run=run, already=True)
    if run.state == RunState.RUNNING:
        await asyncio.to_thread(store.request_stop, run_id)
        await _ended(store, run_id)
    await _cancel([*flow_runs, *filter(None, [run.prefect_flow_run_id, run.parent_flow_run_id])])
    return Cancelled(run=await asyncio.to_thread(_noted, store, run_id))


def _check_owner(run_id: str, owner: str, user_id: str) -> None:
    if owner != user_id:
        raise InputError(f"run {run_id} is not of user {user_id}: only its own user can cancel it")


async def _ended(store: Store, run_id: str) -> None:
    for _ in range(round(PATIENCE / LOOK_EVERY)):
        if (await asyncio.to_thread(store.get_run, run_id)).state != RunState.RUNNING:
            return
        await asyncio.sleep(LOOK_EVERY)


async def _cancel(flow_runs: list[str]) -> list[State]:
    """A deployment's run is ended by who started its process; one that waits to be started never is.

    Returns how they were before, of those that this server has.
    """
    before = []
    async with get_client() as client:
        for flow_run_id in dict.fromkeys(flow_runs):
            try:
                flow_run = await client.read_flow_run(UUID(flow_run_id))
            except ObjectNotFound:
                continue  # of another server, or one that is no more
            if flow_run.state is None:
                continue
            before.append(flow_run.state)
            if flow_run.deployment_id is not None and not flow_run.state.is_final():
                await client.set_flow_run_state(flow_run.id, State(type=StateType.CANCELLING))
    return before


def _noted(store: Store, run_id: str) -> Run:
    run = store.get_run(run_id)
    if run.state in {RunState.COMPLETED, RunState.CANCELLED}:
        return run
    return store.finish_run(run_id, run.epoch, RunState.CANCELLED, run.error, incomplete_reason="cancelled")


@task(name="notify-cancelled", retries=3, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def notify_cancelled(cancelled: Cancelled, run_id: str, user_id: str, data: str) -> None:
    """Asks for the user to be told what became of the run, through the outbox."""
    what = f"run {run_id}"
    run = cancelled.run
    if run is None:
        message = f"{what} had not begun and will not" if cancelled.waited else f"{what} was cancelled"
    elif cancelled.already or run.state == RunState.COMPLETED:
        message = f"{what} had ended before: it is {run.state.value}"
    else:
        message = f"{what} was cancelled; `seo resume {run_id}` continues it"
    told = NotificationRequested(user_id=user_id, title="Run Cancelled", message=message, type="info")
    request = OutboxRequest(cancelled_key(run_id, run.epoch if run else 0), told.name, told.model_dump(mode="json"))

    def add() -> None:
        with Store.open(data) as store:
            store.outbox.add([request], run_id=run_id)

    with step(get_run_logger(), "notify-cancelled", run=run_id, user=user_id):
        await asyncio.to_thread(add)
