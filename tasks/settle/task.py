"""What a run of Prefect leaves behind that did not end well: a run that nobody works on, a user who does not know."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from tasks.errors import InputError
from tasks.events import NotificationRequested, cancelled_key, identity_in
from tasks.logs import step
from tasks.store import OutboxRequest, Run, RunState, Store
from tasks.urls import printable

RUNS_LOOKED_AT = 1000
ILL_ENDED = frozenset({"failed", "crashed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run of Prefect that did not end well.

    Attributes:
        state: its state's type in lower case, one of ``ILL_ENDED`` where nobody tries it again.
        run_id: of the work, where that was known at its start.
        run_count: how often it was tried.
        deployed: it is a deployment's.
    """

    flow_run_id: str
    flow: str
    name: str
    state: str
    user_id: str
    run_id: str | None
    run_count: int
    deployed: bool
    ended_at: datetime | None

    @property
    def cancelled(self) -> bool:
        return self.state == "cancelled"

    @property
    def process(self) -> str:
        """What became of its process."""
        return "its process was ended" if self.cancelled else "its process died"


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
        flow = await client.read_flow(found.flow_id)
    return EndedRun(
        flow_run_id=flow_run_id,
        flow=flow.name,
        name=found.name,
        state=found.state_type.value.lower() if found.state_type else "",
        user_id=identity_in(found.parameters, "user_id") or "local",
        run_id=identity_in(found.parameters, "run_id"),
        run_count=found.run_count,
        deployed=found.deployment_id is not None,
        ended_at=found.end_time,
    )


@task(name="settle", retries=3, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def settle(ended: EndedRun, *, own_run: bool, key: str, data: str) -> None:
    """Marks the run interrupted that it left open, and asks for its user to be told, once for ``key``.

    Args:
        ended: the run of Prefect.
        own_run: it worked on the run that its ``run_id`` names; else that is another's, and left alone.
        key: identity of what its user is told.
        data: data folder.
    """

    def done() -> Run | None:
        with Store.open(data) as store:
            store.requests.end(ended.flow_run_id, "cancelled" if ended.cancelled else "failed")
            run = _run_of(store, ended) if own_run else None
            is_open = run is not None and _is_open(run, ended)
            if run is not None and is_open:
                run = store.finish_run(run.run_id, run.epoch, RunState.INTERRUPTED, error=ended.process)
            if is_open or not ended.cancelled:
                _tell(store, ended, run if is_open else None, key)
            elif own_run and run is None:
                _tell(store, ended, None, cancelled_key(ended.run_id) if ended.run_id else key)
        return run if is_open else None

    with step(get_run_logger(), "settle", flow_run=ended.flow_run_id, user=ended.user_id) as settling:
        run = await asyncio.to_thread(done)
        settling.result = "nothing was open" if run is None else f"run {run.run_id} is interrupted"


def _run_of(store: Store, ended: EndedRun) -> Run | None:
    """The run that it worked on, as the catalogue has it."""
    mine = (
        run
        for run in store.list_runs(RUNS_LOOKED_AT)
        if run.prefect_flow_run_id == ended.flow_run_id or run.run_id == ended.run_id
    )
    return next(mine, None)


def _is_open(run: Run, ended: EndedRun) -> bool:
    """Whether nobody works on it any more, and it has not ended."""
    if run.state != RunState.RUNNING or run.parent_flow_run_id not in {None, ended.flow_run_id}:
        return False
    seen = max(filter(None, (run.taken_at, run.first_request_at, run.last_commit_at)))
    return ended.ended_at is None or seen <= ended.ended_at


def _tell(store: Store, ended: EndedRun, left: Run | None, key: str) -> None:
    """Asks for its user to be told, of the run that it left open, too."""
    told = NotificationRequested(
        user_id=ended.user_id,
        title="Run Cancelled" if ended.cancelled else "Run Failed",
        message=f"{printable(ended.name, 300)} {_what(ended, left)}",
        type="info" if ended.cancelled else "error",
    )
    request = OutboxRequest(key, told.name, told.model_dump(mode="json"))
    store.outbox.add([request], run_id=left.run_id if left else ended.run_id or "")


def _what(ended: EndedRun, left: Run | None) -> str:
    if left is not None:
        return f"{ended.state}: {ended.process}; `seo resume {left.run_id}` continues it"
    if ended.cancelled:
        return "cancelled: it had not begun and will not"
    return f"{ended.state}; its log in Prefect has more"
