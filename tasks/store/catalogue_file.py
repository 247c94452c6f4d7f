"""The catalogue as a file of SQLite in the data folder, for all processes of one machine."""

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine

from tasks.store.catalogue import BUSY_SECONDS, Catalogue

if sys.platform != "win32":
    import fcntl

FILE_NAME = "catalogue.sqlite"
CACHE_KIB = 65536
"""A list of 100,000 URLs is written within it."""

LOOK_AGAIN_SECONDS = 0.001


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
        file: Any = connection.connection.driver_connection
        give_up = time.monotonic() + BUSY_SECONDS
        # SQLite waits ever longer, up to 0.1 s, before it looks again: others take the turn meanwhile.
        file.execute("PRAGMA busy_timeout = 0")
        try:
            if not _is_free(lambda: file.execute("BEGIN IMMEDIATE")):
                with _in_line(self.path.with_name(f"{self.path.name}-line")):
                    _until_free(lambda: file.execute("BEGIN IMMEDIATE"), give_up)
        finally:
            file.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

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
    try:
        _until_free(lambda: connection.execute("PRAGMA journal_mode = WAL"), time.monotonic() + BUSY_SECONDS)
    except BaseException:
        connection.close()
        raise


def _until_free(step: Callable[[], object], give_up: float) -> None:
    """Does ``step`` as soon as no other process is in its way; ``give_up`` is of the monotonic clock.

    Raises:
        sqlite3.OperationalError: one still was then.
    """
    while time.monotonic() < give_up:
        if _is_free(step):
            return
        time.sleep(LOOK_AGAIN_SECONDS)
    step()


def _is_free(step: Callable[[], object]) -> bool:
    """Does ``step``; False where another process was in its way."""
    try:
        step()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # the other bits say why
            raise
        return False
    return True


@contextmanager
def _in_line(path: Path) -> Iterator[None]:
    """Waits for those who came before; only who is first looks whether the catalogue is free.

    It is for fairness alone: where no line can be had, as on Windows, whoever looks at the right moment is next.
    """
    if sys.platform == "win32":
        yield
        return
    descriptor = None
    try:
        with suppress(OSError):  # a full disk, a file of somebody else's
            descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing does not where a forked child still has it open
            os.close(descriptor)
