"""What the routes share, and how each gets at it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from pydantic import SecretStr

from deployments.api.problems import Refused
from flows.dispatch import Dispatched
from tasks.events import RequestEvent
from tasks.store import Origin, RunState, Store

MAX_WAITING = 100
"""Requests of one user that may wait to begin."""


class Start(Protocol):
    """Hands a request's work to Prefect, once for each ``request_id``."""

    def __call__(
        self, event: RequestEvent, *, request_id: str, origin: Origin, project_id: str | None
    ) -> Awaitable[Dispatched]: ...


@dataclass(frozen=True, slots=True)
class Ended:
    """How Prefect says that a run ended."""

    state: RunState
    at: datetime | None


async def _always() -> bool:
    return True


async def _nothing(flow_run_id: str) -> Ended | None:  # noqa: ARG001 - what is asked for
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the routes share.

    Attributes:
        start: hands work on.
        webhook_secret: that events are signed with; empty where none are taken.
        sign: signs a channel's name and a socket's id for Pusher; None where no Pusher is configured.
        max_waiting: requests of one user that may wait to begin.
        names: host names that requests may carry besides those of loopback; None for any.
        prefect_answers: whether Prefect is there.
        how_ended: what Prefect knows of a flow run's end, by its id; None where it did not end, or Prefect is away.
    """

    store: Store
    start: Start
    webhook_secret: SecretStr = field(default_factory=lambda: SecretStr(""))
    sign: Callable[[str, str], str] | None = None
    max_waiting: int = MAX_WAITING
    names: frozenset[str] | None = frozenset()
    prefect_answers: Callable[[], Awaitable[bool]] = _always
    how_ended: Callable[[str], Awaitable[Ended | None]] = _nothing

    async def must_own(self, user: str, project_id: str) -> None:
        """Refuses whoever does not own the project."""
        project = await asyncio.to_thread(self.store.projects.get, project_id)
        if project is None:
            raise Refused(404, f"no project {project_id}: `seo projects add` makes one")
        if project.owner != user:
            raise Refused(403, f"project {project_id} belongs to someone else")


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


_key = HTTPBearer(auto_error=False, scheme_name="api-key", description="A key that `seo keys add USER` made: `seo_…`.")


def _user(request: Request, _: Annotated[object, Security(_key)]) -> str:
    """Who asks: ``front.Keys`` has found out, OpenAPI is told here."""
    user: str = request.state.user
    return user


TheDoor = Annotated[Door, Depends(_door)]
User = Annotated[str, Depends(_user)]
