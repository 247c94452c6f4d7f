"""Pages whatever the run: which are known, what was last found, the HTML that was kept."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, bindparam, case, or_, select

from tasks import urls
from tasks.errors import UnknownPage
from tasks.store.catalogue import execute_many, text_safe, upsert
from tasks.store.records import PageOutcome
from tasks.store.runs import OPEN_STATES
from tasks.store.schema import frontier, pages, runs
from tasks.store.service_records import KnownPage


def known(connection: Connection, page_id: str) -> KnownPage | None:
    """The page of that id; None where nobody named it and no run is done with it."""
    row = connection.execute(select(pages).where(pages.c.page_id == page_id)).first()
    if row is None:
        row = connection.execute(_ENDED, {"page_id": page_id}).first()
    if row is None:
        return None
    return KnownPage(page_id=row.page_id, project_id=row.project_id, url=row.url, last_run_id=row.last_run_id)


# Of what was never fetched, such as a page that robots.txt disallows, nothing is remembered across runs.
_ENDED = (
    select(frontier.c.page_id, frontier.c.url, runs.c.project_id, runs.c.run_id.label("last_run_id"))
    .join(runs, runs.c.run_id == frontier.c.run_id)
    .where(frontier.c.page_id == bindparam("page_id"), frontier.c.state.not_in(OPEN_STATES))
    .order_by(runs.c.started_at.desc(), runs.c.run_id.desc())
    .limit(1)
)


def register(connection: Connection, project_id: str, url: str) -> str:
    """Makes the page known before any run has it; returns its id, the same each time."""
    page_id = urls.page_id(project_id, url)
    row = upsert(connection, pages).values(
        page_id=page_id,
        project_id=project_id,
        url=text_safe(url),
        url_key=urls.url_key(url),
        last_run_id="",
        recipe="",
    )
    connection.execute(row.on_conflict_do_nothing())
    return page_id


def learnt_row(run_id: str, page: PageOutcome) -> dict[str, Any]:
    """What ``learn`` writes of a page that ended so in the run."""
    return {
        "page_id": page.page_id,
        "url": text_safe(page.url),
        "url_key": urls.url_key(page.url),
        "last_run_id": run_id,
        "last_fetched_at": page.fetched_at,
        "last_status": page.status,
        "etag": page.etag and text_safe(page.etag),
        "last_modified": page.last_modified and text_safe(page.last_modified),
        "content_hash": page.content_hash,
    }


def learn(connection: Connection, rows: Sequence[Mapping[str, Any]], *, project_id: str, recipe: str) -> None:
    """Remembers how pages ended, unless they were fetched again since.

    Without a ``recipe`` what was found stands in for no later fetch.
    """
    same = {"project_id": project_id, "recipe": recipe}
    execute_many(connection, _newest(connection.dialect), [{**row, **same} for row in rows])


@lru_cache
def _newest(dialect: Dialect) -> Insert:
    """Writes what was learnt of a page last."""
    statement = upsert(dialect, pages)
    kept = ("page_id", "project_id", "url", "url_key")
    newer = {column.name: statement.excluded[column.name] for column in pages.c if column.name not in kept}
    by, until = statement.excluded.last_fetched_at, pages.c.last_fetched_at
    is_newer = or_(by.is_(None), until.is_(None), by >= until)
    return statement.on_conflict_do_update(index_elements=["page_id"], set_=newer, where=is_newer)


def latest_run(connection: Connection, page_id: str) -> str:
    """The newest run that is done with the page, else the newest that has it.

    Raises:
        UnknownPage: none has it.
    """
    is_open = case((frontier.c.state.in_(OPEN_STATES), 1), else_=0)
    query = (
        select(frontier.c.run_id)
        .join(runs, runs.c.run_id == frontier.c.run_id)
        .where(frontier.c.page_id == page_id)
        .order_by(is_open, runs.c.started_at.desc(), runs.c.run_id.desc())
    )
    run_id: str | None = connection.execute(query.limit(1)).scalar_one_or_none()
    if run_id is None:
        raise UnknownPage(f"no run has the page {urls.printable(page_id)}: `seo scan URL` scans one")
    return run_id
