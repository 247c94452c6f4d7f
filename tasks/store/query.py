"""A person's own SELECT on the views, which can read nothing but facts and write nothing."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import Any

import duckdb

from tasks.errors import InputError
from tasks.store.catalogue import Catalogue
from tasks.store.part_folder import FACTS, PartFolder
from tasks.store.records import Rows
from tasks.store.views import open_views

ROWS_AT_ONCE = 1000


def sql(root: PartFolder, catalogue: Catalogue, text: str) -> Rows:
    """The answer to one SELECT; columns of one name are numbered.

    Raises:
        InputError: not one SELECT, or one that DuckDB refuses; with its first line.
    """
    connection = open_views(root, catalogue, tables=_named(text))
    try:
        _lock(connection, root)
        _check_reads_only(connection, text)
        connection.execute("BEGIN TRANSACTION READ ONLY")
        columns = _distinct(column[0] for column in connection.execute(text).description or ())
    except duckdb.Error as error:
        connection.close()
        raise _wrong(error) from error
    except BaseException:
        connection.close()
        raise
    return Rows(columns, _rows(connection))


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names, repeated ones as ``a_1``."""
    taken: dict[str, None] = {}
    for name in names:
        numbered = (f"{name}_{number}" for number in count(1))
        taken[next(one for one in chain((name,), numbered) if one not in taken)] = None
    return tuple(taken)


def _named(text: str) -> set[str]:
    """Every word: a table whose name is none of them is not asked, and its parts may be far away."""
    return set(re.findall(r"\w+", text.lower()))


def _lock(connection: duckdb.DuckDBPyConnection, root: PartFolder) -> None:
    facts = str(root.folder / FACTS).replace("'", "''")
    connection.execute(
        f"SET allowed_directories = ['{facts}/']; SET enable_external_access = false; SET lock_configuration = true"
    )


def _check_reads_only(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise InputError("write one SELECT (or FROM, DESCRIBE, SUMMARIZE, SHOW TABLES): nothing else is run")


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    with connection:
        try:
            while rows := connection.fetchmany(ROWS_AT_ONCE):
                yield from rows
        except duckdb.Error as error:
            raise _wrong(error) from error


def _wrong(error: duckdb.Error) -> InputError:
    return InputError(str(error).partition("\n")[0])
