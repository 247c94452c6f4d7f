"""The only writer and the only reader of data: parts, catalogue, migrations, views, queries."""

from tasks.store.crawl_records import (
    CachedRobots,
    Found,
    FoundBy,
    FrontierCount,
    Limits,
    OpenWork,
    Redirected,
    Standing,
)
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
from tasks.store.site_columns import RobotsFact, SitemapEntryFact, SitemapFact, TargetFact, TargetKind
from tasks.store.store import Store
from tasks.store.views import connect, data_folder

__all__ = [
    "CachedRobots",
    "Chunk",
    "Found",
    "FoundBy",
    "FrontierCount",
    "Lease",
    "Limits",
    "OpenWork",
    "OutboxRequest",
    "PageOutcome",
    "Part",
    "PendingRequest",
    "Progress",
    "Redirected",
    "Retry",
    "RobotsFact",
    "Rows",
    "Run",
    "RunKind",
    "RunSpec",
    "RunState",
    "SitemapEntryFact",
    "SitemapFact",
    "Staged",
    "Standing",
    "Store",
    "Target",
    "TargetFact",
    "TargetKind",
    "connect",
    "data_folder",
    "new_run_id",
]
