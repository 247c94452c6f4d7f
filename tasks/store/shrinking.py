"""The catalogue's own files, where it is SQLite: the log written back, free pages given back."""

import logging
import sqlite3
from contextlib import closing

from sqlalchemy import Connection, select

from tasks.store.catalogue_file import CatalogueFile
from tasks.store.records import RunState
from tasks.store.schema import runs
from tasks.store.shift import Shift

log = logging.getLogger(__name__)

FREE_BYTES = 64 * 2**20
FREE_SHARE = 0.25
WAIT_MS = 200


def shrink(shift: Shift) -> bool:
    """Writes the log back; where much is free and no run is under way, gives that back too: True then.

    Neither is needed: where the disk is full or a writer is in the way, the files stay as large as they are.
    """
    catalogue = shift.catalogue
    if not isinstance(catalogue, CatalogueFile):
        return False  # PostgreSQL vacuums itself
    with catalogue.read() as connection:
        spare = _much_is_free(connection) and not _is_busy(connection)
    with closing(sqlite3.connect(catalogue.path, timeout=WAIT_MS / 1000, isolation_level=None)) as file:
        try:
            _checkpoint(file)
            if spare:
                file.execute("VACUUM")
                _checkpoint(file)
        except sqlite3.OperationalError as error:
            log.warning("%s stays as large as it is: %s", catalogue.path.name, error)
            return False
    return spare


def _checkpoint(file: sqlite3.Connection) -> None:
    """Most of it beside writers; they wait only while the emptied log is cut, or it is left as it is."""
    file.execute("PRAGMA wal_checkpoint(PASSIVE)")
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _much_is_free(connection: Connection) -> bool:
    free, size, page = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("freelist_count", "page_count", "page_size")
    )
    return bool(free * page >= FREE_BYTES and free >= FREE_SHARE * size)


def _is_busy(connection: Connection) -> bool:
    running = select(runs.c.run_id).where(runs.c.state == RunState.RUNNING.value)
    return connection.execute(running.limit(1)).first() is not None
