"""From a request to a queued run: once for each id, and not without end."""

import asyncio
import json
import secrets
from dataclasses import dataclass
from typing import Self

from deployments.api.door import Door
from deployments.api.logs import log
from deployments.api.problems import Refused
from flows.dispatch import Dispatched, QueueUnavailable
from tasks.events import CancelRequested, RequestEvent
from tasks.store import Origin

RETRY_SECONDS = 60
FAILED = "Failed to queue scan"
_FROM_HERE = frozenset({"api", "webhook"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Identity of a request.

    Attributes:
        repeatable: who asked knows it, and can ask again under it.
    """

    id: str
    repeatable: bool = True

    @classmethod
    def by_api(cls, user: str, idempotency_key: str | None) -> Self:
        """The same key of the same user is the same request; no user's id holds a colon."""
        return cls(f"api:{user}:{idempotency_key or secrets.token_hex(16)}", idempotency_key is not None)


async def queue(
    door: Door, event: RequestEvent, asked: Asked, *, origin: Origin, project_id: str | None = None
) -> Dispatched:
    """Queues what ``event`` asks for; a second call with the same id answers the first one's run.

    Raises:
        Refused: the id was used for something else, too much of the user's waits already, or Prefect is away.
    """
    is_known = await _is_known(door, event, asked.id, project_id)
    if not is_known and not isinstance(event, CancelRequested):  # which makes room
        waiting = await asyncio.to_thread(door.store.requests.waiting, event.user_id)
        if waiting >= door.max_waiting:
            raise Refused(
                429,
                f"{waiting} requests of {event.user_id} wait already: try again later",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
    try:
        started = await door.start(event, request_id=asked.id, origin=origin, project_id=project_id)
    except QueueUnavailable as error:
        log.warning("%s of %s not queued: %s", event.name, event.user_id, error)
        if not asked.repeatable:  # the claim would be started later, beside the one that its user asks for then
            await asyncio.to_thread(door.store.requests.withdraw, asked.id)
        raise Refused(503, FAILED, headers={"Retry-After": str(RETRY_SECONDS)}) from error
    if not started.first:  # someone else may have claimed the id a moment ago
        await _is_known(door, event, asked.id, project_id)
    log.info("%s of %s: run %s", event.name, event.user_id, started.run_id)
    return started


async def _is_known(door: Door, event: RequestEvent, request_id: str, project_id: str | None) -> bool:
    """Whether this very request was made before; refuses an id that was used for another."""
    known = await asyncio.to_thread(door.store.requests.get, request_id)
    if known is None:
        return False
    if known.origin in _FROM_HERE and not _asks_the_same(known.payload, event, project_id):
        raise Refused(409, "this id was used for another request: give each request its own, or repeat the same one")
    return True


def _asks_the_same(payload: str, event: RequestEvent, project_id: str | None) -> bool:
    asked = json.loads(payload)
    same = asked["event"] == event.name and asked["payload"] == event.model_dump(mode="json")
    return same and project_id in {None, asked["project_id"]}
