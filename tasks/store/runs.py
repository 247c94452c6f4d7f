"""Runs: begin, find, resume, stop, end."""

import secrets
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from tasks.errors import InputError, StaleEpoch, UnknownRun
from tasks.model import PageState
from tasks.store import limits
from tasks.store.catalogue import check_run_id, text_safe
from tasks.store.crawl_records import Limits
from tasks.store.driver import this_node
from tasks.store.leases import AHEAD_SECONDS
from tasks.store.projects import ensure
from tasks.store.records import PRUNED, Run, RunSpec, RunState
from tasks.store.schema import frontier, runs

OPEN_STATES = (PageState.PENDING.value, PageState.LEASED.value)
UNFINISHED = (RunState.RUNNING.value, RunState.INTERRUPTED.value, RunState.FAILED.value)
ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def start(connection: Connection, spec: RunSpec, now: float) -> Run:
    """Writes the run in its first epoch, its project too where that is new; ``now`` in seconds since the epoch.

    Raises:
        InputError: an id that no run can have.
    """
    ensure(connection, spec.project_id, spec.user_id, now)
    run_id = spec.run_id or new_run_id(now)
    check_run_id(run_id)
    connection.execute(
        runs.insert(),
        {
            "run_id": run_id,
            "kind": spec.kind,
            "project_id": spec.project_id,
            "user_id": spec.user_id,
            "batch_id": spec.batch_id,
            "recipe": spec.recipe,
            "epoch": 1,
            "state": RunState.RUNNING.value,
            "stop_requested": False,
            "options": spec.options,
            "started_at": now,
            "incomplete": False,
            "prefect_flow_run_id": spec.prefect_flow_run_id,
            "parent_pid": spec.parent_pid,
            "parent_node": this_node(),
            "parent_flow_run_id": spec.prefect_flow_run_id,
            "taken_at": now,
            "start_url": spec.start_url and text_safe(spec.start_url),
            "scope": spec.scope,
            "limits": spec.limits.to_json(),
            "earlier_run_id": spec.earlier_run_id,
        },
    )
    return get(connection, run_id)


def new_run_id(now: float | None = None) -> str:
    """A run id that sorts by time, to the second; letters tell runs of one second apart."""
    moment = datetime.fromtimestamp(time.time() if now is None else now, UTC).strftime("%Y%m%d-%H%M%S")
    return f"{moment}-{''.join(secrets.choice(ID_LETTERS) for _ in range(6))}"


def exists(connection: Connection, run_id: str) -> bool:
    return connection.execute(select(runs.c.run_id).where(runs.c.run_id == run_id)).first() is not None


def get(connection: Connection, run_id: str) -> Run:
    """The run of that id or of the only id that begins so.

    Raises:
        UnknownRun: there is none.
        InputError: several begin so.
    """
    begins = func.substr(runs.c.run_id, 1, len(run_id)) == run_id
    found = connection.execute(select(runs).where(begins).order_by(runs.c.run_id.desc()).limit(6)).all()
    exact = [row for row in found if row.run_id == run_id]
    if not found or not run_id:
        raise UnknownRun(f"no run {run_id or '(empty id)'} in this data folder: `seo runs` lists them")
    if len(found) > 1 and not exact:
        raise InputError(f"several runs begin with {run_id}: {', '.join(row.run_id for row in found[:5])}")
    return _run((exact or found)[0])


def newest(connection: Connection, limit: int) -> list[Run]:
    found = connection.execute(select(runs).order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(limit))
    return [_run(row) for row in found]


def unfinished(connection: Connection, batch_id: str) -> Run | None:
    """The newest run of the batch, where it did not end and has its list."""
    newest_of = next(iter(of_batch(connection, batch_id, 1)), None)
    if newest_of is None or newest_of.is_pruned:
        return None
    return newest_of if newest_of.state.value in UNFINISHED else None


