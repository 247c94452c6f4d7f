"""``seo api``: from the blocks to a listening server."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from blocks import PusherChannel, WebhookKey
from deployments.api.app import create_app
from deployments.api.connections import Connection, most_queued
from deployments.api.door import Door
from deployments.api.prefect_queue import PrefectQueue, prefect_client
from deployments.prefect_api import require_api, saved_folder
from tasks.errors import InputError
from tasks.store import Store
from tasks.urls import is_loopback

Tell = Callable[[str], None]

DRAIN_SECONDS = 10


async def serve(*, host: str, port: int, names: tuple[str, ...], max_waiting: int, tell: Tell) -> None:
    """Serves until SIGINT or SIGTERM; requests under way are answered first.

    Args:
        host: address to listen on.
        port: port to listen on; 0 for any that is free.
        names: host names that requests may carry besides those of loopback.
        max_waiting: requests of one user that may wait to begin.
        tell: takes lines for people.

    Raises:
        PrefectAbsent: no Prefect API answers.
        InputError: nothing can listen there, or a block is missing or unusable.
        StoreError: the data folder cannot be used.
    """
    await require_api()
    folder = await saved_folder()
    key, channel = await _blocks()
    local = is_loopback(_in_url(host))
    with _listening(host, port) as listening, Store.open(folder) as store:
        async with prefect_client() as client:
            queue = PrefectQueue(client, store)
            door = Door(
                store=store,
                start=queue,
                webhook_secret=key.secret,
                sign=_signer(channel),
                max_waiting=max_waiting,
                names=frozenset(name.lower() for name in names) if local or names else None,
                prefect_answers=queue.answers,
                how_ended=queue.how_ended,
            )
            for line in _opening(door, host, listening.getsockname()[1], local=local):
                tell(line)
            await _until_told(door, listening)


async def _blocks() -> tuple[WebhookKey, PusherChannel]:
    try:
        return await WebhookKey.named(), await PusherChannel.named()
    except ValueError as error:
        raise InputError(str(error)) from None


def _signer(channel: PusherChannel) -> Callable[[str, str], str] | None:
    if channel.missing:
        return None
    client = channel.get_client()

    def sign(name: str, socket_id: str) -> str:
        signed: str = client.authenticate(name, socket_id)["auth"]
        return signed

    return sign


def _opening(door: Door, host: str, port: int, *, local: bool) -> Iterator[str]:
    yield f"listening on http://{_in_url(host)}:{port}; results are in {door.store.path}"
    if not local:
        yield (
            f"warning: {host} can be reached by others, and nothing here is encrypted: put a proxy with TLS in front, "
            "or listen on 127.0.0.1"
        )
    if not any(key.revoked_at is None for key in door.store.api_keys.list()):
        yield f"nobody has a key yet: `seo keys add USER --data {door.store.path}`"
    if not door.webhook_secret.get_secret_value():
        yield "webhooks are refused: no SEO Webhook Key block, and no SEO_WEBHOOK_KEY"


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        server = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise InputError(f"cannot listen on {_in_url(host)}:{port}: {_reason(error)}") from None
    with server:
        yield server


def _reason(error: OSError) -> str:
    return str(error.strerror or error).partition(" (while")[0]  # the address follows, which stands in front already


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours: uvicorn would raise the signal again when all is closed."""
        yield


def _server(door: Door) -> _Server:
    config = uvicorn.Config(
        create_app(door),
        http=Connection,
        backlog=most_queued(),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return _Server(config)


async def _until_told(door: Door, listening: socket.socket) -> None:
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    server = _server(door)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.handle_exit, number, None)
    try:
        await server.serve(sockets=[listening])
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
