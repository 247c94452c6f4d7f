"""maintain-store: the upkeep of the data folder, daily where it is deployed.

Needs no block; takes SEO Result Store where it is saved. Runs go on meanwhile, and readers see every row once.
"""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.failures import tell_failure
from tasks.admit.task import admitted, already_done
from tasks.durations import WRITTEN
from tasks.events import Identity
from tasks.maintain.task import compact_parts, prune_runs, sweep_files, wishes_of


@flow(name="maintain-store", flow_run_name="maintain-store", timeout_seconds=6 * 3600, on_failure=[tell_failure])
async def maintain_store(
    keep: Annotated[str, Field(json_schema_extra={"pattern": f"^$|{WRITTEN}"})] | None = None,
    grace: Annotated[str, Field(json_schema_extra={"pattern": WRITTEN})] = "1h",
    user_id: Identity = "local",
    request_id: str | None = None,
    data: str | None = None,
) -> int | State[str]:
    """Merges small parts, ends old runs and deletes what nothing needs; returns the bytes that freed.

    Args:
        keep: How long runs are kept after their end, such as 90d; that of the block SEO Result Store where absent, for
            good where that has none.
        grace: How long files stay that nothing names any more - longer than any query takes.
        user_id: Who is told where it fails.
        request_id: Identity of the request; once answered, it is not answered again.
        data: Data folder; that of the block SEO Result Store where absent.
    """
    wishes = await wishes_of(data, keep, grace)
    ticket = await admitted(request_id, None, data=wishes.data, user_id=user_id)
    if ticket.taken:
        return already_done(ticket)
    await compact_parts(wishes)
    await prune_runs(wishes)
    return await sweep_files(wishes)
