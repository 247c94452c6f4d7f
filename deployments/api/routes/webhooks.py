"""Events from outside systems, signed."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field, ValidationError

from deployments.api import signature
from deployments.api.door import TheDoor
from deployments.api.models import IDENTITY, EventAccepted, Given
from deployments.api.problems import Refused, documented
from deployments.api.queueing import Asked, queue
from tasks.events import REQUESTS, BadEvent, RequestEvent, UnknownEvent, problems, read_request

router = APIRouter(tags=["webhooks"])


class Envelope(Given):
    """An event as it is sent."""

    id: Annotated[str, Field(min_length=1, max_length=128, pattern=IDENTITY)]
    name: str
    data: dict[str, Any]


def _body_schema() -> dict[str, Any]:
    envelope = Envelope.model_json_schema()
    kinds = [
        {**envelope, "title": event.__name__, "properties": {**envelope["properties"], **_named(name, event)}}
        for name, event in REQUESTS.items()
    ]
    return {"required": True, "content": {"application/json": {"schema": {"oneOf": kinds}}}}


def _named(name: str, event: type[RequestEvent]) -> dict[str, Any]:
    return {"name": {"const": name}, "data": event.model_json_schema()}


_HEADERS = [
    {
        "in": "header",
        "name": signature.TIME_HEADER,
        "required": True,
        "description": "Seconds since the epoch.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,12}$"},
    },
    {
        "in": "header",
        "name": signature.SIGNATURE_HEADER,
        "required": True,
        "description": "`sha256=` and the HMAC-SHA256, in hex, of the time header, a full stop and the raw body.",
        "schema": {"type": "string", "pattern": "^sha256=[0-9a-f]{64}$"},
    },
]


@router.post(
    "/webhooks/events",
    status_code=202,
    responses=documented(401, 408, 409, 413, 422, 429, 503),
    openapi_extra={"requestBody": _body_schema(), "parameters": _HEADERS},
)
async def receive_event(request: Request, door: TheDoor) -> EventAccepted:
    """Take an event that asks for work; the same `id` again answers the first one's run."""
    body = await request.body()
    _must_be_signed(door.webhook_secret.get_secret_value(), request, body)
    id_, event = _event(body)
    queued = await queue(door, event, Asked(id_), origin="webhook")
    return EventAccepted(id=id_, run_id=queued.run_id)


def _must_be_signed(secret: str, request: Request, body: bytes) -> None:
    if not secret:
        raise Refused(503, "no webhook key is configured: save an SEO Webhook Key block, or set SEO_WEBHOOK_KEY")
    timestamp, signed = request.headers.get(signature.TIME_HEADER), request.headers.get(signature.SIGNATURE_HEADER)
    try:
        signature.verify(secret, timestamp, signed, body)
    except signature.NotSigned as error:
        raise Refused(401, str(error), headers={"WWW-Authenticate": "Signature"}) from None


def _event(body: bytes) -> tuple[str, RequestEvent]:
    """The event's id and the event."""
    try:
        envelope = Envelope.model_validate(json.loads(body))
        return _canonical(envelope.id), read_request(envelope.name, envelope.data)
    except ValidationError as error:
        fields = problems(error)
    except UnknownEvent as error:
        fields = {"name": str(error)}
    except BadEvent as error:
        fields = {_in_data(field): problem for field, problem in error.fields.items()}
    except (ValueError, RecursionError):
        fields = {"body": "not JSON"}
    raise Refused(422, "not an event that asks for work: see fields", fields=fields)


def _in_data(field: str) -> str:
    path = field.removeprefix("payload").removeprefix(".")
    return f"data.{path}" if path else "data"


def _canonical(id_: str) -> str:
    """A UUID as Prefect writes it: the same event may also be emitted there."""
    try:
        return str(UUID(id_))
    except ValueError:
        return id_
