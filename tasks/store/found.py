"""URLs that a crawl comes upon: each becomes a page of the run once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from tasks.model import PageState, Reason
from tasks.store.catalogue import text_safe, upsert
from tasks.store.crawl_records import FOLLOWED, Found, Limits
from tasks.store.part_folder import PartFolder
from tasks.store.schema import frontier, runs
from tasks.store.targets import write_unfetched

ASKED_AT_ONCE = 5000
DATED = "[12][0-9]{3}[-/_.]"


def add(connection: Connection, root: PartFolder, run: Row[Any], found: Iterable[Found], now: float) -> int:
    """Adds what the run does not know yet, in order; returns how many."""
    named = _nearest(found)
    known = _known(connection, run.run_id, list(named))
    if Limits.from_json(run.limits).max_depth is not None:
        _bring_nearer(connection, run.run_id, named, known)
    if run.earlier_run_id is not None:
        _find_again(connection, run.run_id, named, known)
    fresh = [one for page_id, one in named.items() if page_id not in known]
    if not fresh:
        return 0
    skipped = [one for one in fresh if one.state.terminal]
    part = write_unfetched(connection, root, run.run_id, "found", skipped, now) if skipped else None
    first = connection.execute(select(runs.c.total).where(runs.c.run_id == run.run_id)).scalar_one()
    rows = [_row(run.run_id, one, first + n, part) for n, one in enumerate(fresh)]
    connection.execute(upsert(connection, frontier).on_conflict_do_nothing(), rows)
    connection.execute(update(runs).where(runs.c.run_id == run.run_id).values(total=first + len(fresh)))
    return len(fresh)


def trap_suspects(connection: Connection, run_id: str, start: int, limit: int) -> tuple[list[str], int]:
    """URLs with a query or what may be a date, of those that pages lead to, in order.

    Returns up to ``limit`` of those at position ``start`` and after, and where to go on.
    """
    end: int | None = connection.execute(select(runs.c.total).where(runs.c.run_id == run_id)).scalar()
    suspicious = or_(frontier.c.url.contains("?"), frontier.c.url.regexp_match(DATED))
    followed = frontier.c.found_by.in_(FOLLOWED)
    taken = or_(frontier.c.reason.is_(None), frontier.c.reason != Reason.CRAWL_TRAP.value)
    here = (frontier.c.run_id == run_id, frontier.c.position >= start, frontier.c.position < (end or 0))
    query = select(frontier.c.url, frontier.c.position).where(*here, followed, taken, suspicious)
    rows = connection.execute(query.order_by(frontier.c.position).limit(limit)).all()
    return [row.url for row in rows], rows[-1].position + 1 if len(rows) == limit else max(start, end or 0)


def _nearest(found: Iterable[Found]) -> dict[str, Found]:
    """Each page once, by the shortest way to it."""
    named: dict[str, Found] = {}
    for one in found:
        earlier = named.setdefault(one.page_id, one)
        if one.depth is not None and earlier.depth is not None and one.depth < earlier.depth:
            named[one.page_id] = one
    return named


def _known(connection: Connection, run_id: str, page_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """How the pages that the run has were found, and their depths, by page id."""
    known: dict[str, Row[Any]] = {}
    columns = select(frontier.c.page_id, frontier.c.depth, frontier.c.found_by).where(frontier.c.run_id == run_id)
    for start in range(0, len(page_ids), ASKED_AT_ONCE):
        asked = frontier.c.page_id.in_(page_ids[start : start + ASKED_AT_ONCE])
        known.update((row.page_id, row) for row in connection.execute(columns.where(asked)))
    return known


def _bring_nearer(
    connection: Connection, run_id: str, named: Mapping[str, Found], known: Mapping[str, Row[Any]]
) -> None:
    """A redirect may lead to a page found before on a longer way."""
    rows = [
        {"b_run": run_id, "b_page": page_id, "b_depth": depth}
        for page_id, before in known.items()
        if (depth := named[page_id].depth) is not None and before.depth is not None and depth < before.depth
    ]
    if rows:
        connection.execute(_NEARER, rows)


_NEARER = (
    update(frontier)
    .where(
        frontier.c.run_id == bindparam("b_run"),
        frontier.c.page_id == bindparam("b_page"),
        frontier.c.state == PageState.PENDING.value,
    )
    .values(depth=bindparam("b_depth"))
)


def _find_again(connection: Connection, run_id: str, named: Mapping[str, Found], known: Mapping[str, Row[Any]]) -> None:
    """Something leads to a page that only the last crawl knew so far."""
    rows = [
        {"b_run": run_id, "b_page": page_id, "found_by": named[page_id].found_by}
        for page_id, before in known.items()
        if before.found_by == "earlier" != named[page_id].found_by
    ]
    if rows:
        connection.execute(_FOUND_AGAIN, rows)


_FOUND_AGAIN = update(frontier).where(
    frontier.c.run_id == bindparam("b_run"), frontier.c.page_id == bindparam("b_page")
)


def _row(run_id: str, one: Found, position: int, part: str | None) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "page_id": one.page_id,
        "url": text_safe(one.url),
        "position": position,
        "state": one.state.value,
        "reason": one.reason and one.reason.value,
        "source_run_id": run_id,
        "part": part if one.state.terminal else None,
        "found_by": one.found_by,
        "depth": one.depth,
    }
