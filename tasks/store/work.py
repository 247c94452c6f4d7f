"""Leases: who works on which pages of a run, and what becomes of those that were lost."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from tasks.model import PageState, Reason
from tasks.store import found as found_urls
from tasks.store.catalogue import one_of
from tasks.store.crawl_records import Found
from tasks.store.leases import is_over
from tasks.store.limits import LEASED, PENDING, Allowance, allowance, among
from tasks.store.part_folder import PartFolder
from tasks.store.records import Lease, Target
from tasks.store.runs import check_epoch
from tasks.store.schema import frontier
from tasks.store.targets import write_unfetched

LEASES_TO_LOSE = 3
SUSPECT_GROUPS = ((1, 8), (2, 1))
"""How many pages that lost (so many) leases are tried together: the one that kills its worker dies alone."""


def lease(
    connection: Connection,
    root: PartFolder,
    *,
    run_id: str,
    epoch: int,
    holder: str,
    limit: int,
    chunk: int | None,
    now: float,
    lease_s: float,
    suspects: bool,
    found: Sequence[Found],
) -> list[Lease]:
    """Adds ``found``, then takes pending pages that are due and within the run's limits, in list order.

    ``suspects`` says whether to take those that lost a lease where no others are left.
    """
    run = check_epoch(connection, run_id, epoch)
    if found:
        found_urls.add(connection, root, run, found, now)
    here = among(run, chunk)
    _recover(connection, root, here, run_id=run_id, holder=holder, chunk=chunk, now=now)
    allowed = allowance(connection, run)
    rows = _due(connection, here, allowed, 0, limit, now)
    for lost, group in SUSPECT_GROUPS if suspects else ():
        rows = rows or _due(connection, here, allowed, lost, group, now)
    if rows:
        these = one_of(connection, frontier.c.page_id, [row.page_id for row in rows])
        connection.execute(
            update(frontier)
            .where(frontier.c.run_id == run_id, these)
            .values(state=LEASED, holder=holder, lease_until=now + lease_s)
        )
    return [Lease(page_id, url, tries, lost, depth) for page_id, url, tries, lost, depth, _ in rows]


def _due(
    connection: Connection, here: Sequence[ColumnElement[bool]], allowed: Allowance, lost: int, limit: int, now: float
) -> list[Any]:
    due = or_(frontier.c.not_before.is_(None), frontier.c.not_before <= now)
    query = _LEASABLE.where(*here, due, frontier.c.leases_lost == lost)
    if allowed.pages == 0:
        query = query.where(frontier.c.reason.is_not(None))
    rows = connection.execute(query.order_by(frontier.c.depth.nulls_first(), frontier.c.position).limit(limit))
    return _allowed(rows.all(), allowed)


_LEASABLE = select(
    frontier.c.page_id,
    frontier.c.url,
    frontier.c.tries,
    frontier.c.leases_lost,
    frontier.c.depth,
    frontier.c.reason,
).where(frontier.c.state == PENDING)


def _allowed(rows: Sequence[Any], allowed: Allowance) -> list[Any]:
    """Pages that wait for another try, and as many new ones as the limits allow."""
    left = len(rows) if allowed.pages is None else allowed.pages
    chosen = []
    for row in rows:
        if allowed.depth is not None and row.depth is not None and row.depth > allowed.depth:
            continue
        new = row.reason is None
        if new and not left:
            continue
        left -= new
        chosen.append(row)
    return chosen


def _recover(
    connection: Connection,
    root: PartFolder,
    here: Sequence[ColumnElement[bool]],
    *,
    run_id: str,
    holder: str,
    chunk: int | None,
    now: float,
) -> None:
    """Takes back what an earlier holder lost: of one chunk at once, otherwise when the lease is over."""
    lost = frontier.c.holder != holder if chunk is not None else is_over(frontier.c.lease_until, now)
    where = [*here, frontier.c.state == LEASED, lost]
    rows = connection.execute(select(frontier.c.page_id, frontier.c.url, frontier.c.leases_lost).where(*where)).all()
    if not rows:
        return
    connection.execute(
        update(frontier)
        .where(*where)
        .values(state=PENDING, holder=None, lease_until=None, leases_lost=frontier.c.leases_lost + 1)
    )
    poison = [row for row in rows if row.leases_lost + 1 >= LEASES_TO_LOSE]
    if poison:
        _quarantine(connection, root, run_id, poison, now)


def _quarantine(connection: Connection, root: PartFolder, run_id: str, rows: Sequence[Any], now: float) -> None:
    detail = f"{LEASES_TO_LOSE} leases lost without a result"
    lost = [Target(row.url, row.page_id, PageState.QUARANTINED, Reason.LEASES_LOST, detail) for row in rows]
    name = write_unfetched(connection, root, run_id, "quarantined", lost, now)
    for row in rows:
        connection.execute(
            update(frontier)
            .where(frontier.c.run_id == run_id, frontier.c.page_id == row.page_id)
            .values(state=PageState.QUARANTINED.value, reason=Reason.LEASES_LOST.value, part=name)
        )


def next_due(connection: Connection, run_id: str, chunk: int | None) -> float | None:
    """When the next pending page may be fetched, seconds since the epoch; None where none is pending."""
    first = func.min(func.coalesce(frontier.c.not_before, 0.0))
    here = [] if chunk is None else [frontier.c.chunk == chunk]
    query = select(first).where(frontier.c.run_id == run_id, *here, frontier.c.state == PENDING)
    due: float | None = connection.execute(query).scalar_one()
    return due


def release(connection: Connection, run_id: str, epoch: int, holder: str) -> int:
    """The holder's leases are pending again, unblamed; returns how many."""
    check_epoch(connection, run_id, epoch)
    given_back = connection.execute(
        update(frontier)
        .where(frontier.c.run_id == run_id, frontier.c.state == LEASED, frontier.c.holder == holder)
        .values(state=PENDING, holder=None, lease_until=None)
    )
    return given_back.rowcount


def expire(connection: Connection, run_id: str, epoch: int, of: Callable[[str], bool]) -> None:
    """Ends the time of the leases of holders that ``of`` is true for.

    Raises:
        StaleEpoch: the run has been resumed since.
    """
    check_epoch(connection, run_id, epoch)
    here = (frontier.c.run_id == run_id, frontier.c.state == LEASED)
    for holder in filter(of, connection.execute(select(frontier.c.holder).where(*here).distinct()).scalars().all()):
        connection.execute(update(frontier).where(*here, frontier.c.holder == holder).values(lease_until=0.0))


def renew(connection: Connection, run_id: str, epoch: int, holder: str, until: float) -> None:
    """Prolongs the holder's leases until ``until``, seconds since the epoch.

    Raises:
        StaleEpoch: the run has been resumed since.
    """
    check_epoch(connection, run_id, epoch)
    connection.execute(
        update(frontier)
        .where(frontier.c.run_id == run_id, frontier.c.state == LEASED, frontier.c.holder == holder)
        .values(lease_until=until)
    )
