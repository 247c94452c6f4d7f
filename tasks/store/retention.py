"""How long runs are kept: what is old goes, but for what younger runs still show of it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Connection, Select, delete, func, select, update

from tasks.errors import InputError, StoreError
from tasks.store.columns import LINKED
from tasks.store.compaction import SCHEMAS, Group, groups_of, merge, swap
from tasks.store.part_folder import PartFolder
from tasks.store.records import PRUNED, Part, RunState
from tasks.store.runs import UNFINISHED, get
from tasks.store.schema import frontier, parts, recommendations, runs
from tasks.store.shift import Shift
from tasks.store.upkeep_records import Kept, Pruned

SLICE = 2000
"""Rows of one transaction: writers wait for it."""

RUNS_AT_ONCE = 50
"""Runs that are removed in one: each takes a look at all runs, of which there may be a hundred thousand."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Old runs: those to remove, newest first, and those that stay whole."""

    old: tuple[str, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Needed:
    """What has to stay for now, however old.

    Attributes:
        last: the last completed crawl of each project and start URL.
        compared: by run, a young one under way that is compared with it.
        running: by project and recipe, a run under way, which may be about to show pages of others: a server's "not
            modified" can arrive any moment.
    """

    last: Mapping[tuple[str, str | None], str]
    compared: Mapping[str, str]
    running: Mapping[tuple[str, str], str]

    def why(self, run: Any) -> str:
        """Why an old run has to stay; empty where it has not."""
        if self.last.get((run.project_id, run.start_url)) == run.run_id:
            return "the last crawl of its site: the next one is compared with it"
        if other := self.compared.get(run.run_id):
            return f"run {other} is compared with it"
        return self.waits_for(run)

    def waits_for(self, run: Any) -> str:
        other = self.running.get((run.project_id, run.recipe))
        return f"run {other} of its project counts as running; where it died, `seo resume {other}`" if other else ""


def needed(connection: Connection, before: float) -> Needed:
    """By few queries, however many runs there are: none of what they ask for is indexed."""
    crawls = select(runs.c.project_id, runs.c.start_url, runs.c.run_id).where(
        runs.c.kind == "crawl",
        runs.c.state == RunState.COMPLETED.value,
        runs.c.incomplete_reason.is_distinct_from(PRUNED),
    )
    compared = select(runs.c.earlier_run_id, runs.c.run_id).where(
        runs.c.earlier_run_id.is_not(None), runs.c.state.in_(UNFINISHED), runs.c.started_at >= before
    )
    running = select(runs.c.project_id, runs.c.recipe, runs.c.run_id).where(runs.c.state == RunState.RUNNING.value)
    in_order = connection.execute(crawls.order_by(runs.c.started_at, runs.c.run_id))
    return Needed(
        last={(project_id, start_url): run_id for project_id, start_url, run_id in in_order},
        compared=dict(connection.execute(compared).tuples().all()),
        running={(project_id, recipe): run_id for project_id, recipe, run_id in connection.execute(running)},
    )


def plan(connection: Connection, before: float) -> Plan:
    """What becomes of runs that ended before ``before``, seconds since the epoch; running ones are never old."""
    found = connection.execute(_old(before).order_by(runs.c.started_at.desc(), runs.c.run_id.desc())).all()
    must_stay = needed(connection, before)
    reasons = {run.run_id: must_stay.why(run) for run in found}
    return Plan(
        tuple(run_id for run_id, why in reasons.items() if not why),
        tuple(Kept(run_id=run_id, why=why) for run_id, why in reasons.items() if why),
    )


def _old(before: float) -> Select[Any]:
    at = func.coalesce(runs.c.finished_at, runs.c.last_commit_at, runs.c.started_at)
    columns = (runs.c.run_id, runs.c.project_id, runs.c.recipe, runs.c.start_url)
    return select(*columns).where(at < before, runs.c.state != RunState.RUNNING.value)


def prune(root: PartFolder, shift: Shift, before: float) -> Pruned:
    """Ends what ``plan`` says; each run in short transactions, readers see it whole or not at all."""
    with shift.catalogue.read() as connection:
        wanted = plan(connection, before)
    removed: list[str] = []
    reduced: list[str] = []
    for start in range(0, len(wanted.old), RUNS_AT_ONCE):  # newest first: what they show of older runs is free then
        some = wanted.old[start : start + RUNS_AT_ONCE]
        gone = _removed(shift, some, before)
        for run_id in (one for one in some if one not in gone):
            with shift.catalogue.read() as connection:
                shown = shown_pages(connection, run_id)
            if not len(shown):
                gone += _removed(shift, [run_id], before)
            elif _reduced(root, shift, run_id, shown, before):
                reduced.append(run_id)
        removed += gone
    clear_removed(shift)
    return Pruned(removed=tuple(removed), reduced=tuple(reduced), kept=wanted.kept)


def shown_pages(connection: Connection, run_id: str) -> pl.Series:
    """Pages of the run whose facts other runs show."""
    query = select(frontier.c.page_id).join(runs, runs.c.run_id == frontier.c.run_id).where(*_shows(run_id))
    return pl.Series(connection.execute(query.distinct()).scalars().all(), dtype=pl.String)


def _shown_by(run_id: str) -> Select[Any]:
    """Other runs that show pages of it."""
    return select(runs.c.run_id).join(frontier, frontier.c.run_id == runs.c.run_id).where(*_shows(run_id)).distinct()


def _shows(run_id: str) -> tuple[ColumnElement[bool], ...]:
    # As the index of such pages has it.
    return frontier.c.source_run_id == run_id, frontier.c.source_run_id != frontier.c.run_id


def _still_old(connection: Connection, run_ids: Sequence[str], before: float) -> set[str]:
    """Those that were not resumed, and that nothing that began since the plan was made may show or needs."""
    must_stay = needed(connection, before)
    found = connection.execute(_old(before).where(runs.c.run_id.in_(run_ids)))
    return {run.run_id for run in found if not must_stay.why(run)}


def _removed(shift: Shift, run_ids: Sequence[str], before: float) -> list[str]:
    """Removes those of the runs that can go whole; returns them."""
    gone = []
    with shift.write() as connection:
        old = _still_old(connection, run_ids, before)
        for run_id in run_ids:
            if run_id in old and not len(shown_pages(connection, run_id)):
                _remove(connection, run_id)
                gone.append(run_id)
    return gone


def _remove(connection: Connection, run_id: str) -> None:
    _end_parts(connection, parts.c.run_id == run_id)
    connection.execute(delete(runs).where(runs.c.run_id == run_id))


def remove(shift: Shift, run_id: str) -> None:
    """Removes one run, however young.

    Raises:
        UnknownRun: there is none.
        InputError: it is running, or others show pages of it.
    """
    with shift.write() as connection:
        _remove(connection, removable(connection, run_id))
    clear_removed(shift)


def removable(connection: Connection, run_id: str) -> str:
    """The run's whole id. Raises as ``remove`` does."""
    run = get(connection, run_id)
    if run.state == RunState.RUNNING:
        raise InputError(f"run {run.run_id} is running: cancel it first, or `seo resume {run.run_id}` where it died")
    if why := needed(connection, time.time()).waits_for(run):
        raise InputError(f"run {run.run_id} cannot go now: {why}")
    if names := connection.execute(_shown_by(run.run_id)).scalars().all():
        raise InputError(
            f"run {run.run_id} cannot go: pages of it are shown by {', '.join(sorted(names)[:5])}; remove those "
            "first, or have `--keep` reduce it to what they show"
        )
    return run.run_id


def _end_parts(connection: Connection, *where: ColumnElement[bool]) -> None:
    here = (parts.c.table_name.in_(list(SCHEMAS)), *where)  # named, so that the key is used
    connection.execute(update(parts).where(*here, parts.c.live).values(live=False, dead_at=time.time()))
    connection.execute(update(parts).where(*here, parts.c.merged_into.is_not(None)).values(merged_into=None))


def _reduced(root: PartFolder, shift: Shift, run_id: str, shown: pl.Series, before: float) -> bool:
    """Leaves of the run only the pages that are shown; False where that is so already, or cannot be now."""
    with shift.catalogue.read() as connection:
        if _is_reduced(connection, run_id, shown):
            return False
        counts = _counts(connection, run_id)
        groups = _groups(connection, run_id)
    made = [(group, merge(root, group, shown)) for group in groups]
    with shift.write() as connection:
        if not _still_old(connection, [run_id], before) or set(shown_pages(connection, run_id)) != set(shown):
            root.remove([part.path for _, part in made if part])
            return False
        _replace(connection, run_id, made)
        changed = {**counts, "linked": 0, "not_modified": 0, "incomplete": True, "incomplete_reason": PRUNED}
        connection.execute(update(runs).where(runs.c.run_id == run_id).values(changed))
    _clear_pages(shift, run_id, shown)
    return True


def _is_reduced(connection: Connection, run_id: str, shown: pl.Series) -> bool:
    own = select(func.count()).where(frontier.c.run_id == run_id)
    reason = connection.execute(select(runs.c.incomplete_reason).where(runs.c.run_id == run_id)).scalar()
    return reason == PRUNED and connection.execute(own).scalar_one() == len(shown)


def _counts(connection: Connection, run_id: str) -> dict[str, Any]:
    """What the run's counts are when only pages are left that others show."""
    shown = select(frontier.c.page_id).where(*_shows(run_id))
    levels = ("errors", "warnings", "notices")
    sums = [func.coalesce(func.sum(frontier.c[level]), 0).label(level) for level in levels]
    query = select(func.count().label("total"), *sums).where(frontier.c.run_id == run_id, frontier.c.page_id.in_(shown))
    return dict(connection.execute(query).one()._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def _groups(connection: Connection, run_id: str) -> list[Group]:
    here = (parts.c.run_id == run_id, parts.c.live, parts.c.step.is_(None))
    query = select(parts).where(*here, parts.c.table_name.in_(set(SCHEMAS) - {LINKED}))
    rows = connection.execute(query.order_by(parts.c.table_name, parts.c.created_at, parts.c.name)).all()
    tables = dict.fromkeys(row.table_name for row in rows)
    return [group for table in tables for group in groups_of(row for row in rows if row.table_name == table)]


def _replace(connection: Connection, run_id: str, made: Sequence[tuple[Group, Part | None]]) -> None:
    """The pages that are left in place of all; what was said of the run as a whole goes."""
    for group, part in made:
        if not swap(connection, group, part, time.time()):
            raise StoreError(f"parts of run {run_id} changed while it was pruned: try again")
    whole = parts.c.step.is_not(None) | (parts.c.table_name == LINKED)
    _end_parts(connection, parts.c.run_id == run_id, whole)


def _clear_pages(shift: Shift, run_id: str, shown: pl.Series) -> None:
    with shift.catalogue.read() as connection:
        own = connection.execute(select(frontier.c.page_id).where(frontier.c.run_id == run_id)).scalars().all()
    kept = set(shown)
    _delete_pages(shift, run_id, [page_id for page_id in own if page_id not in kept])


def clear_removed(shift: Shift) -> None:
    """Deletes the page states and advice of runs that are gone, also those that an earlier maintainer left."""
    run_id = ""
    while True:
        with shift.catalogue.read() as connection:
            # Run by run: the index is jumped through, not read.
            query = select(func.min(frontier.c.run_id)).where(frontier.c.run_id > run_id)
            found: str | None = connection.execute(query).scalar()
            if found is None:
                return
            run_id = found
            if connection.execute(select(runs.c.run_id).where(runs.c.run_id == run_id)).first() is not None:
                continue
            gone = connection.execute(select(frontier.c.page_id).where(frontier.c.run_id == run_id)).scalars().all()
        with shift.write() as connection:
            connection.execute(delete(recommendations).where(recommendations.c.run_id == run_id))
        _delete_pages(shift, run_id, gone)


def _delete_pages(shift: Shift, run_id: str, page_ids: Sequence[str]) -> None:
    for start in range(0, len(page_ids), SLICE):
        with shift.write() as connection:
            these = frontier.c.page_id.in_(page_ids[start : start + SLICE])
            connection.execute(delete(frontier).where(frontier.c.run_id == run_id, these))


def outcome_of(connection: Connection, before: float) -> Pruned:
    """What ``prune`` would do now; runs that only old runs show count as removed."""
    wanted = plan(connection, before)
    old = set(wanted.old)
    removed: list[str] = []
    reduced: list[str] = []
    for run_id in wanted.old:
        by = connection.execute(_shown_by(run_id)).scalars()
        (removed if old.issuperset(by) else reduced).append(run_id)
    return Pruned(removed=tuple(removed), reduced=tuple(reduced), kept=wanted.kept)
