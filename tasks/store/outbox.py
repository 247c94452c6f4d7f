"""Work handed on exactly once in effect: requests waiting to be delivered, and who claimed which."""

import json
from datetime import UTC, datetime

from sqlalchemy import Connection, select, update

from tasks.store.catalogue import upsert
from tasks.store.records import PendingRequest
from tasks.store.schema import outbox, requests


def pending(connection: Connection, limit: int) -> list[PendingRequest]:
    """The oldest requests not delivered yet."""
    query = select(outbox).where(outbox.c.delivered_at.is_(None)).order_by(outbox.c.id).limit(limit)
    return [
        PendingRequest(
            row.key, row.kind, json.loads(row.payload), row.run_id, datetime.fromtimestamp(row.created_at, UTC)
        )
        for row in connection.execute(query)
    ]


def delivered(connection: Connection, key: str, now: float) -> None:
    connection.execute(
        update(outbox).where(outbox.c.key == key, outbox.c.delivered_at.is_(None)).values(delivered_at=now)
    )


def claim(connection: Connection, request_id: str, run_id: str, now: float) -> str:
    """The run that answers the request: the first that claimed it."""
    row = upsert(connection, requests).values(request_id=request_id, run_id=run_id, claimed_at=now)
    connection.execute(row.on_conflict_do_nothing())
    query = select(requests.c.run_id).where(requests.c.request_id == request_id)
    winner: str = connection.execute(query).scalar_one()
    return winner
