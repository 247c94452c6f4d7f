"""The list of live parts."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from tasks.store.catalogue import upsert
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
        connection.execute(upsert(connection, parts).on_conflict_do_nothing(), rows)


def live_parts(
    connection: Connection, runs: Iterable[str] | None = None, *, of_pages: bool = False
) -> dict[str, list[str]]:
    """Relative paths by table, of all runs or of ``runs``; ``of_pages`` leaves out facts of a run as a whole."""
    query = select(parts.c.table_name, parts.c.path).where(parts.c.live)
    if runs is not None:
        query = query.where(parts.c.run_id.in_(list(runs)))
    if of_pages:
        query = query.where(parts.c.step.is_(None))
    found: dict[str, list[str]] = {}
    for table, path in connection.execute(query.order_by(parts.c.created_at, parts.c.name)):
        found.setdefault(table, []).append(path)
    return found


def site_parts(connection: Connection, table: str, runs: Iterable[str] | None = None) -> list[str]:
    """Relative paths of live facts about runs as a whole, of all runs or of ``runs``."""
    query = select(parts.c.path).where(parts.c.table_name == table, parts.c.step.is_not(None), parts.c.live)
    if runs is not None:
        query = query.where(parts.c.run_id.in_(list(runs)))
    return list(connection.execute(query.order_by(parts.c.created_at, parts.c.name)).scalars())
