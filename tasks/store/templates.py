"""The prompt in its versions, one of them active."""

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from tasks.errors import InputError
from tasks.store.catalogue import Catalogue, text_safe
from tasks.store.schema import prompt_templates
from tasks.store.service_records import Template


class Templates:
    """Versions 1, 2, 3…, never changed once added."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def ensure_default(self, name: str, text: str) -> Template:
        """The active template: this one, as version 1, where there is none yet."""
        with self._catalogue.read() as connection:
            row = connection.execute(_ACTIVE).first()
        if row is None:
            with self._catalogue.write() as connection:
                row = connection.execute(_ACTIVE).first() or _add(connection, name, text, active=True)
        return _template(row)

    def active(self) -> Template:
        """The template in use.

        Raises:
            InputError: there is none yet.
        """
        with self._catalogue.read() as connection:
            row = connection.execute(_ACTIVE).first()
        if row is None:
            raise InputError("no prompt template is active: `seo templates add` adds one")
        return _template(row)

    def get(self, version: int) -> Template:
        """A version.

        Raises:
            InputError: there is no such.
        """
        with self._catalogue.read() as connection:
            return _template(_find(connection, version))

    def add(self, name: str, text: str, *, activate: bool = False) -> Template:
        """The next version; the first of all is active at once."""
        with self._catalogue.write() as connection:
            first = connection.execute(_ACTIVE).first() is None
            if activate:
                _deactivate(connection)
            return _template(_add(connection, name, text, active=activate or first))

    def activate(self, version: int) -> Template:
        """Puts the version in the place of the active one.

        Raises:
            InputError: there is no such; the active one stays.
        """
        with self._catalogue.write() as connection:
            _find(connection, version)
            _deactivate(connection)
            this = prompt_templates.c.version == version
            connection.execute(update(prompt_templates).where(this).values(active=True))
            return _template(_find(connection, version))

    def list(self) -> list[Template]:
        """Oldest first."""
        with self._catalogue.read() as connection:
            rows = connection.execute(select(prompt_templates).order_by(prompt_templates.c.version))
            return [_template(row) for row in rows]


_ACTIVE = select(prompt_templates).where(prompt_templates.c.active)


def _add(connection: Connection, name: str, text: str, *, active: bool) -> Any:
    newest = connection.execute(select(func.max(prompt_templates.c.version))).scalar_one()
    row = {"name": text_safe(name), "text": text_safe(text), "active": active, "created_at": time.time()}
    version = (newest or 0) + 1
    connection.execute(prompt_templates.insert(), {"version": version, **row})
    return _find(connection, version)


def _deactivate(connection: Connection) -> None:
    connection.execute(update(prompt_templates).where(prompt_templates.c.active).values(active=False))


def _find(connection: Connection, version: int) -> Any:
    row = connection.execute(select(prompt_templates).where(prompt_templates.c.version == version)).first()
    if row is None:
        raise InputError(f"no prompt template of version {version}: `seo templates list` shows those there are")
    return row


def _template(row: Any) -> Template:
    return Template(
        version=row.version,
        name=row.name,
        text=row.text,
        active=row.active,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
    )
