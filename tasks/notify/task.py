"""The room's Prefect tasks, and what flows need around them."""

import asyncio
import inspect
import os
import platform
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from prefect import get_run_logger, task
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from blocks import PusherChannel, ResultStore
from tasks.errors import SeoScanError
from tasks.events import NotificationRequested
from tasks.logs import step
from tasks.notify.channels import ChannelNames
from tasks.notify.messages import Letter
from tasks.notify.pusher_client import PusherClient
from tasks.notify.sender import LEASE_SECONDS, Sender, Sent, Ways
from tasks.notify.telling import notify
from tasks.store import PendingRequest, Store

POST_SECONDS = 30.0

HandOn = Callable[[PendingRequest], Awaitable[None]]
Tell = Callable[[str], None]


class BlockUnusable(SeoScanError):
    """A further channel's block is not there, or cannot notify."""


async def load_channel(tell: Tell) -> PusherChannel:
    """The channel as saved and set by variables; unset, and ``tell`` hears why, where those are of no use.

    Telling people is never worth a failed scan.
    """
    try:
        return await PusherChannel.named()
    except ValueError as error:
        tell(f"nothing is pushed: {error}")
        return PusherChannel()


async def channel_names() -> ChannelNames:
    """How channels are named, and which blocks are told too."""
    channel = await load_channel(get_run_logger().warning)
    return ChannelNames(public=channel.public_names, extra=tuple(channel.extra))


async def result_folder(data: str | None = None) -> str:
    """``data``, else the folder of the block SEO Result Store."""
    return (await ResultStore.named()).folder_of_run(data)


async def send_pending(
    data: str, hand_on: HandOn | None = None, *, tell: Tell | None = None, lease_s: float = LEASE_SECONDS
) -> Sent:
    """Hands on what waits in the outbox: pushes, and by ``hand_on`` requests.

    Args:
        data: data folder.
        hand_on: as in ``Ways``; without it requests are left alone.
        tell: hears of what is not as it should be; the run's log where absent.
        lease_s: as in ``Sender``.
    """
    tell = tell or get_run_logger().warning
    async with _ways(hand_on, tell) as ways:
        if ways.pusher is None and ways.post is None and ways.hand_on is None:
            return Sent()
        store = await asyncio.to_thread(Store.open, data)
        try:
            return await Sender(store, ways, holder=_holder_name(), tell=tell, lease_s=lease_s).run()
        finally:
            await asyncio.to_thread(store.close)


@asynccontextmanager
async def _ways(hand_on: HandOn | None, tell: Tell) -> AsyncIterator[Ways]:
    channel = await load_channel(tell)
    post = post_by_block if channel.extra else None
    if channel.missing:
        if len(channel.missing) < len(PusherChannel().missing):
            tell(f"nothing is pushed: the Pusher channel lacks {', '.join(channel.missing)}")
        yield Ways(post=post, hand_on=hand_on, public_url=channel.public_url)
        return
    async with PusherClient(channel.get_client) as pusher:
        yield Ways(pusher=pusher, post=post, hand_on=hand_on, public_url=channel.public_url)


async def post_by_block(letter: Letter) -> None:
    """Gives a notification to the Prefect block it is for.

    Raises:
        BlockUnusable: there is no such block, or it does not notify.
        Exception: whatever the block raises.
    """
    try:
        block: object = await Block.aload(letter.block)
    except (ValueError, RuntimeError) as error:
        raise BlockUnusable(f"block {letter.block} cannot be loaded: {type(error).__name__}") from error
    if not isinstance(block, NotificationBlock):
        raise BlockUnusable(f"block {letter.block} is none of Prefect's notification blocks")
    async with asyncio.timeout(POST_SECONDS):
        with block.raise_on_failure():
            notified = block.notify(body=letter.body, subject=letter.subject)
            if inspect.isawaitable(notified):
                await notified


@task(name="save-notification", retries=3, retry_delay_seconds=exponential_backoff(2), cache_policy=NO_CACHE)
async def save_notification(event: NotificationRequested, *, key: str, run_id: str, data: str) -> int:
    """Keeps the notification and what is to be pushed, once for ``key``; returns its id.

    ``run_id`` may be of the telling alone, minted when that was asked for: then the notification is about no run.
    """
    with step(get_run_logger(), "save-notification", user=event.user_id, run=run_id) as saving:
        naming = await channel_names()

        def save() -> int:
            with Store.open(data) as store:
                known = store.has_run(run_id) or store.requests.work_of(run_id) is not None
                return notify(store, event, key=key, run_id=run_id if known else "", naming=naming).id

        saved = await asyncio.to_thread(save)
        saving.result = f"notification {saved}"
    return saved


@task(name="push-notification", retries=3, retry_delay_seconds=exponential_backoff(2), cache_policy=NO_CACHE)
async def push_notification(data: str) -> None:
    """Pushes what waits, this notification among it; what cannot be pushed now stays in the outbox."""
    with step(get_run_logger(), "push-notification") as pushing:
        sent = await send_pending(data)
        pushing.result = f"{sent.delivered} sent, {sent.postponed} put off, {sent.refused} refused"


def _holder_name() -> str:
    return f"{platform.node()}/{os.getpid()}/{secrets.token_hex(4)}"
