"""Signing of Pusher channels: the caller's own only."""

from dataclasses import replace

import httpx
import pusher
import pytest

from blocks import PusherChannel
from deployments.api.app import create_app
from deployments.api.serving import _signer
from tasks.urls import page_id

PAGE = page_id("tea", "https://tea.example/")


def subscription(channel, socket_id="123.456"):
    return {"socket_id": socket_id, "channel_name": channel}


@pytest.mark.parametrize("channel", ["private-user-ann", "private-project-tea", f"private-page-{PAGE}"])
async def test_own_channels_are_signed(ann, store, channel):
    store.register_page("tea", "https://tea.example/")
    for form in ("data", "json"):
        answer = await ann("POST", "/pusher/auth", **{form: subscription(channel)})
        assert (answer.status_code, answer.json()) == (200, {"auth": f"key:{channel}:123.456"})


@pytest.mark.parametrize(
    "channel",
    [
        "private-user-bob",
        "private-user-ann,private-user-bob",
        "private-user-Ann",
        "private-project-coffee",
        "user-ann",
        "presence-user-ann",
        "private-encrypted-user-ann",
        "private-",
        "private-run-r1",
    ],
)
async def test_other_channels_are_not(ann, channel):
    assert (await ann("POST", "/pusher/auth", data=subscription(channel))).status_code == 403


async def test_the_page_of_someone_elses_project_is_not(ann, store):
    of_bob = store.register_page("coffee", "https://tea.example/")
    assert (await ann("POST", "/pusher/auth", data=subscription(f"private-page-{of_bob}"))).status_code == 403
    assert (await ann("POST", "/pusher/auth", data=subscription("private-page-none"))).status_code == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (subscription("private-user-ann", "1.2:private-user-bob"), "socket_id"),
        (subscription("private-user-ann", "1"), "socket_id"),
        (subscription("private-user-ann", "1.2\n"), "socket_id"),
        (subscription("private-user-ann", "١.٢"), "socket_id"),
        (subscription("private-user-ann\n"), "channel_name"),
        (subscription("private-user-" + "a" * 160), "channel_name"),
        (subscription("private-user-ann#"), "channel_name"),
        ({"socket_id": "1.2"}, "channel_name"),
        ({**subscription("private-user-ann"), "user_data": "{}"}, "user_data"),
    ],
)
async def test_a_malformed_subscription_is_told_by_field(ann, given, field):
    for form in ("data", "json"):
        answer = await ann("POST", "/pusher/auth", **{form: given})
        assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])


@pytest.mark.parametrize("body", [b"\xff=\xff", b"&".join([b"a=b"] * 20), b""])
async def test_a_body_that_is_no_form(ann, body):
    assert (await ann("POST", "/pusher/auth", content=body)).status_code == 422


async def test_without_pusher_nothing_is_signed(door, store):
    transport = httpx.ASGITransport(create_app(replace(door, sign=None)))
    headers = {"Authorization": f"Bearer {store.api_keys.add('ann').token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        assert (await client.post("/pusher/auth", data=subscription("private-user-ann"))).status_code == 503


def test_the_signature_is_that_of_pushers_own_library():
    sign = _signer(PusherChannel(app_id="1", key="key", secret="secret"))
    expected = pusher.Pusher(app_id="1", key="key", secret="secret").authenticate("private-user-ann", "1.2")
    assert sign("private-user-ann", "1.2") == expected["auth"]
    assert _signer(PusherChannel()) is None
