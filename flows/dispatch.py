"""The one way by which a request becomes a run: claim it, start its flow here or as a deployment, confirm."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound, ParameterTypeError, PrefectHTTPStatusError
from prefect.states import aget_state_exception

from flows.deployed import queue_run
from flows.records import record
from flows.registry import FlowEntry, entry_for
from tasks.admit.task import is_deployed
from tasks.errors import SeoScanError
from tasks.events import (
    AnalyzeRequested,
    BatchRequested,
    CancelRequested,
    RequestEvent,
    ScanAccepted,
    ScanRequested,
    read_request,
)
from tasks.store import Claim, Origin, Store, new_run_id
from tasks.urls import printable

MAX_REASON = 2000
UNCONFIRMED_SECONDS = 30.0
"""After this long without a confirmation, whoever claimed a request is taken to have died before its start."""


class QueueUnavailable(SeoScanError):
    """A run could not be handed to Prefect: it is away, or the flow's deployment is not there."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What a request became.

    Attributes:
        run_id: of the run that answers the request: of the first that claimed it.
        first: this call started it.
        flow_run_id: Prefect's id, where it is known.
        failure: why a run in this process did not complete; empty for a deployment's, which has only been queued.
    """

    request_id: str
    run_id: str
    flow: str
    first: bool
    flow_run_id: str | None
    failure: str = ""


async def dispatch(
    event: RequestEvent,
    *,
    request_id: str,
    store: Store,
    origin: Origin,
    deployed: bool | None = None,
    project_id: str | None = None,
    run_id: str | None = None,
) -> Dispatched:
    """Does what ``event`` asks for, once for each ``request_id``.

    Args:
        event: a request.
        request_id: identity of the request; a second one of it answers the first's run.
        store: of the data folder; stays the caller's to close.
        origin: where it came from.
        deployed: queue it as a deployment's run; else run it here, to its end. None for as the surrounding flow runs.
        project_id: project of the page; where absent the one the page is known in, else ``default``.
        run_id: run that the request is part of; a new one where absent.

    Raises:
        QueueUnavailable: it could not be queued. The claim stays; the request can be repeated.
    """
    entry = entry_for(event)
    deployed = is_deployed() if deployed is None else deployed
    project = project_id if project_id is not None else await asyncio.to_thread(_project_of, event, store)
    payload = json.dumps(
        {"event": event.name, "payload": event.model_dump(mode="json"), "project_id": project, "deployed": deployed}
    )
    wanted = event.run_id if isinstance(event, CancelRequested) else run_id or new_run_id()

    def claimed() -> tuple[Claim, bool]:
        again = origin == "outbox" and _reopened(store, request_id)
        claim = store.requests.claim(
            request_id, wanted, flow=entry.name, user_id=event.user_id, payload=payload, origin=origin
        )
        return claim, claim.first or again or _may_start_again(claim, deployed=deployed)

    claim, to_start = await asyncio.to_thread(claimed)
    if claim.confirmed or not to_start:
        return Dispatched(request_id, claim.run_id, claim.flow, first=False, flow_run_id=claim.flow_run_id)
    started = _Start(entry, event, request_id, claim.run_id, project, store)
    return await (started.queued(first=claim.first) if deployed else started.here(first=claim.first))


async def start_again(store: Store, *, deployed: bool) -> int:
    """Starts what was claimed and never confirmed, in the way it was to be started; returns how many.

    Raises:
        QueueUnavailable: Prefect is away.
    """
    requests = [
        (request, asked)
        for request in await asyncio.to_thread(store.requests.unconfirmed, UNCONFIRMED_SECONDS)
        if (asked := json.loads(request.payload)).get("deployed") is deployed
    ]
    for request, asked in requests:
        event = read_request(asked["event"], asked["payload"])
        start = _Start(entry_for(event), event, request.request_id, request.run_id, asked["project_id"], store)
        await (start.queued(first=False) if deployed else start.here(first=False))
    return len(requests)


def parameters(
    event: RequestEvent, *, run_id: str | None, request_id: str | None, project_id: str | None = None
) -> dict[str, Any]:
    """The flow's parameters: plain values, nothing that Prefect's server would replace."""
    values: dict[str, Any] = event.model_dump(mode="json", exclude_none=True)
    if isinstance(event, BatchRequested) and event.batch_id is not None:
        del values["urls"]
    if isinstance(event, ScanRequested | AnalyzeRequested) and project_id is not None:
        values["project_id"] = project_id
    ids = {"run_id": run_id, "request_id": request_id}
    return {**values, **{name: value for name, value in ids.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class _Start:
    """One claimed request about to be started."""

    entry: FlowEntry
    event: RequestEvent
    request_id: str
    run_id: str
    project_id: str
    store: Store

    async def queued(self, *, first: bool) -> Dispatched:
        """As a deployment's run; with the same key Prefect answers with the run there is."""
        try:
            queued = await queue_run(self.entry.deployment, self._parameters(), idempotency_key=self.request_id)
        except ObjectNotFound as error:
            raise QueueUnavailable(
                f"no deployment {self.entry.deployment}: start `seo serve`, or `seo deploy` and a worker"
            ) from error
        except (PrefectHTTPStatusError, httpx.HTTPError, OSError) as error:
            raise QueueUnavailable(f"Prefect does not take {self.entry.name}: {type(error).__name__}") from error
        flow_run_id = str(queued)
        await asyncio.to_thread(self.store.requests.confirm, self.request_id, flow_run_id)
        self._record_accepted()
        return Dispatched(self.request_id, self.run_id, self.entry.name, first=first, flow_run_id=flow_run_id)

    async def here(self, *, first: bool) -> Dispatched:
        """In this process, to its end; the flow's first step confirms."""
        self._record_accepted()
        flow = self.entry.load()
        running: Any = flow(**self._parameters(), **self.entry.in_folder(str(self.store.path)), return_state=True)
        state = await running
        flow_run_id = state.state_details.flow_run_id
        return Dispatched(
            self.request_id,
            self.run_id,
            self.entry.name,
            first=first,
            flow_run_id=str(flow_run_id) if flow_run_id else None,
            failure="" if state.is_completed() else await reason_of(state),
        )

    def _parameters(self) -> dict[str, Any]:
        return parameters(self.event, run_id=self.run_id, request_id=self.request_id, project_id=self.project_id)

    def _record_accepted(self) -> None:
        event = self.event
        if isinstance(event, ScanRequested):
            record(ScanAccepted(page_id=event.page_id, url=event.url, user_id=event.user_id, run_id=self.run_id))


