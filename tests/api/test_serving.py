"""What `seo api` tells before it serves, and where it cannot."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from deployments.api.prefect_queue import PrefectQueue
from deployments.api.serving import _listening, _opening
from flows.dispatch import QueueUnavailable
from tasks.errors import InputError
from tasks.events import NotificationRequested


def test_a_door_for_oneself_needs_no_warning(door, store):
    store.api_keys.add("ann")
    assert list(_opening(door, "127.0.0.1", 8000, local=True)) == [
        f"listening on http://127.0.0.1:8000; results are in {store.path}"
    ]


def test_what_is_missing_is_told(door, store):
    store.api_keys.revoke(store.api_keys.add("ann").key_id)
    lines = list(_opening(replace(door, webhook_secret=SecretStr("")), "::", 80, local=False))
    assert [line.partition(":")[0] for line in lines] == [
        "listening on http",
        "warning",
        "nobody has a key yet",
        "webhooks are refused",
    ]
    assert lines[0].startswith("listening on http://[::]:80;")
    assert f"--data {store.path}" in lines[2]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken(host):
    with _listening(host, 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(InputError, match=rf":{port}: Address already in use"), _listening(host, port):
            pass


def test_an_address_that_is_not_ours():
    with pytest.raises(InputError, match=r"cannot listen on 192\.0\.2\.1:0: "), _listening("192.0.2.1", 0):
        pass


async def test_where_nobody_listens_nothing_is_claimed(store, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with _listening("127.0.0.1", 0) as listening:
        client = SimpleNamespace(api_url=f"http://127.0.0.1:{listening.getsockname()[1]}/api")
        assert await PrefectQueue(client, store)._listens()
    queue = PrefectQueue(client, store)
    assert not await queue.answers()
    assert await queue.how_ended("01a209e0-9dc9-73f3-8603-416b83bcdf7c") is None
    event = NotificationRequested(user_id="ann", title="t", message="m")
    with pytest.raises(QueueUnavailable):
        await queue(event, request_id="r1", origin="api", project_id=None)
    assert store.requests.get("r1") is None
