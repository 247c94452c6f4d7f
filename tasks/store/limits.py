"""What a run's limits leave to do."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, func, select

from tasks.errors import UnknownRun
from tasks.model import PageState, Reason
from tasks.store.crawl_records import WHEN_RESUMED, FrontierCount, Limits, OpenWork
from tasks.store.schema import frontier, runs

PENDING = PageState.PENDING.value
LEASED = PageState.LEASED.value
NEVER_FETCHED = (Reason.BLOCKED_BY_ROBOTS.value, Reason.CRAWL_TRAP.value)

StateCount = tuple[str, str | None, int]
"""State, reason, pages."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be leased at this moment; None for no limit.

    Attributes:
        pages: pages not tried before.
        depth: pages of greater depth have to wait.
    """

    pages: int | None
    depth: int | None


def among(run: Row[Any], chunk: int | None) -> list[ColumnElement[bool]]:
    """The pages of a chunk, of a crawl or of all chunks of a run."""
    here = frontier.c.run_id == run.run_id
    if chunk is not None:
        return [here, frontier.c.chunk == chunk]
    # In a crawl no page has a chunk, and the index begins with it.
    return [here, frontier.c.chunk.is_(None)] if run.kind == "crawl" else [here]


def allowance(connection: Connection, run: Row[Any]) -> Allowance:
    """What the run's limits leave: pages that may still be fetched, and the depth whose turn it is."""
    limits = Limits.from_json(run.limits)
    pages = depth = None
    if limits.max_pages is not None:
        pages = max(limits.max_pages - taken(state_counts(connection, run.run_id)), 0)
    if limits.max_depth is not None:
        depth = _level(connection, run, limits.max_depth)
    return Allowance(pages, depth)


def state_counts(connection: Connection, run_id: str) -> list[StateCount]:
    """Pages of the run by state and reason."""
    counted = select(frontier.c.state, frontier.c.reason, func.count()).where(frontier.c.run_id == run_id)
    return [(state, reason, pages) for state, reason, pages in connection.execute(counted.group_by("state", "reason"))]


def taken(counts: Iterable[StateCount]) -> int:
    """Pages that count against ``max_pages``: all that were or are being fetched."""
    return sum(pages for state, reason, pages in counts if reason not in NEVER_FETCHED and not _is_new(state, reason))


def _is_new(state: str, reason: str | None) -> bool:
    """Pending for the first time: a page that waits for another try has the reason why."""
    return state == PENDING and reason is None


def _level(connection: Connection, run: Row[Any], max_depth: int) -> int:
    """Depth of the pages whose turn it is: those of smaller depth are done, or wait until the run is resumed."""
    level, in_this_run = max_depth, func.coalesce(frontier.c.not_before, 0.0) < WHEN_RESUMED
    for state in (PENDING, LEASED):
        here = (*among(run, None), frontier.c.state == state, frontier.c.depth < level)
        query = select(frontier.c.depth).where(*here, in_this_run)
        nearest: int | None = connection.execute(query.order_by(frontier.c.depth.nulls_first()).limit(1)).scalar()
        level = level if nearest is None else nearest
    return level


def open_work(connection: Connection, run_id: str, now: float) -> OpenWork:
    """What is left to do within the run's limits; ``now`` and ``next_due`` in seconds since the epoch.

    Raises:
        UnknownRun: there is none.
    """
    run = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
    if run is None:
        raise UnknownRun(f"no run {run_id} in this data folder")
    limits, allowed = Limits.from_json(run.limits), allowance(connection, run)
    here = among(run, None)
    by_depth = select(frontier.c.depth, func.count()).where(*here, frontier.c.state == PENDING)
    pending: Counter[int | None] = Counter()
    for depth, pages in connection.execute(by_depth.group_by(frontier.c.depth)):
        pending[depth] = pages
    waiting = connection.execute(
        select(frontier.c.depth, frontier.c.not_before).where(
            frontier.c.run_id == run_id, frontier.c.state == PENDING, frontier.c.reason.is_not(None)
        )
    ).all()
    leased = connection.execute(
        select(func.count()).where(frontier.c.run_id == run_id, frontier.c.state == LEASED)
    ).scalar_one()
    times = [time for row in waiting if (time := row.not_before or 0.0) < WHEN_RESUMED]
    fresh = pending - Counter(row.depth for row in waiting)
    within = _up_to(fresh, limits.max_depth)
    allowed_pages = within if allowed.pages is None else min(within, allowed.pages)
    ready = min(_up_to(fresh, allowed.depth), allowed_pages)
    due = ready + sum(time <= now for time in times)
    return OpenWork(
        due=due,
        later=allowed_pages + len(times) - due,
        leased=leased,
        held_back=fresh.total() - allowed_pages,
        next_due=0.0 if ready else min(times, default=None),
        put_off=len(waiting) - len(times),
    )


def _up_to(pages: Counter[int | None], depth: int | None) -> int:
    return sum(count for at, count in pages.items() if at is None or depth is None or at <= depth)


def reached(connection: Connection, run: Row[Any]) -> str:
    """The failure or the limit that leaves pages out, in words; empty where none does."""
    put_off = (*among(run, None), frontier.c.state == PENDING, frontier.c.not_before >= WHEN_RESUMED)
    if connection.execute(select(exists().where(*put_off))).scalar_one():
        return "a host failed again and again"
    limits = Limits.from_json(run.limits)
    if allowance(connection, run).pages == 0:
        return f"limit of {limits.max_pages} page{'' if limits.max_pages == 1 else 's'} reached"
    if limits.max_depth is not None and _deeper(connection, run, limits.max_depth):
        return f"limit of depth {limits.max_depth} reached"
    return ""


def held_back(connection: Connection, run: Row[Any], counts: Iterable[StateCount]) -> int:
    """Pending pages beyond the run's limits."""
    counts, limits = list(counts), Limits.from_json(run.limits)
    new = sum(pages for state, reason, pages in counts if _is_new(state, reason))
    deeper = _deeper(connection, run, limits.max_depth) if limits.max_depth is not None else 0
    if limits.max_pages is None:
        return deeper
    return deeper + max(new - deeper - max(limits.max_pages - taken(counts), 0), 0)


def _deeper(connection: Connection, run: Row[Any], depth: int) -> int:
    where = (*among(run, None), frontier.c.state == PENDING, frontier.c.depth > depth)
    deeper: int = connection.execute(select(func.count()).where(*where)).scalar_one()
    return deeper


def frontier_counts(connection: Connection, run_id: str) -> list[FrontierCount]:
    """Pages by how they were found, state and reason, most first."""
    columns = (frontier.c.found_by, frontier.c.state, frontier.c.reason)
    counted = select(*columns, func.count().label("pages")).where(frontier.c.run_id == run_id).group_by(*columns)
    rows = connection.execute(counted.order_by(func.count().desc(), *(column.nulls_first() for column in columns)))
    return [FrontierCount(row.found_by, PageState(row.state), row.reason, row.pages) for row in rows]
