"""Projects and who owns them."""

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from tasks.errors import InputError
from tasks.store.catalogue import Catalogue, text_safe, upsert
from tasks.store.schema import projects
from tasks.store.service_records import Project

DEFAULT_PROJECT = "default"
LOCAL_USER = "local"


class Projects:
    """Projects by id; ``default`` of the user ``local`` is always there."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add(self, project_id: str, owner: str, site: str = "") -> Project:
        """The project; where the owner has it already, with ``site`` if one is given.

        Raises:
            InputError: it is someone else's.
        """
        with self._catalogue.write() as connection:
            ensure(connection, project_id, owner, time.time(), site)
            row = connection.execute(_one(project_id)).one()
            if row.owner != owner:
                raise InputError(f"the project {project_id} is someone else's: choose another id")
            if site and row.site != text_safe(site):
                this = projects.c.project_id == project_id
                connection.execute(update(projects).where(this).values(site=text_safe(site)))
                row = connection.execute(_one(project_id)).one()
        return _project(row)

    def get(self, project_id: str) -> Project | None:
        with self._catalogue.read() as connection:
            row = connection.execute(_one(project_id)).first()
        return None if row is None else _project(row)

    def owns(self, project_id: str, user_id: str) -> bool:
        """False also where there is no such project."""
        found = self.get(project_id)
        return found is not None and found.owner == user_id

    def list(self, owner: str | None = None) -> list[Project]:
        """All, or those of ``owner``, by id."""
        query = select(projects).order_by(projects.c.project_id)
        if owner is not None:
            query = query.where(projects.c.owner == owner)
        with self._catalogue.read() as connection:
            return [_project(row) for row in connection.execute(query)]


def ensure(connection: Connection, project_id: str, owner: str, now: float, site: str = "") -> None:
    """Adds the project where there is none of that id."""
    row = upsert(connection, projects).values(project_id=project_id, owner=owner, site=text_safe(site), created_at=now)
    connection.execute(row.on_conflict_do_nothing())


def _one(project_id: str) -> Any:
    return select(projects).where(projects.c.project_id == project_id)


def _project(row: Any) -> Project:
    return Project(
        project_id=row.project_id,
        owner=row.owner,
        site=row.site,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
    )
