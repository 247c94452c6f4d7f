"""The catalogue: who may write when, and what its failures mean to people."""

import json
import re
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Insert,
    String,
    Table,
    Update,
    any_,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from tasks.errors import InputError, StoreError
from tasks.events import MAX_ID, RUN_ID
from tasks.urls import printable

BUSY_SECONDS = 60.0
"""How long a writer waits for others."""

_RUN_ID = re.compile(RUN_ID)


class Catalogue(ABC):
    """One database with two engines: an open read never blocks a writer, and writers queue.

    Attributes:
        name: what it is called before people.
    """

    def __init__(self, name: str, *, writer: Engine, reader: Engine, remedy: str) -> None:
        self.name = name
        self._writer = writer
        self._reader = reader.execution_options(isolation_level="AUTOCOMMIT")
        self._remedy = remedy

    @property
    @abstractmethod
    def exists(self) -> bool:
        """False where nobody made it yet: reading makes none."""

    @abstractmethod
    def _take_turn(self, connection: Connection) -> None:
        """Waits until no other transaction writes."""

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction; the only one that writes while it lasts.

        Raises:
            StoreError: the database cannot be written.
        """
        with self._explained("write"), self._writer.begin() as connection:
            self._take_turn(connection)
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Each statement sees the newest commit.

        Raises:
            StoreError: the database cannot be read.
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
        except (DBAPIError, NoConnection, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise StoreError(f"cannot {verb} {self.name}: {' '.join(str(cause).split())}: {self._remedy}") from error


def upsert(at: Connection | Dialect, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An insert with ``on_conflict_do_nothing`` and ``on_conflict_do_update`` in the dialect there."""
    dialect = at.dialect if isinstance(at, Connection) else at
    if dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def execute_many(connection: Connection, statement: Insert | Update, rows: Sequence[Mapping[str, Any]]) -> int:
    """Executes ``statement``, one object for each kind, for every one of ``rows``, which all have the same keys.

    Returns how many rows of the table it changed.

    Others wait meanwhile, and SQLAlchemy's own way takes longer over the names of parameters than SQLite over the rest.
    """
    sql, names = _compiled(statement, connection.dialect, tuple(rows[0]))
    return connection.exec_driver_sql(sql, list(map(itemgetter(*names), rows)) if names else list(rows)).rowcount


@lru_cache
def _compiled(statement: Insert | Update, dialect: Dialect, keys: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """SQL and, where its parameters go by place, their names."""
    compiled: Any = statement.compile(dialect=dialect, column_keys=keys)
    return str(compiled), tuple(compiled.positiontup or ())


def one_of(connection: Connection, column: "ColumnElement[str]", values: Iterable[str]) -> ColumnElement[bool]:
    """``column IN values`` as one parameter, however many they are."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), postgresql.ARRAY(String)))
    return column.in_(select(func.json_each(json.dumps(list(values))).table_valued("value").c.value))


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


def check_run_id(value: str) -> None:
    """Refuses an id that would name another folder than the run's own.

    Raises:
        InputError: naming it.
    """
    if len(value) > MAX_ID or not _RUN_ID.fullmatch(value):
        raise InputError(
            f"the run id {printable(value, 100)} cannot be: at most {MAX_ID} letters, digits and _ . @ = -, "
            "the first a letter or a digit"
        )
