"""What the caller was told."""

import asyncio
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query

from deployments.api.door import TheDoor, User
from deployments.api.models import MAX_ID, NotificationChange, NotificationOut, Notifications, NotificationsWanted
from deployments.api.problems import Refused, documented
from tasks.store import Notification

router = APIRouter(prefix="/notifications", tags=["notifications"])


@router.get("", responses=documented(401, 422))
async def notifications(wanted: Annotated[NotificationsWanted, Query()], door: TheDoor, user: User) -> Notifications:
    """The caller's newest notifications, or the next ones after a known one."""
    found = await asyncio.to_thread(
        door.store.notifications.list, user, unread=wanted.unread, limit=wanted.limit, after=wanted.after
    )
    return Notifications(notifications=[_shown(one) for one in found])


@router.patch("/{notification_id}", responses=documented(401, 403, 404, 408, 413, 422))
async def change_notification(
    notification_id: Annotated[int, Path(ge=1, le=MAX_ID)], _: NotificationChange, door: TheDoor, user: User
) -> NotificationOut:
    """Mark a notification as read."""
    read = await asyncio.to_thread(door.store.notifications.mark_read, user, notification_id)
    if read is not None:
        return _shown(read)
    if await asyncio.to_thread(door.store.notifications.owner_of, notification_id) is None:
        raise Refused(404, f"no notification {notification_id}")
    raise Refused(403, f"notification {notification_id} is someone else's")


def _shown(notification: Notification) -> NotificationOut:
    return NotificationOut.model_validate(asdict(notification))
