"""Pushes to those who listen: each ends delivered, postponed or refused, or was not reached and stays as it is."""

import time
from collections.abc import Awaitable, Callable, Sequence

from tasks.errors import SeoScanError
from tasks.notify.messages import Letter, Message, Unsendable, letter, message
from tasks.notify.outcomes import Delivered, Outcome, Postponed, Refused, backoff
from tasks.notify.pusher_client import MAX_BATCH, PusherClient, PusherRefused, PusherUnavailable
from tasks.store import PendingRequest

GIVE_UP_AFTER = 86400.0
"""Seconds; what still fails when it is so old is never sent: it may be what the receiver stumbles over."""

Told = Callable[[str, Outcome], Awaitable[None]]
"""Takes the outcome of a key, as soon as it is known: what was sent is not to be sent again."""


async def push(pushes: Sequence[PendingRequest], client: PusherClient, told: Told, public_url: str = "") -> bool:
    """Sends ``pushes`` in their order; False where the server is away, and all that follow are left for later."""
    batch: list[tuple[PendingRequest, Message]] = []
    for request in pushes:
        try:
            batch.append((request, message(request, public_url)))
        except Unsendable as error:
            await told(request.key, Refused(str(error)))
        if len(batch) == MAX_BATCH:
            if not await _push_batch(batch, client, told):
                return False
            batch = []
    return not batch or await _push_batch(batch, client, told)


async def _push_batch(batch: Sequence[tuple[PendingRequest, Message]], client: PusherClient, told: Told) -> bool:
    try:
        await client.send([message for _, message in batch])
    except PusherUnavailable as error:
        for request, _ in batch:
            await told(request.key, _failed(request, str(error), error.retry_after))
        return False
    except PusherRefused as error:
        if len(batch) == 1:
            await told(batch[0][0].key, Refused(str(error)))
            return True
        for one in batch:  # the server does not say which of them it is
            if not await _push_batch([one], client, told):
                return False
        return True
    for request, _ in batch:
        await told(request.key, Delivered())
    return True


async def hand_letter(request: PendingRequest, post: Callable[[Letter], Awaitable[None]], public_url: str) -> Outcome:
    """Gives a notification to a block by ``post``."""
    try:
        await post(letter(request, public_url))
    except Unsendable as error:
        return Refused(str(error))
    except Exception as error:  # noqa: BLE001 - a block raises what it likes; its text may hold the address' token
        why = str(error) if isinstance(error, SeoScanError) else f"{type(error).__name__}{_status(error)}"
        return _failed(request, why)
    return Delivered()


def _failed(request: PendingRequest, why: str, retry_after: float | None = None) -> Postponed | Refused:
    if time.time() - request.created_at.timestamp() > GIVE_UP_AFTER:
        return Refused(f"given up after {request.attempts + 1} tries: {why}")
    return Postponed(time.time() + max(backoff(request.attempts + 1), retry_after or 0.0), why)


def _status(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f": status {status}" if isinstance(status, int) else ""
