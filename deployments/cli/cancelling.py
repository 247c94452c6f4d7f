"""The command ``cancel``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from deployments.cli import screen
from deployments.cli.choosing import known_run
from deployments.cli.options import PLACE, Place, data_option
from tasks.errors import InputError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def cancel(
    run: Annotated[str, Parameter(help="Run id, or how it begins; of one that is queued, its id.")],
    /,
    *,
    place: Place = PLACE,
) -> int:
    """End a run that is under way elsewhere, or queued.

    What was scanned is kept, its user is told, and `seo resume` goes on.
    """
    data = place.existing()
    run_id, user_id, waits = _to_be_cancelled(data, run)
    from deployments.cli.small_flows import run_here  # noqa: PLC0415 - imports Prefect
    from flows.cancel_run import cancel_run  # noqa: PLC0415

    async def flow() -> "State[Any]":
        state: State[Any] = await cancel_run(run_id, user_id, data=str(data.resolve()), return_state=True)
        return state

    run_here(flow, "cancelling the run")
    screen.line(_what_became_of(data, run_id, waited=waits))
    return 0


def _to_be_cancelled(data: Path, wanted: str) -> tuple[str, str, bool]:
    """(run, its user, whether it has not begun).

    Raises:
        UnknownRun: nothing of that id has begun or is queued.
        InputError: it has ended.
    """
    from tasks.store import RunState, Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        queued = None if store.has_run(wanted) else store.requests.work_of(wanted)
    if queued is not None:
        return wanted, queued.user_id, queued.begun_at is None
    run = known_run(data, wanted)
    if run.state in {RunState.COMPLETED, RunState.CANCELLED}:
        raise InputError(f"run {run.run_id} is {run.state.value}: there is nothing to cancel")
    return run.run_id, run.user_id, False


def _what_became_of(data: Path, run_id: str, *, waited: bool) -> str:
    from tasks.store import RunState, Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        if not store.has_run(run_id):
            return f"run {run_id} had not begun and will not" if waited else f"run {run_id} cancelled"
        if store.get_run(run_id).state == RunState.COMPLETED:
            return f"run {run_id} was completed before it could be cancelled"
        progress = store.progress(run_id)
    done = f"{progress.total - progress.pending - progress.leased:,} of {progress.total:,} pages are done"
    return f"run {run_id} cancelled: {done}; `seo resume {run_id}{data_option(data)}` goes on"
