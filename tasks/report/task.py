"""A run in Prefect's UI: a progress bar while it runs, its summary and its worst pages at the end."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)

from tasks.report.escape import markdown
from tasks.report.markdown import MAX_ROWS, summary_markdown
from tasks.report.phase import phase_of
from tasks.report.summary import RunSummary, summarise
from tasks.report.words import progress_words
from tasks.store import Progress, Store

if TYPE_CHECKING:
    from uuid import UUID

UPDATE_EVERY = 2.0
"""Seconds between two updates of a progress artifact."""

SHOW_SECONDS = 20.0
"""What a server that is slow or away may cost of a run's time; Prefect's client alone would take minutes."""

Tell = Callable[[Progress], Awaitable[None]]


@asynccontextmanager
async def reported_progress(data: str, run_id: str, tell: Tell) -> AsyncIterator[None]:
    """Keeps the artifact ``seo-progress-<run>`` and the published views up to date while the body runs.

    ``tell`` is given the counts as often.
    """
    store = await asyncio.to_thread(Store.open, data)
    bar = _ProgressBar(run_id, tell)
    updates = asyncio.create_task(_keep_updating(bar, store))
    try:
        yield
    finally:
        updates.cancel()
        await asyncio.gather(updates, return_exceptions=True)
        await _shown(bar, store)
        await asyncio.to_thread(store.close)


class _ProgressBar:
    def __init__(self, run_id: str, tell: Tell) -> None:
        self._run_id = run_id
        self._tell = tell
        self._id: UUID | None = None
        self._shown = ""

    async def show(self, store: Store) -> None:
        progress = await asyncio.to_thread(store.progress, self._run_id)
        await self._tell(progress)
        wanted = progress.total - progress.held_back
        percent = round(100 * progress.done / wanted, 1) if wanted else 0.0
        words = phase_of(self._run_id) or progress_words(progress)
        if words == self._shown:
            return
        if self._id is None:
            key = artifact_key("seo-progress", self._run_id)
            self._id = await acreate_progress_artifact(progress=percent, key=key, description=words)
        else:
            await aupdate_progress_artifact(artifact_id=self._id, progress=percent, description=words)
        self._shown = words


async def _keep_updating(bar: _ProgressBar, store: Store) -> None:
    while True:
        await _shown(bar, store)
        await asyncio.sleep(UPDATE_EVERY)


async def _shown(bar: _ProgressBar, store: Store) -> None:
    """One update; a run never fails because its progress could not be shown."""
    try:
        async with asyncio.timeout(SHOW_SECONDS):
            await bar.show(store)
        await asyncio.to_thread(store.publish)
    except TimeoutError:
        get_run_logger().warning("progress not shown: Prefect's server takes more than %.0f s", SHOW_SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever the API or the folder answers
        get_run_logger().warning("progress not shown: %s: %s", type(error).__name__, error)


@task(name="publish-summary", task_run_name="summary-{run_id}", retries=2, retry_delay_seconds=1)
async def publish_summary(run_id: str, data: str, *, changed_only: bool = False) -> None:
    """Writes the artifacts ``seo-summary-<run>`` (Markdown) and ``seo-worst-pages-<run>`` (table)."""
    summary = await asyncio.to_thread(summarise, run_id, data, changed_only=changed_only)
    await acreate_markdown_artifact(
        markdown=summary_markdown(summary), key=artifact_key("seo-summary", run_id), description=f"Run {run_id}"
    )
    if summary.worst:
        await acreate_table_artifact(
            table=_worst(summary),
            key=artifact_key("seo-worst-pages", run_id),
            description=f"The pages of run {run_id} with the most severe issues",
        )


def artifact_key(kind: str, run_id: str) -> str:
    """An artifact key: lower-case letters, digits and dashes."""
    return f"{kind}-{re.sub(r'[^a-z0-9]+', '-', run_id.lower()).strip('-')}"


def _worst(summary: RunSummary) -> list[dict[str, str | int | None]]:
    return [
        {
            "url": markdown(page.url),
            "status": page.status,
            "errors": page.errors,
            "warnings": page.warnings,
            "notices": page.notices,
        }
        for page in summary.worst[:MAX_ROWS]
    ]
