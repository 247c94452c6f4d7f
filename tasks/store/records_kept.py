"""How long records around runs are kept: what people were told, what was asked for, what can be had again."""

from typing import Any

from sqlalchemy import Column, ColumnElement, delete, select

from tasks.store.outbox import PENDING
from tasks.store.retention import SLICE
from tasks.store.schema import model_answers, notifications, outbox, pages, recommendations, requests, robots, runs
from tasks.store.shift import Shift

LEAST_SECONDS = 7 * 86400.0
"""Who asked or is told may ask again for so long; younger records stay whatever is kept of runs."""


def prune_records(shift: Shift, before: float, now: float) -> int:
    """Deletes what is older than ``before``, seconds since the epoch, and of no run that is left; returns how many.

    The costs of model calls stay for good.
    """
    before = min(before, now - LEAST_SECONDS)
    known = select(runs.c.run_id)
    wanted: tuple[tuple[Any, tuple[ColumnElement[bool], ...]], ...] = (
        (notifications.c.id, (notifications.c.created_at < before, notifications.c.run_id.not_in(known))),
        (outbox.c.id, (outbox.c.created_at < before, outbox.c.state != PENDING)),
        (requests.c.request_id, (requests.c.claimed_at < before, requests.c.run_id.not_in(known))),
        (recommendations.c.id, (recommendations.c.created_at < before, recommendations.c.run_id.not_in(known))),
        (model_answers.c.key, (model_answers.c.created_at < before,)),
        (robots.c.origin, (robots.c.fetched_at < before,)),
        (pages.c.page_id, (pages.c.last_fetched_at < before, pages.c.last_run_id.not_in(known))),
    )
    return sum(_delete(shift, key, where) for key, where in wanted)


def _delete(shift: Shift, key: Column[Any], where: tuple[ColumnElement[bool], ...]) -> int:
    """Looks without holding up writers, then deletes in short transactions what is still so."""
    deleted, last = 0, None
    while True:
        further = where if last is None else (*where, key > last)
        with shift.catalogue.read() as connection:
            found = connection.execute(select(key).where(*further).order_by(key).limit(SLICE)).scalars().all()
        if not found:
            return deleted
        with shift.write() as connection:
            deleted += connection.execute(delete(key.table).where(key.in_(found), *where)).rowcount
        last = found[-1]
