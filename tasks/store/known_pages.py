"""Pages whatever the run: which are known, what was last found, the HTML that was kept."""

from sqlalchemy import Connection, case, select

from tasks import urls
from tasks.errors import UnknownPage
from tasks.store.catalogue import text_safe, upsert
from tasks.store.runs import OPEN_STATES
from tasks.store.schema import frontier, pages, runs
from tasks.store.service_records import KnownPage


def known(connection: Connection, page_id: str) -> KnownPage | None:
    """The page of that id; None where nobody named it."""
    row = connection.execute(select(pages).where(pages.c.page_id == page_id)).first()
    if row is None:
        return None
    return KnownPage(page_id=row.page_id, project_id=row.project_id, url=row.url, last_run_id=row.last_run_id)


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