async def reason_of(state: State[Any]) -> str:
    """Why a run did not complete, for people; of an unforeseen exception its name alone, its text may hold anything."""
    if not state.is_failed() and not state.is_crashed():
        return printable(state.message or state.name or state.type.value, MAX_REASON)
    error = await aget_state_exception(state)
    if isinstance(error, SeoScanError):
        return printable(str(error), MAX_REASON)
    if isinstance(error, ParameterTypeError):
        return printable(_unusable(str(error)), MAX_REASON)
    return f"{type(error).__name__}; the flow run's log has more"


def _unusable(refusal: str) -> str:
    """What Prefect says of parameters that a flow does not take, in one line: names and rules, no values but ours."""
    _, *problems = refusal.split("\n - ")
    return "; ".join(problems).replace(": Value error, ", ": ")


def _reopened(store: Store, request_id: str) -> bool:
    """Only one sender is at work: what it is given again was cut short in the process that ran it."""
    known = store.requests.get(request_id)
    cut_short = known is not None and json.loads(known.payload).get("deployed") is False
    if cut_short:
        store.requests.reopen(request_id)
    return cut_short


def _may_start_again(claim: Claim, *, deployed: bool) -> bool:
    """Prefect answers a repeated key with the same run; here, whoever claimed it may be about to start it."""
    return deployed or time.time() - claim.claimed_at.timestamp() > UNCONFIRMED_SECONDS


def _project_of(event: RequestEvent, store: Store) -> str:
    if isinstance(event, ScanRequested | AnalyzeRequested):
        known = store.known_page(event.page_id)
        return known.project_id if known is not None else "default"
    return event.project_id if isinstance(event, BatchRequested) else "default"
