"""Asking for scans."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Path

from deployments.api.door import TheDoor, User
from deployments.api.models import IDENTITY, BatchQueued, BatchWanted, ScanQueued, ScanWanted
from deployments.api.problems import documented
from deployments.api.queueing import Asked, queue
from tasks.events import BatchRequested, ScanRequested
from tasks.urls import page_id

router = APIRouter(tags=["scans"], responses=documented(401, 403, 404, 408, 409, 413, 422, 429, 503))

ProjectId = Annotated[str, Path(min_length=1, max_length=128, pattern=IDENTITY)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=128,
        pattern=IDENTITY,
        description="Repeat a request with the same key, and it is queued once.",
    ),
]


@router.post("/projects/{project_id}/scan", status_code=202)
async def queue_scan(
    project_id: ProjectId, wanted: ScanWanted, door: TheDoor, user: User, idempotency_key: IdempotencyKey = None
) -> ScanQueued:
    """Queue the scan of one page; the caller is told as it goes on."""
    await door.must_own(user, project_id)
    page = page_id(project_id, wanted.url)
    event = ScanRequested(page_id=page, url=wanted.url, user_id=user)
    asked = Asked.by_api(user, idempotency_key)
    queued = await queue(door, event, asked, origin="api", project_id=project_id)
    await asyncio.to_thread(door.store.register_page, project_id, wanted.url)
    return ScanQueued(page_id=page, run_id=queued.run_id)


@router.post("/projects/{project_id}/batch", status_code=202)
async def queue_batch(
    project_id: ProjectId, wanted: BatchWanted, door: TheDoor, user: User, idempotency_key: IdempotencyKey = None
) -> BatchQueued:
    """Queue the scan of a list of pages as one run."""
    await door.must_own(user, project_id)
    event = BatchRequested(project_id=project_id, user_id=user, urls=wanted.urls)
    asked = Asked.by_api(user, idempotency_key)
    queued = await queue(door, event, asked, origin="api", project_id=project_id)
    return BatchQueued(run_id=queued.run_id, total_pages=len(wanted.urls))
