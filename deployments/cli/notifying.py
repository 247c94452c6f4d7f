"""Commands on what people were told: ``notifications`` and ``outbox``."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import screen
from deployments.cli.options import PLACE, SHOWN, Place, Shown, at_least
from tasks.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store import Notification

User = Annotated[str, Parameter(help="Whose.")]

NOTIFICATION_COLUMNS = ("id", "type", "title", "message", "read", "created_at", "run_id")
OUTBOX_COLUMNS = ("id", "kind", "about", "attempts", "next_try", "created_at")
LIMIT = 50

notifications = App(name="notifications", help="What a user was told.", help_format="plaintext", sort_key=50)
outbox = App(name="outbox", help="What waits to be sent or done.", help_format="plaintext", sort_key=51)


@notifications.default
def list_notifications(
    *,
    unread: Annotated[bool, Parameter(negative=(), show_default=False, help="Only those not marked as read.")] = False,
    user: User = "local",
    limit: Annotated[int, Parameter(validator=at_least(1), help="How many, newest first.")] = LIMIT,
    place: Place = PLACE,
    shown: Shown = SHOWN,
) -> int:
    """List a user's notifications, newest first."""
    data = place.existing()
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        found = store.notifications.list(user, unread=unread, limit=limit)
    if shown.format != "table":
        from tasks.report.formats import write  # noqa: PLC0415 - not for tables

        rows = ({name: getattr(told, name) for name in NOTIFICATION_COLUMNS} for told in found)
        write(rows, shown.format, sys.stdout, NOTIFICATION_COLUMNS)
        return 0
    print_notifications(found, limit)
    return 0


def print_notifications(found: "Sequence[Notification]", limit: int = LIMIT) -> None:
    from tasks.report.terminal import rows_view  # noqa: PLC0415 - not for every format

    table = (
        (told.id, "" if told.read else "new", told.type, told.title, told.message, f"{told.created_at:%Y-%m-%d %H:%M}")
        for told in found
    )
    screen.out().print(rows_view(("id", "", "type", "title", "message", "at (UTC)"), table, limit))


@notifications.command
def read(
    number: Annotated[int | None, Parameter(name="ID", validator=at_least(1), help="Id of one of them.")] = None,
    /,
    *,
    all_of_them: Annotated[
        bool, Parameter(name="--all", negative=(), show_default=False, help="All of the user's.")
    ] = False,
    user: User = "local",
    place: Place = PLACE,
) -> int:
    """Mark notifications as read."""
    if (number is None) != all_of_them:
        raise InputError("give either an ID or --all")
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(place.existing()) as store:
        if number is None:
            screen.line(f"{store.notifications.mark_all_read(user):,} marked as read")
            return 0
        told = store.notifications.mark_read(user, number)
    if told is None:
        raise InputError(f"user {user} has no notification {number}: `seo notifications` lists them")
    screen.line(f"notification {told.id} marked as read")
    return 0


@outbox.command(name="list")
def list_outbox(
    *,
    limit: Annotated[int, Parameter(validator=at_least(1), help="How many, oldest first.")] = LIMIT,
    place: Place = PLACE,
    shown: Shown = SHOWN,
) -> int:
    """List what waits, and count what does not."""
    data = place.existing()
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        found, counts = store.outbox.pending(limit, float("inf")), store.outbox.counts()
    rows = [
        (
            entry.id,
            entry.kind,
            entry.payload.get("channel") or entry.payload.get("page_id") or entry.payload.get("user_id"),
            entry.attempts,
            _moment(entry.not_before),
            entry.created_at,
        )
        for entry in found
    ]
    if shown.format != "table":
        from tasks.report.formats import write  # noqa: PLC0415 - not for tables

        write((dict(zip(OUTBOX_COLUMNS, row, strict=True)) for row in rows), shown.format, sys.stdout, OUTBOX_COLUMNS)
        return 0
    from tasks.report.terminal import rows_view  # noqa: PLC0415

    columns = ("id", "kind", "about", "tries", "next try (UTC)", "since (UTC)")
    screen.out().print(rows_view(columns, ((*row[:5], f"{row[5]:%Y-%m-%d %H:%M:%S}") for row in rows), limit))
    screen.say(", ".join(f"{count:,} {state}" for state, count in counts.items()))
    return 0


@outbox.command
def send(*, place: Place = PLACE) -> int:
    """Send what is due now: pushes to their channels, requests to their flows."""
    data = place.existing()
    from deployments.cli.lifeline import check_api  # noqa: PLC0415 - imports Prefect
    from deployments.cli.local_server import LocalServer  # noqa: PLC0415
    from flows.outbox import send_outbox  # noqa: PLC0415
    from tasks.report.escape import terminal  # noqa: PLC0415

    if LocalServer.current is None:
        asyncio.run(check_api())
    else:
        LocalServer.current.wait()
    sent = asyncio.run(send_outbox(str(data.resolve()), tell=lambda problem: screen.say(terminal(problem))))
    counts = {"delivered": sent.delivered, "postponed": sent.postponed, "refused": sent.refused}
    screen.line(", ".join(f"{count:,} {word}" for word, count in {**counts, "expired": sent.expired}.items()))
    return 0


def _moment(seconds: float) -> str | None:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}" if seconds else None
