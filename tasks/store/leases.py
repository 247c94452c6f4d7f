"""Who alone may do something in the data folder, until when."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, delete, or_

from tasks.store.catalogue import upsert
from tasks.store.schema import leases

AHEAD_SECONDS = 3600.0
"""Nothing is leased or put off for so long: a time further ahead is of a clock that was wrong."""


def is_over(until: Column[Any], now: float) -> ColumnElement[bool]:
    """True where a lease has run out, or is of a clock that was ahead when it was taken."""
    return ~until.between(now, now + AHEAD_SECONDS)


def take(connection: Connection, name: str, holder: str, until: float, now: float) -> bool:
    """Takes or prolongs the lease; False where another holder has it."""
    row = upsert(connection, leases).values(name=name, holder=holder, until=until)
    free = or_(leases.c.holder == holder, is_over(leases.c.until, now))
    taken = row.on_conflict_do_update(index_elements=["name"], set_={"holder": holder, "until": until}, where=free)
    return connection.execute(taken.returning(leases.c.name)).first() is not None


def release(connection: Connection, name: str, holder: str) -> None:
    """Gives the lease back, where ``holder`` has it."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
