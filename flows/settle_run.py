"""settle-run: what a run leaves open whose process died, or that failed before it could tell anyone.

Started by an automation for each failed or crashed run of a deployment. Needs no block; takes SEO Result Store where
it is saved.
"""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.failures import failure_key
from flows.outbox import send_outbox
from tasks.admit.task import admitted, already_done
from tasks.notify.task import result_folder
from tasks.settle.task import read_ended_run, settle


@flow(name="settle-run", flow_run_name="settle-{flow_run_id}", timeout_seconds=300)
async def settle_run(flow_run_id: str, request_id: str | None = None, data: str | None = None) -> str | State[str]:
    """Marks the run interrupted that a run of Prefect left open, and tells its user; returns Prefect's id.

    Args:
        flow_run_id: Prefect's id of the run that failed or crashed.
        request_id: Identity of the request; once answered, it is not answered again.
        data: Data folder; that of the block SEO Result Store where absent.
    """
    folder = await result_folder(data)
    ended = await read_ended_run(flow_run_id)
    ticket = await admitted(request_id, None, data=folder, user_id=ended.user_id)
    if ticket.taken:
        return already_done(ticket)
    await settle(ended, key=failure_key(flow_run_id), data=folder)
    await send_outbox(folder)
    return flow_run_id
