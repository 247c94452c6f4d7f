"""What people are told, into the store: the row and its pushes together, once for each key."""

from tasks.events import BatchProgressed, NotificationRequested
from tasks.notify.channels import ChannelNames
from tasks.notify.messages import ANALYSIS_COMPLETE, BATCH_PROGRESS, NOTIFICATION_RECEIVED
from tasks.store import Notification, Push, Store


def notify(
    store: Store, event: NotificationRequested, *, key: str, run_id: str = "", naming: ChannelNames
) -> Notification:
    """Keeps the notification, and pushes it to the user's channel and to each further block; once for ``key``."""

    def pushes(told: Notification) -> list[Push]:
        data = {"notification": notification_data(told)}
        channels = (naming.user(told.user_id), *dict.fromkeys(naming.extra))
        return [Push(channel=channel, event=NOTIFICATION_RECEIVED, data=data) for channel in channels]

    return store.notifications.add(
        key=key,
        user_id=event.user_id,
        title=event.title,
        message=event.message,
        type=event.type,
        run_id=run_id,
        pushes=pushes,
    )


def notification_data(told: Notification) -> dict[str, str | int | bool]:
    """A notification as others see it: without the key by which it is made once."""
    return {
        "id": told.id,
        "user_id": told.user_id,
        "title": told.title,
        "message": told.message,
        "type": told.type,
        "read": told.read,
        "created_at": told.created_at.isoformat(),
        "run_id": told.run_id,
    }


def broadcast_analysis(
    store: Store, *, page_id: str, count: int, status: str, key: str, naming: ChannelNames, run_id: str = ""
) -> None:
    """Tells who listens on the page's channel that its analysis is done; once for ``key``."""
    data = {"page_id": page_id, "recommendation_count": count, "status": status}
    push = Push(channel=naming.page(page_id), event=ANALYSIS_COMPLETE, data=data)
    store.notifications.push([push], key_prefix=key, run_id=run_id)


def broadcast_progress(store: Store, event: BatchProgressed, *, key: str, naming: ChannelNames) -> None:
    """Tells who listens on the project's channel where a batch stands; once for ``key``."""
    push = Push(channel=naming.project(event.project_id), event=BATCH_PROGRESS, data=event.model_dump(mode="json"))
    store.notifications.push([push], key_prefix=key, run_id=event.run_id)
