"""send-notification: tells a person.

Needs no block; takes SEO Result Store and SEO Pusher Channel where they are saved. Without a channel the notification
is kept for `seo notifications`.
"""

from prefect import flow
from prefect.client.schemas.objects import State

from tasks.admit.task import admitted, already_done
from tasks.events import Identity, Line, NotificationRequested, NotificationType, RunId, Text
from tasks.notify.task import push_notification, result_folder, save_notification


@flow(name="send-notification", flow_run_name="notify-{user_id}", timeout_seconds=300)
async def send_notification(
    user_id: Identity,
    title: Line,
    message: Text,
    type: NotificationType = "info",  # noqa: A002 - the event's own word
    run_id: RunId | None = None,
    request_id: str | None = None,
    data: str | None = None,
) -> int | State[str]:
    """Keeps a notification, then pushes it to its user's channel; returns its id.

    Args:
        user_id: Who is told.
        title: One line.
        message: What there is to say.
        type: How it is shown.
        run_id: Run that it is about.
        request_id: Identity of the request; once answered, it is not answered again.
        data: Data folder; that of the block SEO Result Store where absent.
    """
    event = NotificationRequested(user_id=user_id, title=title, message=message, type=type)
    folder = await result_folder(data)
    ticket = await admitted(request_id, run_id, data=folder, user_id=user_id)
    if ticket.taken:
        return already_done(ticket)
    key = f"{request_id or ticket.run_id}:notification"
    saved = await save_notification(event, key=key, run_id=run_id or "", data=folder)
    await push_notification(folder)
    return saved
