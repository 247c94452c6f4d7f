"""Looking at pages, runs and issues."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from deployments.api.door import Door, TheDoor, User
from deployments.api.models import (
    IDENTITY,
    BatchStatus,
    IssuesWanted,
    KnownPage,
    PageAdvice,
    PageScan,
    ProjectIssue,
    ProjectIssues,
    RunStatus,
)
from deployments.api.problems import Refused, documented
from tasks.errors import UnknownPage
from tasks.model import Severity
from tasks.report.project_issues import Chosen, project_issues
from tasks.store import Progress, Run

router = APIRouter(tags=["results"], responses=documented(401, 403, 404, 422))

Id = Annotated[str, Path(min_length=1, max_length=128, pattern=IDENTITY)]
_KINDS = {"scan-page": "scan", "batch-scan": "batch", "crawl-site": "crawl"}


@router.get("/pages/{page_id}")
async def page(page_id: Id, door: TheDoor, user: User) -> KnownPage:
    """A page: its newest scan, its issues and the newest recommendations."""
    known = await asyncio.to_thread(door.store.known_page, page_id)
    if known is None:
        raise Refused(404, f"no page {page_id}: scan its address first")
    await door.must_own(user, known.project_id)
    scan, advice = await asyncio.to_thread(_scan_and_advice, door, page_id)
    return KnownPage(page_id=page_id, project_id=known.project_id, url=known.url, scan=scan, recommendations=advice)


@router.get("/batches/{batch_id}")
async def batch(batch_id: Id, door: TheDoor, user: User) -> BatchStatus:
    """Where a batch, a scan or a crawl stands: by the id of its batch, or of a run."""
    runs = await asyncio.to_thread(_runs, door, batch_id, user)
    return BatchStatus(id=batch_id, runs=runs or [await _only_asked_for(door, batch_id, user)])


@router.get("/projects/{project_id}/issues")
async def issues(project_id: Id, wanted: Annotated[IssuesWanted, Query()], door: TheDoor, user: User) -> ProjectIssues:
    """Issues of the project's pages as each was last scanned, or as one run saw them."""
    await door.must_own(user, project_id)
    chosen = Chosen(project_id=project_id, run_id=wanted.run_id, rule=wanted.rule, severity=wanted.severity)
    rows = await asyncio.to_thread(project_issues, door.store.path, chosen, wanted.limit + 1, wanted.offset)
    return ProjectIssues(
        project_id=project_id,
        issues=[ProjectIssue.model_validate(row) for row in rows[: wanted.limit]],
        next_offset=wanted.offset + wanted.limit if len(rows) > wanted.limit else None,
    )


def _scan_and_advice(door: Door, page_id: str) -> tuple[PageScan | None, list[PageAdvice]]:
    try:
        found = door.store.latest_page(page_id)
    except UnknownPage:
        scan = None
    else:
        found["facts"]["structured_data"] = _utf8(found["facts"]["structured_data"])
        scan = PageScan.model_validate(found)
    advice = door.store.recommendations.of_page(page_id)
    return scan, [PageAdvice.model_validate(asdict(one)) for one in advice]


def _utf8(value: Any) -> Any:
    """JSON of other people without lone surrogates, which JSON can write and UTF-8 cannot."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _runs(door: Door, id_: str, user: str) -> list[RunStatus]:
    store = door.store
    found = [store.get_run(id_)] if store.has_run(id_) else store.runs_of_batch(id_)
    mine = [run for run in found if run.user_id == user or store.projects.owns(run.project_id, user)]
    if found and not mine:
        raise Refused(403, f"{id_} belongs to someone else")
    return [_run_status(run, store.progress(run.run_id)) for run in mine]


async def _only_asked_for(door: Door, id_: str, user: str) -> RunStatus:
    """A run that scanned nothing: it waits for its turn, has just begun, failed before, or is no scan."""
    request = await asyncio.to_thread(door.store.requests.of_run, id_, user)
    if request is None:
        raise Refused(404, f"no batch and no run {id_}")
    ended = await door.how_ended(request.flow_run_id) if request.flow_run_id else None
    return RunStatus(
        run_id=id_,
        kind=_KINDS.get(request.flow, request.flow),
        state=ended.state if ended else request.ended_as or ("running" if request.begun_at else "queued"),
        project_id=json.loads(request.payload).get("project_id", "default"),
        started_at=request.begun_at,
        finished_at=ended.at if ended else None,
    )


def _run_status(run: Run, progress: Progress) -> RunStatus:
    return RunStatus(
        run_id=run.run_id,
        kind=run.kind,
        state=run.state.value,
        project_id=run.project_id,
        batch_id=run.batch_id,
        total_pages=progress.total,
        done=progress.done,
        failed=progress.failed + progress.quarantined,
        errors=progress.issues.get(Severity.ERROR, 0),
        warnings=progress.issues.get(Severity.WARNING, 0),
        notices=progress.issues.get(Severity.NOTICE, 0),
        started_at=run.started_at,
        finished_at=run.finished_at,
        incomplete_reason=run.incomplete_reason,
    )