def begun_by(connection: Connection, flow_run_id: str) -> Run | None:
    """The newest run that this run of Prefect began."""
    begun = select(runs).where(runs.c.prefect_flow_run_id == flow_run_id)
    row = connection.execute(begun.order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(1)).first()
    return None if row is None else _run(row)


def of_batch(connection: Connection, batch_id: str, limit: int | None = None) -> list[Run]:
    query = select(runs).where(runs.c.batch_id == batch_id).order_by(runs.c.started_at.desc(), runs.c.run_id.desc())
    return [_run(row) for row in connection.execute(query.limit(limit))]


def resume(
    connection: Connection,
    run_id: str,
    parent_pid: int | None,
    other: Limits | None,
    *,
    flow_run_id: str | None,
    now: float,
) -> Run:
    """The next epoch: all leases are given back, unblamed, pages put off are new again, earlier holders are refused.

    ``flow_run_id`` is Prefect's of who resumes it; ``now`` in seconds since the epoch.

    Raises:
        InputError: it was pruned.
    """
    run = get(connection, run_id)
    check_whole(run)
    connection.execute(
        update(runs)
        .where(runs.c.run_id == run.run_id)
        .values(
            epoch=runs.c.epoch + 1,
            state=RunState.RUNNING.value,
            stop_requested=False,
            finished_at=None,
            first_request_at=None,
            last_commit_at=None,
            fetched_before=_fetched(connection, run.run_id),
            pages_per_second=None,
            incomplete=False,
            incomplete_reason=None,
            error=None,
            parent_pid=parent_pid,
            parent_node=this_node(),
            parent_flow_run_id=flow_run_id,
            taken_at=now,
            limits=(other or run.limits).to_json(),
        )
    )
    connection.execute(
        update(frontier)
        .where(frontier.c.run_id == run.run_id, frontier.c.state == PageState.LEASED.value)
        .values(state=PageState.PENDING.value, holder=None, lease_until=None)
    )
    connection.execute(
        update(frontier)
        .where(
            frontier.c.run_id == run.run_id,
            frontier.c.state == PageState.PENDING.value,
            frontier.c.not_before > now + AHEAD_SECONDS,
        )
        .values(not_before=None, reason=None, tries=0)
    )
    return get(connection, run.run_id)


def check_whole(run: Run) -> None:
    """Refuses a run that would be taken for complete by the few pages it still has.

    Raises:
        InputError: it was pruned.
    """
    if run.is_pruned:
        raise InputError(f"run {run.run_id} was pruned to the pages that later runs show: begin a new one")


def finish(
    connection: Connection,
    run_id: str,
    epoch: int,
    state: RunState,
    *,
    error: str | None,
    incomplete_reason: str | None,
    now: float,
) -> Run:
    """Ends the run, incomplete where a reason is given or pages are left; ``now`` in seconds since the epoch.

    One that was cancelled stays so, unless all is done: its process ends later. One that was pruned ended long ago.

    Raises:
        UnknownRun: there is none.
        StaleEpoch: it has been resumed since.
    """
    row = check_epoch(connection, run_id, epoch)
    if row.incomplete_reason == PRUNED or (row.state == RunState.CANCELLED and state != RunState.COMPLETED):
        return _run(row)
    left = connection.execute(
        select(func.count()).where(frontier.c.run_id == run_id, frontier.c.state.in_(OPEN_STATES))
    ).scalar_one()
    connection.execute(
        update(runs)
        .where(runs.c.run_id == run_id)
        .values(
            state=state.value,
            finished_at=now,
            error=error and text_safe(error),
            incomplete=bool(incomplete_reason or left),
            incomplete_reason=text_safe(incomplete_reason)
            if incomplete_reason
            else _what_is_left(connection, row, left),
            pages_per_second=_rate(row, _fetched(connection, run_id)),
        )
    )
    return get(connection, run_id)


