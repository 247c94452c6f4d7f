"""cancel-run: ends a run before its time.

Needs no block; takes SEO Result Store where it is saved. What was scanned is kept, and the run can be resumed.
"""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.failures import tell_failure
from flows.outbox import send_outbox
from tasks.admit.task import admitted, already_done
from tasks.cancel.task import notify_cancelled, stop_run
from tasks.events import Identity, RunId
from tasks.notify.task import result_folder


@flow(name="cancel-run", flow_run_name="cancel-{run_id}", timeout_seconds=300, on_failure=[tell_failure])
async def cancel_run(
    run_id: RunId,
    user_id: Identity = "local",
    request_id: str | None = None,
    data: str | None = None,
) -> str | State[str]:
    """Cancels a run and tells its user; returns the run's id.

    Args:
        run_id: The run to cancel.
        user_id: Whose run it is.
        request_id: Identity of the request; once answered, it is not answered again.
        data: Data folder; that of the block SEO Result Store where absent.
    """
    folder = await result_folder(data)
    ticket = await admitted(request_id, run_id, data=folder, user_id=user_id)
    if ticket.taken:
        return already_done(ticket)
    cancelled = await stop_run(run_id, user_id, folder)
    await notify_cancelled(cancelled, run_id, user_id, folder)
    await send_outbox(folder)
    return run_id
