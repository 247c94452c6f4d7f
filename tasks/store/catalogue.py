"""The catalogue file: who may write when, and what its failures mean to people."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, Table, create_engine, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from tasks.errors import InputError, StoreError
from tasks.store.schema import meta
from tasks.urls import printable

FILE_NAME = "catalogue.sqlite"
BUSY_SECONDS = 60.0
CACHE_KIB = 65536
"""A list of 100,000 URLs is written within it."""


class Catalogue:
    """Two engines on one file: an open read never blocks a writer, and writers queue."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = _engine(self._open_writer)
        event.listen(self._writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        self._reader = _engine(self._open_reader).execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction; the only one that writes while it lasts.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._explained("write"), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Each statement sees the newest commit.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._explained("read"), self._reader.connect() as connection:
            yield connection

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise StoreError(
                f"cannot {verb} {self.path}: {cause}: check the folder's rights and free space, or name another folder"
            ) from error

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


def upsert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An insert with ``on_conflict_do_nothing`` and ``on_conflict_do_update`` in the connection's dialect."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def alone(connection: Connection) -> None:
    """Lets no other transaction that asks for it go on before this one ends; in SQLite no writer does anyway."""
    connection.execute(select(meta.c.store_id).with_for_update())


def text_safe(text: str) -> str:
    """``text`` that every database takes: no lone surrogates, and U+FFFD for NUL, which PostgreSQL refuses."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def check_id(name: str, value: str) -> None:
    """Refuses an id that would not be found again as it was given.

    Raises:
        InputError: naming it.
    """
    if value != text_safe(value):
        raise InputError(f"the {name} id {printable(value, 100)} has characters that no id can have")
