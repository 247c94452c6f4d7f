"""A run's beginning and end in the catalogue."""

import json
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from math import ceil

from pydantic import BaseModel, ConfigDict

from tasks.errors import BadUrl, InputError
from tasks.model import PageState, Reason
from tasks.scan.chunk import CHUNK_PAGES, ChunkJob
from tasks.scan.process import IN_PROCESS_PAGES, POOL_SIZE
from tasks.scan.settings import CrawlRules, ScanSettings
from tasks.store import Found, Limits, Run, RunSpec, RunState, Store, Target
from tasks.urls import nameable, page_id, parse, printable

CLOSING_SECONDS = 15.0
SMALL_CHUNK_PAGES = 100
NEVER = 4102444800.0
WHY = {"deadline": "time is over", "stopped": "stopped"}


class RunRef(BaseModel):
    """A run as flows and tasks hand it on: plain data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    epoch: int
    batch_id: str
    total: int
    linked: int
    resumed: bool = False


def targets_of(project_id: str, urls: Iterable[str]) -> list[Target]:
    """One target for each line; what is no address is rejected with its reason and loses no other."""
    targets = []
    for text in urls:
        try:
            url = parse(text)
        except BadUrl as error:
            shown = nameable(text)
            targets.append(
                Target(shown, page_id(project_id, shown), PageState.FAILED, Reason.BAD_URL, printable(str(error), 500))
            )
        else:
            targets.append(Target(url, page_id(project_id, url)))
    return targets


def begin_run(store: Store, spec: RunSpec, targets: Sequence[Target], settings: ScanSettings) -> RunRef:
    """Starts a run over ``targets``; pages scanned a short while ago are linked, not fetched again."""
    if not targets:
        raise InputError("no URLs to scan: the list is empty")
    run = store.start_run(
        replace(spec, options=settings.model_dump_json(), recipe=settings.recipe, parent_pid=os.getpid())
    )
    store.add_targets(run, targets)
    linked = store.link_fresh(run, settings.max_age, settings.recipe) if settings.max_age > 0 else 0
    begun = store.get_run(run.run_id)
    store.assign_chunks(run, pages_of_a_chunk(begun.total), settings.shards)
    return _ref(begun, linked, resumed=False)


def pages_of_a_chunk(pages: int) -> int:
    """How many of a list's ``pages`` a chunk has: each process gets as many chunks, and all end together."""
    if pages <= IN_PROCESS_PAGES:
        return CHUNK_PAGES
    rounds = max(2, ceil(pages / (POOL_SIZE * CHUNK_PAGES)))  # a cluster may have more processes than this machine
    return max(SMALL_CHUNK_PAGES, ceil(pages / (POOL_SIZE * rounds)))


def begin_crawl(
    store: Store, rules: CrawlRules, settings: ScanSettings, *, user_id: str, run_id: str, flow_run_id: str | None
) -> RunRef:
    """Starts a crawl: its frontier holds the start URL."""
    run = store.start_run(
        RunSpec(
            run_id=run_id,
            kind="crawl",
            project_id=rules.project_id,
            user_id=user_id,
            batch_id=settings.crawl_id(),
            recipe=settings.recipe,
            options=settings.model_dump_json(),
            parent_pid=os.getpid(),
            prefect_flow_run_id=flow_run_id,
            start_url=rules.start_url,
            scope=rules.scope.value,
            limits=Limits(max_pages=rules.max_pages, max_depth=rules.max_depth),
            earlier_run_id=_last_crawl(store, rules, settings),
        )
    )
    start = Found(rules.start_url, page_id(rules.project_id, rules.start_url), "start", depth=0)
    store.commit(run.run_id, run.epoch, "start", found=[start])
    return _ref(store.get_run(run.run_id), 0, resumed=False)


def _last_crawl(store: Store, rules: CrawlRules, settings: ScanSettings) -> str | None:
    """The last crawl from the same address by the same visitor: others may be shown another site."""
    visitor = _visitor(settings.model_dump_json())
    crawls = store.ended_crawls(rules.project_id, rules.start_url)
    return next((run_id for run_id, options in crawls if _visitor(options) == visitor), None)


def _visitor(options: str) -> tuple[str, str]:
    """User-Agent and credentials' identity in the options of a run, whichever release wrote them."""
    given = json.loads(options)
    fetching, access = given.get("options") or {}, given.get("access") or {}
    return fetching.get("user_agent", ""), access.get("key", "")


def begun_run(store: Store, run_id: str | None, flow_run_id: str | None) -> str | None:
    """The run to go on with: the one of that id, else what the same run of Prefect began.

    Prefect executes a run again that is retried, or whose pod Kubernetes evicts.
    """
    if run_id and store.has_run(run_id):
        return run_id
    begun = store.find_begun_by(flow_run_id) if flow_run_id else None
    return begun.run_id if begun else None


def resume_run(
    store: Store, run_id: str, limits: Limits | None = None, *, flow_run_id: str | None = None
) -> tuple[RunRef, ScanSettings]:
    """Takes an unfinished run over; whoever held it before can commit no more. ``limits`` replace its own."""
    run = store.resume_run(run_id, os.getpid(), limits, flow_run_id=flow_run_id)
    return _ref(run, run.linked, resumed=True), ScanSettings.model_validate_json(run.options)


def _ref(run: Run, linked: int, *, resumed: bool) -> RunRef:
    return RunRef(
        run_id=run.run_id, epoch=run.epoch, batch_id=run.batch_id, total=run.total, linked=linked, resumed=resumed
    )


def jobs_of(
    store: Store, run: RunRef, settings: ScanSettings, *, deadline: float, only: Collection[int] | None = None
) -> list[tuple[ChunkJob, int]]:
    """The run's chunks, or ``only`` some, each with its open pages: only one without may be answered from the cache."""
    return [
        (
            ChunkJob(
                settings=settings,
                run_id=run.run_id,
                epoch=run.epoch,
                index=chunk.index,
                cache_key=settings.cache_key(store.store_id, run.batch_id, chunk.key),
                deadline=deadline,
                parent_pid=os.getpid(),
            ),
            chunk.open,
        )
        for chunk in store.chunks(run.run_id)
        if only is None or chunk.index in only
    ]


def end_run(store: Store, run: RunRef, stopped: str) -> Run:
    """Closes a run that ended by itself; with open pages, or a site to judge, it can be resumed."""
    progress, crawled = store.progress(run.run_id), store.get_run(run.run_id).kind == "crawl"
    if crawled and stopped != "stopped":
        # A limit ends a crawl as it ends a list read to its last line: completed, and said to be incomplete.
        why = WHY.get(stopped, stopped) or None
        ended = store.finish_run(run.run_id, run.epoch, RunState.COMPLETED, incomplete_reason=why)
    elif not crawled and progress.done >= progress.total:
        ended = store.finish_run(run.run_id, run.epoch, RunState.COMPLETED)
    else:
        why = WHY.get(stopped, stopped) or "pages are left"
        ended = store.finish_run(run.run_id, run.epoch, RunState.INTERRUPTED, incomplete_reason=why)
    store.publish(final=True)
    return ended


def chunk_deadline(started: float, timeout: float | None) -> float:
    """When chunks have to end, seconds since the epoch: before the flow's timeout, so that it can close its run."""
    return started + timeout - min(CLOSING_SECONDS, timeout / 4) if timeout else NEVER
