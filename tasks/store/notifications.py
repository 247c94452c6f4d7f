"""What people were told, and what is pushed to who listens."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from tasks.events import NotificationType
from tasks.store.catalogue import Catalogue, text_safe, upsert
from tasks.store.outbox import enter_pushes
from tasks.store.schema import notifications
from tasks.store.service_records import Notification, Push


class Notifications:
    """Notifications of each user; they and their pushes are written together or not at all."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add(
        self,
        *,
        key: str,
        user_id: str,
        title: str,
        message: str,
        type: NotificationType,  # noqa: A002 - the event's own word
        run_id: str = "",
        pushes: Sequence[Push] | Callable[[Notification], Sequence[Push]] = (),
    ) -> Notification:
        """The notification of that key: the one there is, or this one, with what is to be pushed.

        ``pushes`` may be made from the notification, when its id is known.
        """
        now = time.time()
        row = {
            "key": key,
            "user_id": user_id,
            "title": text_safe(title),
            "message": text_safe(message),
            "type": type,
            "read": False,
            "created_at": now,
            "run_id": run_id,
        }
        with self._catalogue.write() as connection:
            insert = upsert(connection, notifications).values(**row).on_conflict_do_nothing()
            is_new = connection.execute(insert.returning(notifications.c.id)).first() is not None
            told = _notification(connection.execute(select(notifications).where(notifications.c.key == key)).one())
            if is_new:
                made = pushes(told) if callable(pushes) else pushes
                enter_pushes(connection, run_id, f"{key}:push", made, now)
        return told

    def push(self, pushes: Sequence[Push], key_prefix: str, run_id: str = "") -> None:
        """Adds pushes that belong to no notification, as ``key_prefix:0``, ``:1``…, each once."""
        with self._catalogue.write() as connection:
            enter_pushes(connection, run_id, key_prefix, pushes, time.time())

    def owner_of(self, id: int) -> str | None:  # noqa: A002 - the record's own word
        """Whom the notification is for; None where there is none of that id."""
        query = select(notifications.c.user_id).where(notifications.c.id == id)
        with self._catalogue.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def mark_read(self, user_id: str, id: int) -> Notification | None:  # noqa: A002 - the record's own word
        """The notification, read now; None where the user has no such."""
        mine = (notifications.c.user_id == user_id, notifications.c.id == id)
        with self._catalogue.write() as connection:
            connection.execute(update(notifications).where(*mine).values(read=True))
            row = connection.execute(select(notifications).where(*mine)).first()
        return None if row is None else _notification(row)

    def mark_all_read(self, user_id: str) -> int:
        """How many were not read before."""
        unread = (notifications.c.user_id == user_id, notifications.c.read.is_(False))
        with self._catalogue.write() as connection:
            return connection.execute(update(notifications).where(*unread).values(read=True)).rowcount

    def list(
        self, user_id: str, *, unread: bool = False, limit: int = 50, after: int | None = None
    ) -> list[Notification]:
        """The user's newest; with ``after`` the oldest of those that came after that id."""
        query = select(notifications).where(notifications.c.user_id == user_id).limit(limit)
        if unread:
            query = query.where(notifications.c.read.is_(False))
        if after is None:
            query = query.order_by(notifications.c.id.desc())
        else:
            query = query.where(notifications.c.id > after).order_by(notifications.c.id)
        with self._catalogue.read() as connection:
            return [_notification(row) for row in connection.execute(query)]


def _notification(row: Any) -> Notification:
    return Notification(
        id=row.id,
        key=row.key,
        user_id=row.user_id,
        title=row.title,
        message=row.message,
        type=row.type,
        read=row.read,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        run_id=row.run_id,
    )
