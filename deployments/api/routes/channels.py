"""Subscribing to live messages: signs what a Pusher client shows its server."""

import asyncio
import json
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from pydantic import Field, ValidationError

from deployments.api.door import Door, TheDoor, User
from deployments.api.models import ChannelAuth, Given
from deployments.api.problems import Refused, documented
from tasks.events import problems
from tasks.notify.channels import MAX_CHANNEL_LENGTH, ChannelNames

router = APIRouter(tags=["notifications"])


class Subscription(Given):
    """What a Pusher client sends."""

    socket_id: Annotated[str, Field(max_length=64, pattern=r"^[0-9]+\.[0-9]+$", examples=["123.456"])]
    channel_name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_CHANNEL_LENGTH,
            pattern=r"^[A-Za-z0-9_=@,.;-]+$",
            examples=["private-user-local"],
        ),
    ]


_FORM = "application/x-www-form-urlencoded"
_BODY = {
    "required": True,
    "content": {kind: {"schema": Subscription.model_json_schema()} for kind in (_FORM, "application/json")},
}


@router.post(
    "/pusher/auth",
    responses=documented(401, 403, 404, 408, 413, 422, 503),
    openapi_extra={"requestBody": _BODY},
)
async def sign_subscription(request: Request, door: TheDoor, user: User) -> ChannelAuth:
    """Sign the caller's own channel: of the user, of a page or of a project that the user owns."""
    wanted = _subscription(request.headers.get("content-type", ""), await request.body())
    await _must_be_own(door, user, wanted.channel_name)
    if door.sign is None:
        raise Refused(503, "no Pusher channel is configured: save an SEO Pusher Channel block, or set PUSHER_KEY")
    return ChannelAuth(auth=door.sign(wanted.channel_name, wanted.socket_id))


def _subscription(content_type: str, body: bytes) -> Subscription:
    """Pusher's own clients send a form."""
    try:
        if content_type.partition(";")[0].strip().lower() == "application/json":
            given: Any = json.loads(body)
        else:
            given = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10))
        return Subscription.model_validate(given)
    except ValidationError as error:
        fields = problems(error)
    except (ValueError, RecursionError):
        fields = {"body": "neither a form nor JSON"}
    raise Refused(422, "not a subscription of Pusher's protocol: see fields", fields=fields)


async def _must_be_own(door: Door, user: str, channel: str) -> None:
    found = ChannelNames().whose(channel)
    if found is None:
        raise Refused(403, "only private-user-…, private-page-… and private-project-… channels are signed")
    kind, id_ = found
    if kind == "user":
        if id_ != user:
            raise Refused(403, f"channel {channel} is someone else's")
        return
    project_id = id_
    if kind == "page":
        page = await asyncio.to_thread(door.store.known_page, id_)
        if page is None:
            raise Refused(404, f"no page {id_}")
        project_id = page.project_id
    await door.must_own(user, project_id)
