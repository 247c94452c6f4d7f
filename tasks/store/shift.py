"""Upkeep of a data folder is one process's at a time."""

import os
import platform
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from tasks.errors import StoreError
from tasks.store import leases
from tasks.store.catalogue import Catalogue
from tasks.store.schema import leases as leases_table

NAME = "upkeep"
LEASE_SECONDS = 300.0
"""Far longer than any one step; who dies holds the others up for so long."""


class UpkeepBusy(StoreError):
    """Another process is at it; names it and says until when."""


class Shift:
    """The lease of who does the upkeep."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._holder = f"{platform.node()}:{os.getpid()}:{secrets.token_hex(4)}"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that only who holds the lease commits, and that prolongs it.

        Raises:
            UpkeepBusy: another has it.
        """
        with self.catalogue.write() as connection:
            now = time.time()
            if not leases.take(connection, NAME, self._holder, now + LEASE_SECONDS, now):
                raise UpkeepBusy(_who(connection, self.catalogue))
            yield connection

    def end(self) -> None:
        with self.catalogue.write() as connection:
            leases.release(connection, NAME, self._holder)


@contextmanager
def shift(catalogue: Catalogue) -> Iterator[Shift]:
    """Holds the lease.

    Raises:
        UpkeepBusy: another has it.
    """
    mine = Shift(catalogue)
    with mine.write():
        pass
    try:
        yield mine
    finally:
        mine.end()


def _who(connection: Connection, catalogue: Catalogue) -> str:
    row = connection.execute(select(leases_table).where(leases_table.c.name == NAME)).one()
    until = datetime.fromtimestamp(row.until, UTC)
    return (
        f"{row.holder} is at the upkeep of {catalogue.name}: try again when it is done, or where it died "
        f"after {until:%H:%M:%S} UTC"
    )
