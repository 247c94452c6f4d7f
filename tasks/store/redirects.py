"""Redirects of a crawl: asked for one by one, and their facts written once all of a chain have answered."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, or_, select, update

from tasks.model import PageState, Reason, ScannedPage
from tasks.store import known_pages
from tasks.store import parts as part_files
from tasks.store.catalogue import text_safe
from tasks.store.crawl_records import Redirected, Standing
from tasks.store.limits import LEASED, PENDING
from tasks.store.part_folder import PartFolder
from tasks.store.records import PageOutcome, Staged
from tasks.store.registry import register
from tasks.store.runs import check_epoch
from tasks.store.schema import frontier, parts, runs

PAGES_AT_ONCE = 500
PART_KEY = "redirects"

_THIS_PAGE = (frontier.c.run_id == bindparam("b_run"), frontier.c.page_id == bindparam("b_page"))
_MINE = or_(frontier.c.state == PENDING, (frontier.c.state == LEASED) & (frontier.c.holder == bindparam("b_holder")))

# The columns named by the rows' keys are set besides.
_ANSWERED = (
    update(frontier)
    .where(*_THIS_PAGE, _MINE)
    .values(
        state=PageState.COMPLETED.value, redirects=True, reason=None, holder=None, lease_until=None, not_before=None
    )
)

_SETTLED = update(frontier).where(*_THIS_PAGE, frontier.c.redirects)


def answered(connection: Connection, run_id: str, holder: str, redirects: Sequence[Redirected], now: float) -> None:
    """Pages without a result that nobody else has leased are done, but for their facts."""
    rows = [
        {
            "b_run": run_id,
            "b_page": one.page_id,
            "b_holder": holder,
            "status": one.status,
            "location": None if one.location is None else text_safe(one.location),
            "tries": one.tries,
            "fetched_at": one.fetched_at,
        }
        for one in redirects
    ]
    connection.execute(_ANSWERED, rows)
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(last_commit_at=now))


def standings(connection: Connection, run_id: str) -> dict[str, Standing]:
    here = frontier.c.run_id == run_id
    if connection.execute(select(frontier.c.page_id).where(here, frontier.c.redirects).limit(1)).first() is None:
        return {}
    columns = (frontier.c.url, frontier.c.page_id, frontier.c.status, frontier.c.reason, frontier.c.location)
    rows = connection.execute(select(*columns, frontier.c.redirects).where(here).order_by(frontier.c.position))
    return {
        row.url: Standing(
            row.page_id, row.status, Reason(row.reason) if row.reason in _REASONS else None, row.location, row.redirects
        )
        for row in rows
    }


def standing(connection: Connection, run_id: str, page_id: str) -> Standing | None:
    """What one URL answered; None where it is not done or the run does not know it."""
    columns = (frontier.c.state, frontier.c.status, frontier.c.reason, frontier.c.location, frontier.c.redirects)
    row = connection.execute(select(*columns).where(frontier.c.run_id == run_id, frontier.c.page_id == page_id)).first()
    if row is None or not PageState(row.state).terminal:
        return None
    reason = Reason(row.reason) if row.reason in _REASONS else None
    return Standing(page_id, row.status, reason, row.location, row.redirects)


_REASONS = frozenset(Reason)


def stage(root: PartFolder, run_id: str, pages: Iterable[ScannedPage]) -> list[Staged]:
    """Writes the facts, a few hundred pages in memory at a time."""
    left = iter(pages)
    slices = iter(lambda: list(islice(left, PAGES_AT_ONCE)), [])
    return [part_files.stage(root, run_id, PART_KEY, slice_, keep_html=False) for slice_ in slices]


def settle(connection: Connection, run_id: str, epoch: int, staged: Sequence[Staged], now: float) -> int:
    """The staged facts in place of what was settled before."""
    run = check_epoch(connection, run_id, epoch)
    mine = (frontier.c.run_id == run_id, frontier.c.redirects)
    old = select(frontier.c.part).where(*mine, frontier.c.part.is_not(None)).distinct()
    connection.execute(update(parts).where(parts.c.run_id == run_id, parts.c.name.in_(old)).values(live=False))
    levels = ("errors", "warnings", "notices")
    before = connection.execute(
        select(*(func.coalesce(func.sum(frontier.c[level]), 0) for level in levels)).where(*mine)
    )
    counts = dict(zip(levels, before.one(), strict=True))
    pages = [(one.name, page) for one in staged for page in one.pages]
    for one in staged:
        register(connection, run_id, one.parts, now)
    if pages:
        connection.execute(_SETTLED, [_settled_row(run_id, name, page) for name, page in pages])
        _remember(connection, run, [page for _, page in pages])
    changed = {
        level: runs.c[level] - counts[level] + sum(getattr(page, level) for _, page in pages) for level in levels
    }
    connection.execute(update(runs).where(runs.c.run_id == run.run_id).values(changed))
    return len(pages)


def _remember(connection: Connection, run: Row[Any], settled: Sequence[PageOutcome]) -> None:
    """By no recipe: where they lead is a page of its own, whose facts they do not have."""
    columns = (
        frontier.c.page_id,
        frontier.c.status.label("last_status"),
        frontier.c.fetched_at.label("last_fetched_at"),
    )
    here = select(*columns).where(frontier.c.run_id == run.run_id, frontier.c.redirects)
    answers = {row.page_id: row._asdict() for row in connection.execute(here)}
    learnt = [{**known_pages.learnt_row(run.run_id, page), **answers.get(page.page_id, {})} for page in settled]
    known_pages.learn(connection, learnt, project_id=run.project_id, recipe="")


def _settled_row(run_id: str, part: str, page: PageOutcome) -> dict[str, Any]:
    return {
        "b_run": run_id,
        "b_page": page.page_id,
        "state": page.state.value,
        "reason": page.reason and page.reason.value,
        "part": part,
        "errors": page.errors,
        "warnings": page.warnings,
        "notices": page.notices,
    }
