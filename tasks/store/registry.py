"""The list of live parts."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select, and_, func, select

from tasks.store.catalogue import execute_many, upsert
from tasks.store.columns import FACT_SCHEMA
from tasks.store.records import Part
from tasks.store.schema import parts


def register(connection: Connection, run_id: str, written: Iterable[Part], now: float, step: str | None = None) -> None:
    """Makes parts visible, each once; ``step`` names what wrote facts of the run as a whole."""
    rows = [
        {
            "table_name": part.table,
            "run_id": run_id,
            "name": part.name,
            "path": part.path,
            "rows": part.rows,
            "bytes": part.bytes,
            "schema_version": FACT_SCHEMA,
            "live": True,
            "created_at": now,
            "step": step,
        }
        for part in written
    ]
    if rows:
        execute_many(connection, _new(connection.dialect), rows)


@lru_cache
def _new(dialect: Dialect) -> Insert:
    return upsert(dialect, parts).on_conflict_do_nothing()


def live_parts(
    connection: Connection,
    runs: Iterable[str] | None = None,
    tables: Iterable[str] | None = None,
    *,
    of_pages: bool = False,
) -> dict[str, list[str]]:
    """Relative paths by table, of all or of some runs and tables; ``of_pages`` leaves out facts of a run as a whole.

    The part with the most rows comes first, the others in the order of their making: DuckDB takes all for as large as
    the first, and would make a hash table of millions of links to join them with thousands of pages.
    """
    query = select(parts.c.table_name, parts.c.path, parts.c.rows).where(parts.c.live)
    if tables is not None:
        query = query.where(parts.c.table_name.in_(list(tables)))
    if runs is not None:
        query = query.where(parts.c.run_id.in_(list(runs)))
    if of_pages:
        query = query.where(parts.c.step.is_(None))
    found: dict[str, list[tuple[int, str]]] = {}
    for table, path, rows in connection.execute(query.order_by(parts.c.created_at, parts.c.name)):
        found.setdefault(table, []).append((rows, path))
    return {table: _largest_first(some) for table, some in found.items()}


def _largest_first(some: list[tuple[int, str]]) -> list[str]:
    largest = max(range(len(some)), key=lambda number: some[number][0])
    return [path for _, path in (some[largest], *some[:largest], *some[largest + 1 :])]


def live_rows(connection: Connection, tables: Iterable[str], runs: Iterable[str] | None = None) -> int:
    """Rows of the live parts of these tables, of all runs or of ``runs``."""
    query = select(func.coalesce(func.sum(parts.c.rows), 0)).where(parts.c.table_name.in_(list(tables)), parts.c.live)
    if runs is not None:
        query = query.where(parts.c.run_id.in_(list(runs)))
    return int(connection.execute(query).scalar_one())


def site_parts(connection: Connection, table: str, runs: Iterable[str] | None = None) -> list[str]:
    """Relative paths of live facts about runs as a whole, of all runs or of ``runs``."""
    query = select(parts.c.path).where(parts.c.table_name == table, parts.c.step.is_not(None), parts.c.live)
    if runs is not None:
        query = query.where(parts.c.run_id.in_(list(runs)))
    return list(connection.execute(query.order_by(parts.c.created_at, parts.c.name)).scalars())


holding = parts.alias("holding")
"""The part that has the rows of another one, or its own."""

is_held = and_(
    holding.c.table_name == parts.c.table_name,
    holding.c.run_id == parts.c.run_id,
    holding.c.name == func.coalesce(parts.c.merged_into, parts.c.name),
    holding.c.live,
)


def held(*columns: Any) -> Select[Any]:
    """Selects ``columns`` of parts, and of ``holding`` where each one's rows are now; dead ones are left out."""
    return select(*columns).select_from(parts).join(holding, is_held)
