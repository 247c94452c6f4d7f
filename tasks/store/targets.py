"""The list of a run: what it names, what an earlier run already knows, and how it is cut into chunks."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, or_, select, update

from tasks.errors import InputError
from tasks.model import FetchFailure, PageState, Reason, ScannedPage, Verdict
from tasks.store import parts as part_files
from tasks.store.catalogue import text_safe
from tasks.store.columns import LINKED, PAGES
from tasks.store.crawl_records import Found
from tasks.store.leases import AHEAD_SECONDS
from tasks.store.part_folder import PartFolder
from tasks.store.records import Chunk, Run, Target
from tasks.store.registry import register
from tasks.store.rows import frames, linked_frame
from tasks.store.runs import OPEN_STATES, check_whole
from tasks.store.runs import of_batch as runs_of_batch
from tasks.store.schema import frontier, pages, parts, runs
from tasks.store.sharding import cut
from tasks.urls import host_port, url_key

PASSING_STATUSES = (408, 425, 429, 500, 502, 503, 504)
"""A page that answered so is asked again however young."""


def add(connection: Connection, root: PartFolder, run_id: str, targets: Iterable[Target], now: float) -> int:
    """Adds what the run does not name yet, in order; returns how many."""
    known = set(connection.execute(select(frontier.c.page_id).where(frontier.c.run_id == run_id)).scalars())
    before = len(known)
    fresh: list[Target] = []
    for target in targets:
        if target.page_id not in known:
            known.add(target.page_id)
            fresh.append(target)
    if not fresh:
        return 0
    rejected = [target for target in fresh if target.state.terminal]
    name = write_unfetched(connection, root, run_id, "rejected", rejected, now) if rejected else None
    connection.execute(frontier.insert(), [_row(run_id, target, before + n, name) for n, target in enumerate(fresh)])
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(total=runs.c.total + len(fresh)))
    return len(fresh)


def _row(run_id: str, target: Target, position: int, part: str | None) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "page_id": target.page_id,
        "url": text_safe(target.url),
        "position": position,
        "state": target.state.value,
        "reason": target.reason and target.reason.value,
        "source_run_id": run_id,
        "part": part if target.state.terminal else None,
    }


def write_unfetched(
    connection: Connection, root: PartFolder, run_id: str, key: str, ended: Iterable[Target | Found], now: float
) -> str:
    """Makes pages visible that ended without being fetched; returns the name of their part."""
    name = part_files.new_name(key)
    written = part_files.write(root, run_id, name, frames(run_id, list(map(_without_answer, ended))))
    register(connection, run_id, written, now)
    return name


def _without_answer(ended: Target | Found) -> ScannedPage:
    reason = ended.reason or Reason.BAD_URL
    failure = FetchFailure(url=ended.url, reason=reason, detail=ended.detail, tries=0)
    return ScannedPage(
        page_id=ended.page_id,
        url=ended.url,
        state=ended.state,
        reason=reason,
        answer=failure,
        page=None,
        verdict=Verdict(not_indexable=f"not fetched: {reason}"),
        blocked_by_robots=True if reason is Reason.BLOCKED_BY_ROBOTS else None,
    )


def link_fresh(connection: Connection, root: PartFolder, run: Run, *, max_age_s: float, recipe: str, now: float) -> int:
    """Shows under this run the pages that an earlier one completed within ``max_age_s`` seconds; returns how many."""
    found = connection.execute(_fresh(run.run_id, now - max_age_s, now + AHEAD_SECONDS, recipe)).all()
    if not found:
        return 0
    page_ids = [row.page_id for row in found]
    name = part_files.new_name("linked")
    frame = linked_frame(run.run_id, page_ids, [row.run_id for row in found], not_modified=False)
    register(connection, run.run_id, part_files.write(root, run.run_id, name, {LINKED: frame}), now)
    connection.execute(_LINK, [_linked_row(run.run_id, row) for row in found])
    counts = {level: runs.c[level] + sum(getattr(row, level) for row in found) for level in _LEVELS}
    connection.execute(
        update(runs).where(runs.c.run_id == run.run_id).values(linked=runs.c.linked + len(found), **counts)
    )
    return len(found)


_LEVELS = ("errors", "warnings", "notices")

# The columns named by the rows' keys are set besides.
_LINK = (
    update(frontier)
    .where(frontier.c.run_id == bindparam("b_run"), frontier.c.page_id == bindparam("b_page"))
    .values(state=PageState.COMPLETED.value, reason=None)
)


def _linked_row(run_id: str, source: Any) -> dict[str, Any]:
    same = {name: getattr(source, name) for name in ("part", "tries", "fetched_at", "status", *_LEVELS)}
    return {"b_run": run_id, "b_page": source.page_id, "source_run_id": source.run_id, **same}


def _fresh(run_id: str, since: float, until: float, recipe: str) -> Any:
    """What was fetched ``since`` then; ``until`` is for what a clock that was ahead says of pages long known."""
    source = frontier.alias("source")
    wanted = frontier.alias("wanted")
    levels = [source.c[level] for level in _LEVELS]
    return (
        select(source.c.page_id, source.c.run_id, source.c.part, source.c.tries, source.c.fetched_at, source.c.status)
        .add_columns(*levels)
        .select_from(wanted)
        .join(pages, pages.c.page_id == wanted.c.page_id)
        .join(source, (source.c.run_id == pages.c.last_run_id) & (source.c.page_id == pages.c.page_id))
        .join(
            parts,
            (parts.c.table_name == PAGES.name) & (parts.c.run_id == source.c.run_id) & (parts.c.name == source.c.part),
        )
        .where(
            wanted.c.run_id == run_id,
            wanted.c.state == PageState.PENDING.value,
            pages.c.recipe == recipe,
            pages.c.last_fetched_at > since,
            pages.c.last_fetched_at < until,
            source.c.run_id != run_id,
            source.c.state == PageState.COMPLETED.value,
            source.c.status.not_in(PASSING_STATUSES),
            or_(parts.c.live, parts.c.merged_into.is_not(None)),
        )
        .order_by(wanted.c.position)
    )


def of_batch(connection: Connection, batch_id: str) -> list[Target]:
    """The list of the newest run of the batch, as it was given.

    Raises:
        InputError: no run of that batch, or one that was pruned.
    """
    newest = next(iter(runs_of_batch(connection, batch_id, 1)), None)
    if newest is None:
        raise InputError(f"no batch {batch_id} in this data folder: `seo runs` lists what there is")
    check_whole(newest)
    return of_run(connection, newest.run_id)


def of_run(connection: Connection, run_id: str) -> list[Target]:
    """The run's list in its order; rejected lines as they were rejected."""
    columns = select(frontier.c.url, frontier.c.page_id, frontier.c.reason)
    rows = connection.execute(columns.where(frontier.c.run_id == run_id).order_by(frontier.c.position))
    return [
        Target(row.url, row.page_id, PageState.FAILED, Reason.BAD_URL)
        if row.reason == Reason.BAD_URL
        else Target(row.url, row.page_id)
        for row in rows
    ]


