"""What the people concerned and other systems are told of a run."""

from collections.abc import Mapping
from typing import Any

from tasks.events import (
    AnalyzeRequested,
    BatchFinished,
    BatchProgressed,
    BatchStatus,
    NotificationRequested,
    NotificationType,
    ScanCompleted,
)
from tasks.model import PageState
from tasks.store import Progress, Run, RunState, Staged
from tasks.urls import printable

STATUS: Mapping[RunState, BatchStatus] = {
    RunState.RUNNING: "in-progress",
    RunState.COMPLETED: "completed",
    RunState.FAILED: "failed",
    RunState.INTERRUPTED: "cancelled",
    RunState.CANCELLED: "cancelled",
}

_ENDED: Mapping[BatchStatus, tuple[str, NotificationType]] = {
    "completed": ("Complete", "success"),
    "failed": ("Failed", "error"),
    "cancelled": ("Stopped", "warning"),
}


def analysis_wanted(manifest: Mapping[str, Any], user_id: str) -> AnalyzeRequested | None:
    """What asks for a page's analysis; None where there is no page to analyse."""
    (page,) = Staged.from_json(manifest).pages
    if page.state is not PageState.COMPLETED:
        return None
    return AnalyzeRequested(page_id=page.page_id, url=page.url, user_id=user_id)


def scan_completed(manifest: Mapping[str, Any], user_id: str, run_id: str) -> ScanCompleted:
    """The record of a scanned page."""
    (page,) = Staged.from_json(manifest).pages
    return ScanCompleted.model_validate(
        {
            "page_id": page.page_id,
            "url": page.url,
            "user_id": user_id,
            "run_id": run_id,
            "outcome": page.state.value,
            "status": page.status or 0,
            "errors": page.errors,
            "warnings": page.warnings,
            "notices": page.notices,
        }
    )


def scan_complete(progress: Progress, url: str, user_id: str) -> NotificationRequested:
    """The word to the user who asked for one page."""
    if progress.failed:
        reason = next(iter(progress.by_reason), "failed")
        message = f"{printable(url)} could not be scanned: {reason}"
        return NotificationRequested(user_id=user_id, title="Scan Failed", message=message, type="error")
    message = f"{printable(url)}: {_issues(progress) or 'no issues'}"
    return NotificationRequested(user_id=user_id, title="Scan Complete", message=message, type="success")


def batch_progressed(run: Run, progress: Progress) -> BatchProgressed:
    """Where a batch or a crawl stands; pages beyond a crawl's limits are none of it."""
    return BatchProgressed(
        project_id=run.project_id,
        user_id=run.user_id,
        batch_id=run.batch_id,
        run_id=run.run_id,
        total_pages=progress.total - progress.held_back,
        done=progress.done,
        failed=progress.failed + progress.quarantined,
        status=STATUS[run.state],
    )


def batch_finished(run: Run, progress: Progress) -> BatchFinished:
    """The record of a batch's or a crawl's end."""
    return BatchFinished(
        project_id=run.project_id,
        user_id=run.user_id,
        batch_id=run.batch_id,
        run_id=run.run_id,
        total_pages=progress.total - progress.held_back,
        completed=progress.completed,
        failed=progress.failed + progress.quarantined,
        status=STATUS[run.state],
    )


def batch_complete(run: Run, progress: Progress) -> NotificationRequested:
    """The word to the user whose batch or crawl ended, with the counts."""
    how, kind = _ENDED[STATUS[run.state]]
    total = progress.total - progress.held_back
    counts = [f"{progress.completed:,} of {total:,} pages scanned"]
    if failed := progress.failed + progress.quarantined:
        counts.append(f"{failed:,} failed")
    if progress.skipped:
        counts.append(f"{progress.skipped:,} skipped")
    what = f"{run.kind} {run.run_id}"
    why = f"; {printable(run.error or run.incomplete_reason or '', 500)}" if run.error or run.incomplete else ""
    message = f"{what}: {', '.join(counts)}; {_issues(progress) or 'no issues'}{why}"
    title = f"{run.kind.capitalize()} {how}"
    return NotificationRequested(user_id=run.user_id, title=title, message=message, type=kind)


def pages_analysed(run_id: str, user_id: str, pages: int, recommendations: int, why: str) -> NotificationRequested:
    """The word to the user whose run's pages were analysed; ``why`` the model did not do all of it."""
    message = f"run {run_id}: {recommendations:,} recommendations for {pages:,} pages"
    if why:
        message = f"{message}; {printable(why, 500)}"
        return NotificationRequested(user_id=user_id, title="Analysis Incomplete", message=message, type="warning")
    return NotificationRequested(user_id=user_id, title="Analysis Complete", message=message, type="success")


def _issues(progress: Progress) -> str:
    counts = ((count, severity) for severity, count in progress.issues.items() if count)
    return ", ".join(f"{count:,} {severity}{'' if count == 1 else 's'}" for count, severity in counts)
