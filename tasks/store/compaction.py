"""Many small parts become few: a new part, then one transaction that has it stand for the old ones."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Connection, func, select, update

from tasks.errors import StoreError
from tasks.store import parts as part_files
from tasks.store.columns import FACT_TABLES, HTML, LINKED, LINKED_SCHEMA
from tasks.store.part_folder import PartFolder
from tasks.store.records import Part
from tasks.store.redirects import PART_KEY as REDIRECTS
from tasks.store.registry import register
from tasks.store.schema import parts
from tasks.store.shift import Shift
from tasks.store.upkeep_records import Compacted

ABOVE = 500
"""Live parts of a table that are too many."""

FEW = 8
"""A run with fewer small parts is left alone: it costs readers little."""

MERGED_BYTES = 64 * 2**20
SMALL_BYTES = MERGED_BYTES // 2
MERGED_PARTS = 1000
ROW_GROUP_BYTES = 4 * 2**20
ROW_GROUP_ROWS = (64, 100_000)

HTML_BYTES = MERGED_BYTES // 4
HTML_ROWS = 64
"""HTML is packed ten times and more: 64 MB of it took a gigabyte while they were merged; larger groups of rows take
more, and pack no better."""

SCHEMAS = {table.name: table.schema for table in FACT_TABLES} | {LINKED: LINKED_SCHEMA}


@dataclass(frozen=True, slots=True)
class Group:
    """Live parts of one table and run, in the order of their rows."""

    table: str
    run_id: str
    parts: tuple[Part, ...]
    created_at: float

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts)

    @property
    def names(self) -> list[str]:
        return [part.name for part in self.parts]


def compact(root: PartFolder, shift: Shift, *, above: int = ABOVE, runs: Sequence[str] | None = None) -> Compacted:
    """Merges small parts, run by run, of every table with more than ``above`` live ones, of all runs or of ``runs``."""
    merged = made = before = after = 0
    with shift.catalogue.read() as connection:
        found = crowded(connection, above, runs)
    for table, run_id in found:
        with shift.catalogue.read() as connection:
            groups = [group for group in groups_of(small_parts(connection, table, run_id)) if len(group.parts) > 1]
        for group in groups:
            one = merge(root, group)
            if one is None or not _swapped(root, shift, group, one):
                continue
            merged, made = merged + len(group.parts), made + 1
            before, after = before + group.bytes, after + one.bytes
    return Compacted(merged=merged, made=made, bytes_before=before, bytes_after=after)


def crowded(connection: Connection, above: int, runs: Sequence[str] | None) -> list[tuple[str, str]]:
    """Table and run of what is worth merging."""
    here = (parts.c.live, *(() if runs is None else (parts.c.run_id.in_(list(runs)),)))
    many = select(parts.c.table_name).where(*here).group_by(parts.c.table_name).having(func.count() > above)
    query = (
        select(parts.c.table_name, parts.c.run_id)
        .where(*here, *_MERGEABLE, parts.c.table_name.in_(many), parts.c.table_name.in_(list(SCHEMAS)))
        .group_by(parts.c.table_name, parts.c.run_id)
        .having(func.count() >= min(FEW, max(above, 2)))
        .order_by(parts.c.run_id, parts.c.table_name)
    )
    return [(table, run_id) for table, run_id in connection.execute(query)]


# What a step of the run wrote, or redirects, is replaced as a whole when that runs again.
_MERGEABLE: tuple[ColumnElement[bool], ...] = (
    parts.c.live,
    parts.c.step.is_(None),
    parts.c.name.not_like(f"part-{REDIRECTS}-%"),
    parts.c.bytes < SMALL_BYTES,
)


def small_parts(connection: Connection, table: str, run_id: str) -> list[Any]:
    """Rows of ``parts`` that may be merged, in the order in which they are read."""
    here = (parts.c.table_name == table, parts.c.run_id == run_id, *_MERGEABLE)
    return list(connection.execute(select(parts).where(*here).order_by(parts.c.created_at, parts.c.name)))


def groups_of(rows: Iterable[Any]) -> Iterator[Group]:
    """Cuts parts of one table and run into groups of about one part's size."""
    taken: list[Any] = []
    size = 0
    for row in rows:
        most = HTML_BYTES if row.table_name == HTML.name else MERGED_BYTES
        if taken and (size + row.bytes > most or len(taken) == MERGED_PARTS):
            yield _group(taken)
            taken, size = [], 0
        taken.append(row)
        size += row.bytes
    if taken:
        yield _group(taken)


def _group(rows: Sequence[Any]) -> Group:
    first = rows[0]
    members = tuple(Part(row.table_name, row.name, row.path, row.rows, row.bytes) for row in rows)
    return Group(first.table_name, first.run_id, members, first.created_at)


def merge(root: PartFolder, group: Group, pages: pl.Series | None = None) -> Part | None:
    """Writes the rows of the group, or those of ``pages``, as one part; nothing is visible before it is swapped in.

    None where no row is left, or a part of the group was removed meanwhile.

    Raises:
        StoreError: a part cannot be read, has not the rows it should have, or the new one cannot be written.
    """
    files = root.files(part.path for part in group.parts)
    rows = pl.scan_parquet(
        files,
        schema=SCHEMAS[group.table],
        missing_columns="insert",
        extra_columns="ignore",
        glob=False,
        hive_partitioning=False,
    )
    if pages is not None:
        rows = rows.filter(pl.col("page_id").is_in(pages.implode()))
    most = int(ROW_GROUP_BYTES * group.rows / max(group.bytes, 1))
    least, limit = ROW_GROUP_ROWS
    if group.table == HTML.name:
        limit = HTML_ROWS
    name = part_files.new_name("merged")
    made = part_files.stream(root, group.run_id, name, group.table, rows, row_group=max(least, min(most, limit)))
    if pages is None and made.rows != group.rows:
        root.remove([made.path])
        raise StoreError(
            f"the {group.table} of run {group.run_id} have {made.rows} rows, the catalogue says {group.rows}: "
            "`seo store check` names the part"
        )
    if not made.rows:
        root.remove([made.path])
        return None
    return made


def _swapped(root: PartFolder, shift: Shift, group: Group, made: Part) -> bool:
    with shift.write() as connection:
        done = swap(connection, group, made, time.time())
    if not done:
        root.remove([made.path])
    return done


def swap(connection: Connection, group: Group, made: Part | None, now: float) -> bool:
    """Has ``made`` stand for the group; False, and nothing is changed, where one of its parts is dead by now."""
    here = (parts.c.table_name == group.table, parts.c.run_id == group.run_id)
    old = (*here, parts.c.name.in_(group.names), parts.c.live)
    if connection.execute(select(func.count()).where(*old)).scalar_one() != len(group.parts):
        return False
    into = made.name if made else None
    connection.execute(update(parts).where(*here, parts.c.merged_into.in_(group.names)).values(merged_into=into))
    connection.execute(update(parts).where(*old).values(live=False, dead_at=now, merged_into=into))
    if made:
        register(connection, group.run_id, [made], group.created_at)
    return True
