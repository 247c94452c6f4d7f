"""Every flow: what starts it, and how it is deployed. Adding a flow is one line here."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from prefect import Flow

from tasks.events import (
    AnalyzeRequested,
    BatchRequested,
    CancelRequested,
    NotificationRequested,
    RequestEvent,
    ScanRequested,
)

Queue = Literal["interactive", "batch", "analysis", "default"]
WORK_POOL = "seo-scan"
SHARD_POOL = "seo-shards"
"""Of its own: a run that waits for its shards never holds a place that they need."""
DEPLOYMENT = "default"
"""Every flow's deployment has this name."""
TAG = "seo-scan"
"""On the deployments that work for a user: what they leave open when they fail is settled, and the user told."""
SHARD_TAG = "seo-shard"
"""On what another run waits for and makes good."""
DAILY = "daily"
"""Name of the schedule that a deployment comes with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEntry:
    """A flow.

    Attributes:
        name: as Prefect knows it.
        path: module path of the flow function; never a file path, which would load its module twice.
        event: what asks for it; None where only people, schedules and other flows do.
        pool: the work pool of its deployment, and ``queue`` its queue there.
        concurrency_limit: runs of its deployment at once; further ones wait.
        folder: the parameter that names the data folder to a run in this process: ``data``, or ``data`` of ``options``.
        cron: when a deployment of it runs by itself, UTC, as crontab(5) has it; empty for never.
        throttled: each user may begin only so many a minute.
        own_run: it works on the run that its ``run_id`` names; other flows belong to one, or end one.
        description: one line for the deployment's page.
    """

    name: str
    path: str
    event: type[RequestEvent] | None
    pool: str = WORK_POOL
    queue: Queue
    concurrency_limit: int
    description: str
    folder: Literal["data", "options"] = "options"
    cron: str = ""
    throttled: bool = False
    own_run: bool = False
    tags: tuple[str, ...] = (TAG,)

    @property
    def served(self) -> bool:
        """Whether ``seo serve`` runs it, too: shards are for other machines, and so for workers alone."""
        return self.pool == WORK_POOL

    @property
    def deployment(self) -> str:
        """``flow/deployment``, as Prefect names it."""
        return f"{self.name}/{DEPLOYMENT}"

    def in_folder(self, data: str) -> dict[str, Any]:
        """The parameter that has a run in this process work in ``data``; deployments take theirs from a block."""
        return {self.folder: data if self.folder == "data" else {"data": data}}

    def load(self) -> Flow[..., Any]:
        """The flow; imports its module."""
        module, _, function = self.path.rpartition(".")
        flow: Flow[..., Any] = getattr(import_module(module), function)
        return flow


_ENTRIES = (
    FlowEntry(
        name="scan-page",
        path="flows.scan_page.scan_page",
        event=ScanRequested,
        queue="interactive",
        concurrency_limit=8,
        throttled=True,
        own_run=True,
        description="Scans one page, asks for its analysis and tells the user.",
    ),
    FlowEntry(
        name="batch-scan",
        path="flows.batch_scan.batch_scan",
        event=BatchRequested,
        queue="batch",
        concurrency_limit=2,
        throttled=True,
        own_run=True,
        description="Scans a list of pages in parallel chunks.",
    ),
    FlowEntry(
        name="scan-shard",
        path="flows.scan_shard.scan_shard",
        event=None,
        pool=SHARD_POOL,
        queue="default",
        concurrency_limit=64,
        tags=(SHARD_TAG,),
        description="Scans what batch-scan gave to one of several machines.",
    ),
    FlowEntry(
        name="crawl-site",
        path="flows.crawl_site.crawl_site",
        event=None,
        queue="batch",
        concurrency_limit=2,
        throttled=True,
        own_run=True,
        description="Finds a site's pages and judges each, and the site as a whole.",
    ),
    FlowEntry(
        name="analyze-page",
        path="flows.analyze_page.analyze_page",
        event=AnalyzeRequested,
        queue="analysis",
        concurrency_limit=4,
        description="Turns a scanned page's facts and issues into recommendations.",
    ),
    FlowEntry(
        name="send-notification",
        path="flows.send_notification.send_notification",
        event=NotificationRequested,
        queue="interactive",
        concurrency_limit=8,
        folder="data",
        description="Stores a notification and pushes it to the user's channel.",
    ),
    FlowEntry(
        name="cancel-run",
        path="flows.cancel_run.cancel_run",
        event=CancelRequested,
        queue="interactive",
        concurrency_limit=4,
        folder="data",
        description="Cancels a run and tells its user.",
    ),
    FlowEntry(
        name="settle-run",
        path="flows.settle_run.settle_run",
        event=None,
        queue="interactive",
        concurrency_limit=4,
        folder="data",
        tags=("seo-service",),
        description="Ends what a run left open that failed, died or was cancelled, and tells its user.",
    ),
    FlowEntry(
        name="maintain-store",
        path="flows.maintain_store.maintain_store",
        event=None,
        queue="batch",
        concurrency_limit=1,
        folder="data",
        cron="17 3 * * *",
        description="Merges small parts, ends old runs and deletes what nothing needs.",
    ),
)

FLOWS: Mapping[str, FlowEntry] = {entry.name: entry for entry in _ENTRIES}
_BY_EVENT = {entry.event: entry for entry in _ENTRIES if entry.event is not None}


def entry_for(event: RequestEvent) -> FlowEntry:
    """The flow that does what ``event`` asks for."""
    return _BY_EVENT[type(event)]
