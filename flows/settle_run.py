"""settle-run: what a run leaves open that failed or was cancelled before it could tell anyone, or whose process died.

Started by an automation for each run of a deployment that ended in one of these ways. Needs no block; takes SEO Result
Store where it is saved.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.failures import failure_key
from flows.outbox import send_outbox
from flows.registry import FLOWS
from tasks.admit.task import admitted, already_done
from tasks.notify.task import result_folder
from tasks.settle.task import ILL_ENDED, read_ended_run, settle


@flow(name="settle-run", flow_run_name="settle-{flow_run_id}", timeout_seconds=300)
async def settle_run(flow_run_id: str, request_id: str | None = None, data: str | None = None) -> str | State[str]:
    """Marks the run interrupted that a run of Prefect left open, and tells its user; returns Prefect's id.

    Args:
        flow_run_id: Prefect's id of the run that failed, crashed or was cancelled.
        request_id: Identity of the request; once answered, it is not answered again.
        data: Data folder; that of the block SEO Result Store where absent.
    """
    folder = await result_folder(data)
    ended = await read_ended_run(flow_run_id)
    entry = FLOWS.get(ended.flow)
    if entry is None or not ended.deployed:
        return Completed(message="this run is not of seo-scan")
    if ended.state not in ILL_ENDED:
        return Completed(message=f"this run is {ended.state} again")
    ticket = await admitted(request_id, None, data=folder, user_id=ended.user_id)
    if ticket.taken:
        return already_done(ticket)
    key = failure_key(flow_run_id, ended.run_count)
    await settle(ended, own_run=entry.own_run, key=key, data=folder)
    await send_outbox(folder)
    return flow_run_id
