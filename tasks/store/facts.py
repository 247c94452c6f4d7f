"""Facts of a run as a whole, written step by step: a step that runs again replaces what it wrote."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import polars as pl
from sqlalchemy import Connection, select, update

from tasks.errors import StoreError
from tasks.model import Severity
from tasks.store import parts as part_files
from tasks.store.columns import FACT_TABLES, ISSUES, RAISED_FROM
from tasks.store.part_folder import PartFolder
from tasks.store.records import Part
from tasks.store.registry import register
from tasks.store.rows import site_frame
from tasks.store.runs import check_epoch
from tasks.store.schema import parts, runs
from tasks.store.site_columns import SiteFact

_TABLES = {table.name: table for table in FACT_TABLES}
_LEVELS = {Severity.ERROR: runs.c.errors, Severity.WARNING: runs.c.warnings, Severity.NOTICE: runs.c.notices}

Rows = pl.DataFrame | Sequence[SiteFact] | Iterator[pl.DataFrame]


def stage(root: PartFolder, run_id: str, table: str, step: str, rows: Rows) -> tuple[Part, ...]:
    """Writes the rows, each frame of an iterator as a part; nothing is visible before ``replace``."""
    written: tuple[Part, ...] = ()
    for frame in _frames(table, run_id, rows):
        if len(frame):
            written += part_files.write(root, run_id, part_files.new_name(step), {table: frame})
    return written


def _frames(table: str, run_id: str, rows: Rows) -> Iterator[pl.DataFrame]:
    if isinstance(rows, pl.DataFrame):
        yield _shaped(table, run_id, rows)
    elif isinstance(rows, Iterator):
        yield from (_shaped(table, run_id, frame) for frame in rows)
    else:
        yield site_frame(_TABLES[table], run_id, rows)


def _shaped(table: str, run_id: str, rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with the table's columns; what it lacks is null."""
    schema = _TABLES[table].schema
    if unknown := set(rows.columns) - set(schema):
        raise StoreError(f"no such columns in {table}: {', '.join(sorted(unknown))}")
    if rows.is_empty():
        return pl.DataFrame(schema=schema)
    given = {name: pl.col(name) for name in rows.columns} | {"run_id": pl.lit(run_id)}
    try:
        return rows.select(given.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in schema.items())
    except pl.exceptions.PolarsError as error:
        raise StoreError(f"rows do not fit {table}: {str(error).splitlines()[0]}") from error


def replace(
    connection: Connection,
    root: PartFolder,
    *,
    run_id: str,
    epoch: int,
    table: str,
    step: str,
    written: tuple[Part, ...],
    now: float,
) -> None:
    """The step's rows become visible, its earlier ones invisible."""
    check_epoch(connection, run_id, epoch)
    earlier = (parts.c.table_name == table, parts.c.run_id == run_id, parts.c.step == step, parts.c.live)
    old = connection.execute(select(parts.c.path).where(*earlier)).scalars().all()
    connection.execute(update(parts).where(*earlier).values(live=False))
    register(connection, run_id, written, now, step)
    if table == ISSUES.name:
        _count(connection, root, run_id, added=[part.path for part in written], removed=old)


def _count(
    connection: Connection, root: PartFolder, run_id: str, *, added: Iterable[str], removed: Iterable[str]
) -> None:
    """Keeps the run's counts of issues true."""
    more, fewer = severities(root, added), severities(root, removed)
    changed = {
        column.name: column + more[level] - fewer[level]
        for level, column in _LEVELS.items()
        if more[level] != fewer[level]
    }
    if changed:
        connection.execute(update(runs).where(runs.c.run_id == run_id).values(changed))


def severities(root: PartFolder, paths: Iterable[str]) -> Counter[str]:
    """Issues by severity; one that stands for an issue of a page takes away that one's."""
    files = root.files(paths)
    if not files:
        return Counter()
    told = {name: ISSUES.schema[name] for name in ("severity", RAISED_FROM)}
    rows = pl.scan_parquet(
        files, schema=told, missing_columns="insert", extra_columns="ignore", glob=False, hive_partitioning=False
    )
    found = rows.group_by(*told).len().collect().iter_rows()
    counts: Counter[str] = Counter()
    for severity, raised_from, issues in found:
        counts[severity] += issues
        if raised_from is not None:
            counts[raised_from] -= issues
    return counts