def single(connection: Connection, run_id: str) -> tuple[str, str]:
    """Page id and URL of the only page of a run.

    Raises:
        InputError: it has none, or several.
    """
    query = select(frontier.c.page_id, frontier.c.url).where(frontier.c.run_id == run_id).limit(2)
    rows = connection.execute(query).all()
    if len(rows) != 1:
        raise InputError(f"run {run_id} is not a run of one page")
    return rows[0].page_id, rows[0].url


def assign_chunks(connection: Connection, run_id: str, size: int, shards: int) -> int:
    """Cuts the list into chunks of ``size`` pages in its order, each of one of ``shards``; returns how many."""
    if shards == 1:
        whole = update(frontier).where(frontier.c.run_id == run_id)
        connection.execute(whole.values(chunk=frontier.c.position // size))
    else:
        columns = select(frontier.c.page_id, frontier.c.url, frontier.c.state)
        rows = connection.execute(columns.where(frontier.c.run_id == run_id).order_by(frontier.c.position)).all()
        chunks = cut([host_port(row.url) if row.state in OPEN_STATES else None for row in rows], size, shards)
        cuts = zip(rows, chunks, strict=True)
        connection.execute(_CUT, [{"b_run": run_id, "b_page": row.page_id, "chunk": chunk} for row, chunk in cuts])
    last = connection.execute(select(func.max(frontier.c.chunk)).where(frontier.c.run_id == run_id)).scalar_one()
    return 0 if last is None else last + 1


_CUT = update(frontier).where(frontier.c.run_id == bindparam("b_run"), frontier.c.page_id == bindparam("b_page"))


def chunks(connection: Connection, run_id: str) -> list[Chunk]:
    """The run's chunks by index, each with its pages, the open ones among them, and a key made of its URLs."""
    columns = select(frontier.c.chunk, frontier.c.url, case((frontier.c.state.in_(OPEN_STATES), 1), else_=0).label("o"))
    named = columns.where(frontier.c.run_id == run_id, frontier.c.chunk.is_not(None))
    rows = connection.execute(named.order_by(frontier.c.chunk, frontier.c.position))
    return [_chunk(index, slice_) for index, slice_ in groupby(rows, key=attrgetter("chunk"))]


def _chunk(index: int, rows: Iterator[Any]) -> Chunk:
    key = hashlib.blake2b(digest_size=12)
    total = still_open = 0
    for row in rows:
        key.update(url_key(row.url).encode())
        total += 1
        still_open += row.o
    return Chunk(index, total, still_open, key.hexdigest())
