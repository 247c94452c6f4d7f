"""What is to be handed on: written with the facts it follows from, sent at least once by one sender at a time."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, Update, cast, func, or_, select, update
from sqlalchemy.dialects import postgresql

from tasks.store import leases
from tasks.store.catalogue import Catalogue, text_safe, upsert
from tasks.store.records import OutboxRequest, PendingRequest
from tasks.store.schema import channels, outbox
from tasks.store.service_records import Push

SENDER = "outbox"
PUSH = "push"
"""Kind of an entry that is pushed to a channel; other kinds are names of request events."""

PENDING, DELIVERED, REFUSED, EXPIRED = STATES = ("pending", "delivered", "refused", "expired")


class Outbox:
    """Entries in the order they were made, each known by its key."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add(self, entries: Sequence[OutboxRequest], run_id: str = "") -> None:
        """Adds the entries whose keys are not there yet."""
        with self._catalogue.write() as connection:
            enter(connection, run_id, entries, time.time())

    def lease(self, holder: str, lease_s: float = 60) -> bool:
        """Makes ``holder`` the only sender for so many seconds, or for as many more; False where another is."""
        now = time.time()
        with self._catalogue.write() as connection:
            return leases.take(connection, SENDER, holder, now + lease_s, now)

    def release(self, holder: str) -> None:
        """Lets others send; nothing where another holds the lease."""
        with self._catalogue.write() as connection:
            leases.release(connection, SENDER, holder)

    def pending(
        self,
        limit: int = 100,
        now: float | None = None,
        *,
        pushes: bool | None = None,
        channels_with: str = "",
        after: int = 0,
    ) -> list[PendingRequest]:
        """The oldest entries that are due, now or at ``now`` seconds since the epoch.

        Args:
            limit: how many.
            now: the moment.
            pushes: no others, or none.
            channels_with: those pushed to channels with this in their names.
            after: id of an entry: those that were made later.
        """
        due = or_(outbox.c.not_before.is_(None), outbox.c.not_before <= (time.time() if now is None else now))
        these = (outbox.c.state == PENDING, outbox.c.id > after, due)
        query = select(outbox).where(*these).order_by(outbox.c.id).limit(limit)
        if pushes is not None:
            query = query.where(outbox.c.kind == PUSH if pushes else outbox.c.kind != PUSH)
        with self._catalogue.read() as connection:
            if channels_with:
                query = query.where(_channel(connection).contains(channels_with, autoescape=True))
            return [_pending(row) for row in connection.execute(query)]

    def delivered(self, key: str) -> None:
        """Ends a pending entry; one that has ended stays as it is."""
        self._end(key, DELIVERED, delivered_at=time.time())

    def postpone(self, key: str, not_before: float, error: str) -> None:
        """Notes a try that failed; the next is due at ``not_before``, seconds since the epoch."""
        change = _still_pending(key).values(
            not_before=not_before, error=text_safe(error), attempts=outbox.c.attempts + 1
        )
        with self._catalogue.write() as connection:
            connection.execute(change)

    def refuse(self, key: str, error: str) -> None:
        """Never to be sent: it stays, with why."""
        self._end(key, REFUSED, error=text_safe(error))

    def expire(self, older_than_s: float = 86400, *, pushes_only: bool = False) -> int:
        """Gives up what was never tried and is older than that; returns how many."""
        stale = (outbox.c.attempts == 0, outbox.c.created_at < time.time() - older_than_s)
        change = update(outbox).where(outbox.c.state == PENDING, *stale).values(state=EXPIRED)
        if pushes_only:
            change = change.where(outbox.c.kind == PUSH)
        with self._catalogue.write() as connection:
            return connection.execute(change).rowcount

    def newest(self) -> int:
        """Id of the entry that was made last; 0 where none was."""
        with self._catalogue.read() as connection:
            newest: int = connection.execute(select(func.coalesce(func.max(outbox.c.id), 0))).scalar_one()
        return newest

    def counts(self) -> dict[str, int]:
        """Entries by state; every state is there."""
        query = select(outbox.c.state, func.count().label("entries")).group_by(outbox.c.state)
        with self._catalogue.read() as connection:
            found = {row.state: row.entries for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in STATES}

    def _end(self, key: str, state: str, **values: Any) -> None:
        with self._catalogue.write() as connection:
            connection.execute(_still_pending(key).values(state=state, **values))


def enter(connection: Connection, run_id: str, entries: Sequence[OutboxRequest], now: float) -> None:
    """Adds the entries whose keys are not there yet; ``now`` in seconds since the epoch."""
    rows = [
        {
            "key": entry.key,
            "kind": entry.kind,
            "run_id": run_id,
            "payload": json.dumps(dict(entry.payload)),
            "created_at": now,
        }
        for entry in entries
    ]
    if rows:
        connection.execute(upsert(connection, outbox).on_conflict_do_nothing(), rows)


def enter_pushes(connection: Connection, run_id: str, key_prefix: str, pushes: Sequence[Push], now: float) -> None:
    """Adds pushes as ``key_prefix:0``, ``:1``…; each gets its id and its channel's next number, without gaps."""
    for n, push in enumerate(pushes):
        row = upsert(connection, outbox).values(
            key=f"{key_prefix}:{n}", kind=PUSH, run_id=run_id, payload="{}", created_at=now
        )
        added = connection.execute(row.on_conflict_do_nothing().returning(outbox.c.id)).scalar_one_or_none()
        if added is None:
            continue
        payload = {
            "id": added,
            "sequence": _next_number(connection, push.channel),
            "channel": push.channel,
            "event": push.event,
            "data": dict(push.data),
        }
        connection.execute(update(outbox).where(outbox.c.id == added).values(payload=json.dumps(payload)))


def _next_number(connection: Connection, channel: str) -> int:
    row = upsert(connection, channels).values(channel=channel, sequence=1)
    one_more = row.on_conflict_do_update(index_elements=["channel"], set_={"sequence": channels.c.sequence + 1})
    number: int = connection.execute(one_more.returning(channels.c.sequence)).scalar_one()
    return number


def _channel(connection: Connection) -> ColumnElement[str]:
    if connection.dialect.name == "postgresql":
        channel: ColumnElement[str] = cast(outbox.c.payload, postgresql.JSON)["channel"].astext
        return channel
    return func.json_extract(outbox.c.payload, "$.channel", type_=String)


def _still_pending(key: str) -> Update:
    return update(outbox).where(outbox.c.key == key, outbox.c.state == PENDING)


def _pending(row: Any) -> PendingRequest:
    return PendingRequest(
        key=row.key,
        kind=row.kind,
        payload=json.loads(row.payload),
        run_id=row.run_id,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        id=row.id,
        attempts=row.attempts,
        not_before=row.not_before or 0.0,
    )
