"""Moves the store of a data folder to a database and a bucket, where several machines reach it."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, inspect, select

from tasks.errors import InputError, StoreError
from tasks.store import driver
from tasks.store.catalogue import Catalogue, text_safe
from tasks.store.catalogue_file import FILE_NAME, CatalogueFile
from tasks.store.location import locate, moved_mark
from tasks.store.migrations import bring_up_to_date
from tasks.store.part_bucket import PartBucket
from tasks.store.part_folder import PartFolder
from tasks.store.records import RunState
from tasks.store.schema import METADATA, frontier, meta, parts, projects, runs

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """What is where a store went to.

    Attributes:
        catalogue: its database, as people may see it.
        facts: its bucket; the folder where facts stay there.
        rows: rows of the catalogue that were copied; None where the whole store was there already.
        files: parts that were sent.
    """

    catalogue: str
    facts: str
    rows: int | None
    files: int


def move(data: Path | str | None, tell: Tell) -> Moved:
    """Copies the folder's own store to where the variables say; the folder keeps all, and a mark of where it went.

    An attempt that was broken off is taken up: parts that are there are not sent again, and of the catalogue all rows
    are there or none.

    Raises:
        InputError: no variables, no store, another store at the other end, or work that is going on.
        StoreError: something cannot be read or written, or did not arrive whole.
    """
    target = locate(data, moved=True)
    if target.catalogue_url is None:
        raise InputError(
            "set SEO_CATALOGUE_URL=postgresql://user@host/database, and SEO_FACTS_URL=s3://bucket/prefix for the "
            "facts, to say where the store goes"
        )
    source = CatalogueFile(target.folder / FILE_NAME)
    if not source.exists:
        raise InputError(f"no store in {target.folder}: name its folder with --data")
    root = target.parts()
    with closing(source), closing(target.catalogue()) as there:
        store_id, rows, sent, mark = bring_up_to_date(source), None, 0, moved_mark(target.folder)
        if _is_there(there, store_id):
            if not mark.exists():
                _check_left(source, there)
        else:
            sent = _send(source, root, tell)
            tell(f"copying the catalogue to {there.name}")
            with source.write() as old, there.write() as new:
                _check_idle(old)
                sent += _send(source, root, tell)
                rows = _copy(old, new)
        mark.write_text(f"{there.name}\n{root}\n", encoding="utf-8")
        return Moved(there.name, str(root), rows, sent)


def _is_there(there: Catalogue, store_id: str) -> bool:
    """True where the store is there already; what was only opened counts for nothing.

    Raises:
        InputError: another store is.
    """
    with there.read() as connection:
        if not inspect(connection).has_table(meta.name):
            return False
        if connection.execute(select(meta.c.store_id)).scalar() == store_id:
            return True
        used = [table.name for table in METADATA.sorted_tables if _count(connection, table) > (table in _MADE_AT_ONCE)]
    if used:
        raise InputError(
            f"{there.name} holds another store, with rows in {', '.join(used)}: name an empty database, or a schema of "
            "its own as in ?options=-csearch_path%3Dseo"
        )
    return False


def _check_left(source: Catalogue, there: Catalogue) -> None:
    """Refuses to call a store moved that was gone on with in its folder.

    Raises:
        InputError: naming a run that is not there, or was resumed here.
    """
    epochs = select(runs.c.run_id, runs.c.epoch)
    with source.read() as old, there.read() as new:
        known = dict(new.execute(epochs).tuples().all())
        ahead = [run_id for run_id, epoch in old.execute(epochs) if known.get(run_id, 0) < epoch]
    if ahead:
        raise InputError(
            f"{there.name} has the store as it was moved before, and the folder went on: run {max(ahead)} is not "
            "there, or not as far. Name an empty database, or a schema of its own, to move it as it is now"
        )


_MADE_AT_ONCE = (meta, projects)
"""Tables that a new store has one row of."""


def _check_idle(connection: Connection) -> None:
    """Refuses to leave somebody at work behind.

    Raises:
        InputError: naming the run.
    """
    running = select(runs.c.run_id).where(runs.c.state == RunState.RUNNING.value)
    for run_id in connection.execute(running).scalars().all():
        held = select(frontier.c.page_id).where(frontier.c.run_id == run_id, frontier.c.lease_until > time.time())
        if driver.driver_of(connection, run_id) or connection.execute(held.limit(1)).first() is not None:
            raise InputError(f"run {run_id} is being worked on: move the store when it has ended, or stop it first")


def _send(source: Catalogue, root: PartFolder, tell: Tell) -> int:
    """Puts the live parts into the bucket that are not there; returns how many. Without a bucket they stay."""
    if not isinstance(root, PartBucket):
        return 0
    with source.read() as connection:
        wanted = connection.execute(select(parts.c.path, parts.c.bytes).where(parts.c.live)).all()
    there = root.sizes()
    left = [row for row in wanted if there.get(row.path) != row.bytes]
    _check_whole(root.folder, left)
    if left:
        tell(f"sending {len(left):,} files, {sum(row.bytes for row in left):,} bytes, to {root}")
        root.put([row.path for row in left])
        there = root.sizes()
    if lost := [row.path for row in wanted if there.get(row.path) != row.bytes]:
        raise StoreError(f"{len(lost)} files did not arrive whole in {root}, such as {lost[0]}: move again")
    return len(left)


def _check_whole(folder: Path, rows: list[Row[Any]]) -> None:
    for row in rows:
        file = folder / row.path
        if not file.is_file() or file.stat().st_size != row.bytes:
            raise StoreError(f"{file} is not the file that was stored: restore it, then move again")


def _copy(old: Connection, new: Connection) -> int:
    """Every row of every table; returns how many."""
    METADATA.create_all(new)
    for table in reversed(METADATA.sorted_tables):
        new.execute(delete(table))
    for table in METADATA.sorted_tables:
        _copy_table(old, new, table)
    counted = [(table.name, _count(old, table), _count(new, table)) for table in METADATA.sorted_tables]
    if wrong := [name for name, before, after in counted if before != after]:
        raise StoreError(f"rows of {', '.join(wrong)} did not all arrive: move again")
    return sum(after for _, _, after in counted)


def _copy_table(old: Connection, new: Connection, table: Table) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    cursor: Any = new.connection.cursor()
    with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copied:
        for row in old.execute(select(table).execution_options(yield_per=5000)):
            copied.write_row([text_safe(value) if isinstance(value, str) else value for value in row])
    if (key := table.autoincrement_column) is not None:
        newest = new.execute(select(func.max(key))).scalar()
        if newest is not None:
            new.execute(select(func.setval(func.pg_get_serial_sequence(table.name, key.name), newest)))


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
