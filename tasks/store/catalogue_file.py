"""The catalogue as a file of SQLite in the data folder, for all processes of one machine."""

import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine

from tasks.store.catalogue import BUSY_SECONDS, Catalogue

FILE_NAME = "catalogue.sqlite"
CACHE_KIB = 65536
"""A list of 100,000 URLs is written within it."""


class CatalogueFile(Catalogue):
    """Readers open the file without leave to write: it must be there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            str(path),
            writer=_engine(self._open_writer),
            reader=_engine(self._open_reader),
            remedy="check the folder's rights and free space, or name another folder",
        )

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    def _take_turn(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def _open_writer(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        _enter_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        return connection

    def _open_reader(self) -> sqlite3.Connection:
        uri = f"file:{quote(str(self.path))}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)


def _engine(opener: Any) -> Engine:
    return create_engine("sqlite://", creator=opener, poolclass=QueuePool, pool_size=4, max_overflow=60)


def _enter_wal(connection: sqlite3.Connection) -> None:
    # The switch to WAL needs the file alone and does not wait for it: https://sqlite.org/wal.html
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                connection.close()
                raise
            time.sleep(0.02)
        else:
            return
