"""What the last crawl of a site knew of its addresses."""

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select

from tasks.model import Reason
from tasks.store.crawl_records import KnownUrl
from tasks.store.found import ASKED_AT_ONCE
from tasks.store.records import PRUNED, RunState
from tasks.store.runs import OPEN_STATES
from tasks.store.schema import frontier, pages, runs

OK = 200
LOOKED_BACK = 100
"""Crawls among which the last one of the same kind is looked for."""


def ended_crawls(connection: Connection, project_id: str, start_url: str) -> list[tuple[str, str]]:
    """Ids and options of the newest crawls of the project from that address that came to their end, newest first.

    Without those that were pruned: most of the site would seem new beside them.
    """
    query = select(runs.c.run_id, runs.c.options).where(
        runs.c.kind == "crawl",
        runs.c.project_id == project_id,
        runs.c.start_url == start_url,
        runs.c.state == RunState.COMPLETED.value,
        runs.c.incomplete_reason.is_distinct_from(PRUNED),
    )
    newest = query.order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(LOOKED_BACK)
    return [(row.run_id, row.options) for row in connection.execute(newest)]


def known_urls(connection: Connection, run_id: str) -> list[KnownUrl]:
    """Addresses that answered the run with success or that it left, those first that were fetched longest ago.

    What redirected or was an error is not among them: it counts where something still leads there.
    """
    good = (frontier.c.status == OK) & ~frontier.c.redirects
    useful = or_(frontier.c.state.in_(OPEN_STATES), good, frontier.c.reason == Reason.NOT_HTML.value)
    query = (
        select(frontier.c.url, frontier.c.page_id, frontier.c.depth)
        .outerjoin(pages, pages.c.page_id == frontier.c.page_id)
        .where(frontier.c.run_id == run_id, useful)
        .order_by(pages.c.last_fetched_at.asc().nulls_first(), frontier.c.position)
    )
    return [KnownUrl(row.url, row.page_id, row.depth) for row in connection.execute(query)]


def last_fetched(connection: Connection, page_ids: Sequence[str]) -> dict[str, float]:
    """When the pages were fetched last, by any run, seconds since the epoch; those never fetched are left out."""
    found: dict[str, float] = {}
    columns = select(pages.c.page_id, pages.c.last_fetched_at).where(pages.c.last_fetched_at.is_not(None))
    for start in range(0, len(page_ids), ASKED_AT_ONCE):
        asked = columns.where(pages.c.page_id.in_(page_ids[start : start + ASKED_AT_ONCE]))
        found.update((page_id, at) for page_id, at in connection.execute(asked))
    return found
