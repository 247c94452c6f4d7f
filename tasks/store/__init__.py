"""The only writer and the only reader of data: parts, catalogue, migrations, views, queries."""

from tasks.store.records import (
    Chunk,
    Lease,
    OutboxRequest,
    PageOutcome,
    Part,
    PendingRequest,
    Progress,
    Retry,
    Rows,
    Run,
    RunKind,
    RunSpec,
    RunState,
    Staged,
    Target,
)
from tasks.store.runs import new_run_id
from tasks.store.store import Store
from tasks.store.views import connect, data_folder

__all__ = [
    "Chunk",
    "Lease",
    "OutboxRequest",
    "PageOutcome",
    "Part",
    "PendingRequest",
    "Progress",
    "Retry",
    "Rows",
    "Run",
    "RunKind",
    "RunSpec",
    "RunState",
    "Staged",
    "Store",
    "Target",
    "connect",
    "data_folder",
    "new_run_id",
]
