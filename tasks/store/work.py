"""Leases and commits: how pages of a run get from pending to done, each once."""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Insert, Row, bindparam, func, null, or_, select, update

from tasks.model import PageState, Reason
from tasks.store import found as found_urls
from tasks.store import parts as part_files
from tasks.store.catalogue import execute_many, one_of, text_safe, upsert
from tasks.store.crawl_records import Found, Redirected
from tasks.store.limits import LEASED, PENDING, Allowance, allowance, among
from tasks.store.outbox import enter
from tasks.store.part_folder import PartFolder
from tasks.store.records import Lease, OutboxRequest, PageOutcome, Retry, Staged, Target
from tasks.store.redirects import answered
from tasks.store.registry import register
from tasks.store.runs import check_epoch
from tasks.store.schema import frontier, pages, runs
from tasks.store.targets import write_unfetched
from tasks.urls import url_key

LEASES_TO_LOSE = 3
SUSPECT_GROUPS = ((1, 8), (2, 1))
"""How many pages that lost (so many) leases are tried together: the one that kills its worker dies alone."""

RETRY_WITHOUT_REASON = "http-status"
"""Why a page waits whose server answered with a passing failure such as 503."""


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
        these = _of_pages(connection, run_id, [row.page_id for row in rows])
        connection.execute(
            update(frontier).where(*these).values(state=LEASED, holder=holder, lease_until=now + lease_s)
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


_THIS_PAGE = (frontier.c.run_id == bindparam("b_run"), frontier.c.page_id == bindparam("b_page"))


def _of_pages(connection: Connection, run_id: str, page_ids: Iterable[str]) -> tuple[ColumnElement[bool], ...]:
    return frontier.c.run_id == run_id, one_of(connection, frontier.c.page_id, page_ids)


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
    lost = frontier.c.holder != holder if chunk is not None else frontier.c.lease_until < now
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


def commit(
    connection: Connection,
    root: PartFolder,
    *,
    run_id: str,
    epoch: int,
    holder: str,
    staged: Staged | None,
    retries: Sequence[Retry],
    redirects: Sequence[Redirected],
    found: Sequence[Found],
    requests: Sequence[OutboxRequest],
    now: float,
) -> int:
    """Everything or nothing: parts visible, pages terminal, retries pending, requests due; returns pages added."""
    run = check_epoch(connection, run_id, epoch)
    if staged is not None and staged.pages:
        _commit_pages(connection, root, run, holder=holder, staged=staged, now=now)
    if redirects:
        answered(connection, run_id, holder, redirects, now)
    if retries:
        connection.execute(_RETRY, [_retry_row(run_id, holder, retry) for retry in retries])
    if requests:
        enter(connection, run_id, requests, now)
    return found_urls.add(connection, root, run, found, now) if found else 0


def _commit_pages(
    connection: Connection, root: PartFolder, run: Row[Any], *, holder: str, staged: Staged, now: float
) -> None:
    mine = _still_open(connection, run.run_id, holder, [page.page_id for page in staged.pages])
    accepted = [page for page in staged.pages if page.page_id in mine]
    if not accepted:
        return
    whole = len(accepted) == len(staged.pages)
    written = staged.parts if whole else part_files.without_pages(root, staged, run.run_id, mine)
    register(connection, run.run_id, written, now)
    name = written[0].name if written else staged.name
    execute_many(connection, _DONE, [_done_row(run.run_id, name, page) for page in accepted])
    _remember(connection, run, accepted)
    connection.execute(
        update(runs)
        .where(runs.c.run_id == run.run_id)
        .values(
            last_commit_at=now,
            not_modified=runs.c.not_modified + sum(page.source_run_id is not None for page in accepted),
            errors=runs.c.errors + sum(page.errors for page in accepted),
            warnings=runs.c.warnings + sum(page.warnings for page in accepted),
            notices=runs.c.notices + sum(page.notices for page in accepted),
        )
    )


def _still_open(connection: Connection, run_id: str, holder: str, page_ids: Collection[str]) -> set[str]:
    """Pages without a result that nobody else has leased."""
    free = or_(frontier.c.state == PENDING, (frontier.c.state == LEASED) & (frontier.c.holder == holder))
    wanted = select(frontier.c.page_id).where(*_of_pages(connection, run_id, page_ids), free)
    return set(connection.execute(wanted).scalars())


# The columns named by the rows' keys are set besides.
_DONE = update(frontier).where(*_THIS_PAGE).values(holder=null(), lease_until=null(), not_before=null())

_RETRY = (
    update(frontier)
    .where(*_THIS_PAGE, frontier.c.state == LEASED, frontier.c.holder == bindparam("b_holder"))
    .values(state=PENDING, holder=None, lease_until=None)
)


def _done_row(run_id: str, part: str, page: PageOutcome) -> dict[str, Any]:
    return {
        "b_run": run_id,
        "b_page": page.page_id,
        "state": page.state.value,
        "reason": page.reason and page.reason.value,
        "tries": page.tries,
        "part": page.source_part or part,
        "source_run_id": page.source_run_id or run_id,
        "not_modified": page.source_run_id is not None,
        "fetched_at": page.fetched_at,
        "status": page.status,
        "errors": page.errors,
        "warnings": page.warnings,
        "notices": page.notices,
    }


def _retry_row(run_id: str, holder: str, retry: Retry) -> dict[str, Any]:
    return {
        "b_run": run_id,
        "b_page": retry.page_id,
        "b_holder": holder,
        "tries": retry.tries,
        "not_before": retry.not_before,
        "reason": retry.reason.value if retry.reason else RETRY_WITHOUT_REASON,
    }


def _remember(connection: Connection, run: Row[Any], accepted: Sequence[PageOutcome]) -> None:
    if still := [page for page in accepted if page.source_run_id is not None]:
        seen = [{"b_page": page.page_id, "last_fetched_at": page.fetched_at} for page in still]
        connection.execute(_SEEN_AGAIN, seen)
    if read := [page for page in accepted if page.source_run_id is None]:
        _remember_read(connection, run, read)


_SEEN_AGAIN = update(pages).where(pages.c.page_id == bindparam("b_page"))


def _remember_read(connection: Connection, run: Row[Any], read: Sequence[PageOutcome]) -> None:
    rows = [
        {
            "page_id": page.page_id,
            "project_id": run.project_id,
            "url": text_safe(page.url),
            "url_key": url_key(page.url),
            "last_run_id": run.run_id,
            "last_fetched_at": page.fetched_at,
            "last_status": page.status,
            "recipe": run.recipe,
            "etag": page.etag and text_safe(page.etag),
            "last_modified": page.last_modified and text_safe(page.last_modified),
            "content_hash": page.content_hash,
        }
        for page in read
    ]
    execute_many(connection, _newest(connection.dialect), rows)


@lru_cache
def _newest(dialect: Dialect) -> Insert:
    """Writes what was learnt of a page last."""
    statement = upsert(dialect, pages)
    kept = ("page_id", "project_id", "url", "url_key")
    newer = {column.name: statement.excluded[column.name] for column in pages.c if column.name not in kept}
    return statement.on_conflict_do_update(index_elements=["page_id"], set_=newer)
