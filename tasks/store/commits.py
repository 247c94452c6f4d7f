"""Commits: how pages of a run get done, each once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, literal_column, null, or_, select, true, update

from tasks.store import found as found_urls
from tasks.store import known_pages
from tasks.store import parts as part_files
from tasks.store.catalogue import execute_many, one_of
from tasks.store.crawl_records import Found, Redirected
from tasks.store.limits import LEASED, PENDING
from tasks.store.outbox import enter
from tasks.store.part_folder import PartFolder
from tasks.store.records import OutboxRequest, PageOutcome, Retry, Staged
from tasks.store.redirects import answered
from tasks.store.registry import register
from tasks.store.runs import check_epoch
from tasks.store.schema import frontier, pages, runs

RETRY_WITHOUT_REASON = "http-status"
"""Why a page waits whose server answered with a passing failure such as 503."""

_Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows of a commit, made while nobody waits for it: of pages that were read, and of others that are as before."""

    staged: Staged
    done: _Rows
    done_as_before: _Rows
    learnt: _Rows
    seen_again: _Rows


def prepare(run_id: str, holder: str, staged: Staged) -> Prepared:
    """What ``commit`` writes of ``staged``."""
    part = staged.parts[0].name if staged.parts else staged.name
    read = [page for page in staged.pages if page.source_run_id is None]
    as_before = [page for page in staged.pages if page.source_run_id is not None]
    return Prepared(
        staged,
        done=[_done_row(run_id, holder, part, page) for page in read],
        done_as_before=[
            {**_done_row(run_id, holder, page.source_part or part, page), "source_run_id": page.source_run_id}
            for page in as_before
        ],
        learnt=[known_pages.learnt_row(run_id, page) for page in read],
        seen_again=[{"b_page": page.page_id, "last_fetched_at": page.fetched_at} for page in as_before],
    )


def commit(
    connection: Connection,
    root: PartFolder,
    *,
    run_id: str,
    epoch: int,
    holder: str,
    prepared: Prepared | None,
    retries: Sequence[Retry],
    redirects: Sequence[Redirected],
    found: Sequence[Found],
    requests: Sequence[OutboxRequest],
    now: float,
) -> int:
    """Everything or nothing: parts visible, pages terminal, retries pending, requests due; returns pages added."""
    run = check_epoch(connection, run_id, epoch)
    if prepared is not None and prepared.staged.pages:
        _commit_pages(connection, root, run, holder=holder, prepared=prepared, now=now)
    if redirects:
        answered(connection, run_id, holder, redirects, now)
    if retries:
        execute_many(connection, _RETRY, [_retry_row(run_id, holder, retry) for retry in retries])
    if requests:
        enter(connection, run_id, requests, now)
    return found_urls.add(connection, root, run, found, now) if found else 0


def _commit_pages(
    connection: Connection, root: PartFolder, run: Row[Any], *, holder: str, prepared: Prepared, now: float
) -> None:
    if not _all_done(connection, prepared):
        prepared = _open_ones(connection, root, run.run_id, holder, prepared.staged)
        _done(connection, prepared)
    accepted = prepared.staged.pages
    if not accepted:
        return
    register(connection, run.run_id, prepared.staged.parts, now)
    _remember(connection, run, prepared)
    counts = {
        "b_run": run.run_id,
        "b_now": now,
        "b_not_modified": len(prepared.done_as_before),
        **{f"b_{level}": sum(getattr(page, level) for page in accepted) for level in _LEVELS},
    }
    execute_many(connection, _COUNTED, [counts])


def _all_done(connection: Connection, prepared: Prepared) -> bool:
    """Has all pages done, or none where one has a result by now or is leased by another."""
    with connection.begin_nested() as attempt:
        if _done(connection, prepared) == len(prepared.staged.pages):
            return True
        attempt.rollback()
    return False


def _done(connection: Connection, prepared: Prepared) -> int:
    """Has those pages done that are open; returns how many."""
    first = execute_many(connection, _DONE, prepared.done) if prepared.done else 0
    again = execute_many(connection, _DONE_AS_BEFORE, prepared.done_as_before) if prepared.done_as_before else 0
    return first + again


def _open_ones(connection: Connection, root: PartFolder, run_id: str, holder: str, staged: Staged) -> Prepared:
    """What is left of ``staged`` without the pages that are not open any more."""
    mine = _still_open(connection, run_id, holder, [page.page_id for page in staged.pages])
    written = part_files.without_pages(root, staged, run_id, mine) if mine else ()
    left = tuple(page for page in staged.pages if page.page_id in mine)
    return prepare(run_id, holder, Staged(staged.name, written, left))


def _still_open(connection: Connection, run_id: str, holder: str, page_ids: Collection[str]) -> set[str]:
    """Pages without a result that nobody else has leased."""
    free = or_(frontier.c.state == PENDING, (frontier.c.state == LEASED) & (frontier.c.holder == holder))
    named = one_of(connection, frontier.c.page_id, page_ids)
    wanted = select(frontier.c.page_id).where(frontier.c.run_id == run_id, named, free)
    return set(connection.execute(wanted).scalars())


_THIS_PAGE = (frontier.c.run_id == bindparam("b_run"), frontier.c.page_id == bindparam("b_page"))
_IS_MINE = (frontier.c.state == literal_column(f"'{LEASED}'")) & (frontier.c.holder == bindparam("b_holder"))
_IS_OPEN = or_(frontier.c.state == literal_column(f"'{PENDING}'"), _IS_MINE)

# The columns named by the rows' keys are set besides.
_DONE = update(frontier).where(*_THIS_PAGE, _IS_OPEN).values(holder=null(), lease_until=null(), not_before=null())
_DONE_AS_BEFORE = _DONE.values(not_modified=true())

_RETRY = (
    update(frontier)
    .where(*_THIS_PAGE, _IS_MINE)
    .values(state=literal_column(f"'{PENDING}'"), holder=null(), lease_until=null())
)

_LEVELS = ("errors", "warnings", "notices")

_COUNTED = (
    update(runs)
    .where(runs.c.run_id == bindparam("b_run"))
    .values(
        last_commit_at=bindparam("b_now"),
        **{name: runs.c[name] + bindparam(f"b_{name}") for name in ("not_modified", *_LEVELS)},
    )
)


def _done_row(run_id: str, holder: str, part: str, page: PageOutcome) -> dict[str, Any]:
    return {
        "b_run": run_id,
        "b_page": page.page_id,
        "b_holder": holder,
        "state": page.state.value,
        "reason": page.reason and page.reason.value,
        "tries": page.tries,
        "part": part,
        "fetched_at": page.fetched_at,
        "status": page.status,
        "errors": page.errors,
        "warnings": page.warnings,
        "notices": page.notices,
    }


def _retry_row(run_id: str, holder: str, retry: Retry) -> dict[str, Any]:
    return {
        "b_run": run_id,
        "b_page": retry.page_id,
        "b_holder": holder,
        "tries": retry.tries,
        "not_before": retry.not_before,
        "reason": retry.reason.value if retry.reason else RETRY_WITHOUT_REASON,
    }


def _remember(connection: Connection, run: Row[Any], prepared: Prepared) -> None:
    if prepared.seen_again:
        execute_many(connection, _SEEN_AGAIN, prepared.seen_again)
    if prepared.learnt:
        known_pages.learn(connection, prepared.learnt, project_id=run.project_id, recipe=run.recipe)


_SEEN_AGAIN = update(pages).where(pages.c.page_id == bindparam("b_page"))