def _what_is_left(connection: Connection, run: Row[Any], left: int) -> str | None:
    if not left:
        return None
    limit = limits.reached(connection, run)
    words = f"{left} page{'' if left == 1 else 's'} left"
    return f"{limit}: {words}" if limit else words


def _fetched(connection: Connection, run_id: str) -> int:
    """Pages this run fetched itself and brought to an end."""
    return connection.execute(
        select(func.count()).where(
            frontier.c.run_id == run_id,
            frontier.c.state.not_in(OPEN_STATES),
            or_(frontier.c.source_run_id == run_id, frontier.c.not_modified),
            frontier.c.fetched_at.is_not(None),
        )
    ).scalar_one()


def _rate(run: Row[Any], fetched: int) -> float | None:
    if run.first_request_at is None or run.last_commit_at is None or run.last_commit_at <= run.first_request_at:
        return None
    seconds: float = run.last_commit_at - run.first_request_at
    pages: int = fetched - run.fetched_before
    return pages / seconds


def check_epoch(connection: Connection, run_id: str, epoch: int) -> Row[Any]:
    """The run's row.

    Raises:
        StaleEpoch: the run has been resumed since.
    """
    row = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
    if row is None:
        raise UnknownRun(f"no run {run_id} in this data folder")
    if row.epoch != epoch:
        raise StaleEpoch(f"run {run_id} was resumed elsewhere (epoch {row.epoch}, this is {epoch})")
    return row


def set_options(connection: Connection, run_id: str, epoch: int, options: str) -> None:
    """Raises StaleEpoch where the run has been resumed since, UnknownRun where there is none."""
    check_epoch(connection, run_id, epoch)
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(options=options))


def request_stop(connection: Connection, run_id: str) -> None:
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(stop_requested=True))


def is_stopped(connection: Connection, run_id: str, epoch: int) -> bool:
    """True where the stop mark is set, the run ended, was resumed since ``epoch``, or is not there."""
    columns = select(runs.c.epoch, runs.c.stop_requested, runs.c.state)
    row = connection.execute(columns.where(runs.c.run_id == run_id)).first()
    return row is None or row.stop_requested or row.epoch != epoch or row.state != RunState.RUNNING.value


def mark_first_request(connection: Connection, run_id: str, at: float) -> None:
    """Keeps the earlier of ``at``, seconds since the epoch, and what is there."""
    earlier = or_(runs.c.first_request_at.is_(None), runs.c.first_request_at > at)
    connection.execute(update(runs).where(runs.c.run_id == run_id, earlier).values(first_request_at=at))


def moment(seconds: float | None) -> datetime | None:
    """The time, UTC, of seconds since the epoch."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _run(row: Row[Any]) -> Run:
    return Run(
        run_id=row.run_id,
        kind=row.kind,
        project_id=row.project_id,
        user_id=row.user_id,
        batch_id=row.batch_id,
        recipe=row.recipe,
        epoch=row.epoch,
        state=RunState(row.state),
        stop_requested=row.stop_requested,
        options=row.options,
        total=row.total,
        linked=row.linked,
        started_at=datetime.fromtimestamp(row.started_at, UTC),
        finished_at=moment(row.finished_at),
        first_request_at=moment(row.first_request_at),
        last_commit_at=moment(row.last_commit_at),
        pages_per_second=row.pages_per_second,
        incomplete=row.incomplete,
        incomplete_reason=row.incomplete_reason,
        error=row.error,
        prefect_flow_run_id=row.prefect_flow_run_id,
        parent_pid=row.parent_pid,
        parent_node=row.parent_node,
        parent_flow_run_id=row.parent_flow_run_id,
        taken_at=datetime.fromtimestamp(row.taken_at, UTC),
        start_url=row.start_url,
        scope=row.scope,
        limits=Limits.from_json(row.limits),
        not_modified=row.not_modified,
        earlier_run_id=row.earlier_run_id,
    )
