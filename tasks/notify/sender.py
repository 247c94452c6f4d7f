"""The sender: one at a time for a data folder, it hands on what waits in the outbox."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tasks.errors import InputError
from tasks.notify.channels import IN_BLOCKS, is_block
from tasks.notify.deliver import hand_letter, push
from tasks.notify.messages import Letter, channel_of
from tasks.notify.outcomes import Delivered, Outcome, Postponed, Refused, backoff
from tasks.notify.pusher_client import PusherClient
from tasks.store import PendingRequest, Store

PUSHER_LINE = ""
LEASE_SECONDS = 60.0
LOOK_EVERY = 1.0
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a sender did with the entries it found."""

    delivered: int = 0
    postponed: int = 0
    refused: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """By what entries leave; those without a way stay until they expire.

    Attributes:
        pusher: pushes.
        post: gives a notification to a block.
        hand_on: does what a request event asks for. An ``InputError`` refuses the entry for good, anything else
            postpones it.
        public_url: what links in messages begin with.
    """

    pusher: PusherClient | None = None
    post: Callable[[Letter], Awaitable[None]] | None = None
    hand_on: Callable[[PendingRequest], Awaitable[None]] | None = None
    public_url: str = ""


class Sender:
    """Hands on what is due, oldest first.

    Pushes to Pusher leave in the order they were made, as do those to each block: while the first of a line waits for
    its next try, so do the others. Requests are handed on one by one, and pushes go on meanwhile.

    Args:
        store: the data folder.
        ways: by what entries leave.
        holder: name for the lease.
        tell: hears of what is not as it should be, for the log.
        lease_s: how long a sender that died keeps others waiting.
    """

    def __init__(
        self, store: Store, ways: Ways, *, holder: str, tell: Callable[[str], None], lease_s: float = LEASE_SECONDS
    ) -> None:
        self._store = store
        self._ways = ways
        self._holder = holder
        self._tell = tell
        self._lease_s = lease_s
        self._counts: Counter[str] = Counter()

    async def run(self) -> Sent:
        """Returns when nothing is due, or another sender is at work: that one sees what was added before."""
        progress = True
        while progress and await self._lease():
            before, newest = self._counts.total(), await self._newest()
            try:
                await self._expire()
                await self._hand_on_all()
            finally:
                await asyncio.to_thread(self._store.outbox.release, self._holder)
            # who adds something while the lease is ours leaves it to us
            progress = self._counts.total() > before or await self._newest() > newest
        return Sent(**self._counts)

    async def _newest(self) -> int:
        return await asyncio.to_thread(self._store.outbox.newest)

    async def _lease(self) -> bool:
        return await asyncio.to_thread(self._store.outbox.lease, self._holder, self._lease_s)

    async def _expire(self) -> None:
        outbox = self._store.outbox
        if self._ways.pusher is None and self._ways.post is None:  # nobody wanted them: no news
            self._counts["expired"] += await asyncio.to_thread(outbox.expire, pushes_only=True)
        expired = await asyncio.to_thread(outbox.expire)
        if expired:
            self._counts["expired"] += expired
            self._tell(f"{expired:,} outbox entries older than 24 h were not sent")

    async def _hand_on_all(self) -> None:
        await self._push_all()
        if self._ways.hand_on is None:
            return
        requests = await asyncio.to_thread(self._store.outbox.pending, _AT_ONCE, pushes=False)
        for request in requests:
            if not await self._lease():
                return
            await self._beside_pushes(self._hand_on(request))

    async def _beside_pushes(self, work: Awaitable[None]) -> None:
        """Does ``work``, which may take minutes; meanwhile the lease is kept and pushes leave."""
        task = asyncio.ensure_future(work)
        look_every = min(LOOK_EVERY, self._lease_s / 3)
        try:
            while not (await asyncio.wait({task}, timeout=look_every))[0]:
                if await self._lease():
                    await self._push_all()
        except BaseException:
            task.cancel()
            raise
        await task

    async def _hand_on(self, request: PendingRequest) -> None:
        assert self._ways.hand_on is not None  # noqa: S101 - for the type checker
        try:
            await self._ways.hand_on(request)
        except InputError as error:
            await self._settle(request.key, Refused(str(error)))
        except Exception as error:  # noqa: BLE001 - whatever it was, the entry is not lost
            wait = backoff(request.attempts + 1)
            await self._settle(request.key, Postponed(time.time() + wait, f"{type(error).__name__}: {error}"))
        else:
            await self._settle(request.key, Delivered())

    async def _push_all(self) -> None:
        """Sends all pushes that are due, line by line, the lines side by side."""
        if self._ways.pusher is None and self._ways.post is None:
            return
        while lines := await self._due():
            await asyncio.gather(*(self._send(line, pushes) for line, pushes in lines.items()))
            if not await self._lease():
                return

    async def _due(self) -> Mapping[str, list[PendingRequest]]:
        """By line, the pushes from its first on that are due; however many of other lines wait before them."""
        lines: defaultdict[str, list[PendingRequest]] = defaultdict(list)
        waiting: set[str] = set()
        last = 0
        while not lines and (pushes := await self._pushes(after=last)):
            self._line_up(pushes, lines, waiting)
            last = pushes[-1].id
        return lines

    async def _pushes(self, after: int) -> list[PendingRequest]:
        """The next ones, due or not; without a way to Pusher those to blocks alone."""
        pending = partial(self._store.outbox.pending, _AT_ONCE, float("inf"), pushes=True, after=after)
        return await asyncio.to_thread(pending, channels_with="" if self._ways.pusher else IN_BLOCKS)

    def _line_up(
        self, pushes: Sequence[PendingRequest], lines: defaultdict[str, list[PendingRequest]], waiting: set[str]
    ) -> None:
        """Adds what is due to ``lines``, and to ``waiting`` those whose first waits for its next try."""
        now = time.time()
        for request in pushes:
            line = channel_of(request) if is_block(channel_of(request)) else PUSHER_LINE
            if line in waiting or (self._ways.pusher if line == PUSHER_LINE else self._ways.post) is None:
                continue
            if request.not_before > now:
                waiting.add(line)
            else:
                lines[line].append(request)

    async def _send(self, line: str, pushes: Sequence[PendingRequest]) -> None:
        if line == PUSHER_LINE:
            assert self._ways.pusher is not None  # noqa: S101 - for the type checker
            await push(pushes, self._ways.pusher, self._settle, self._ways.public_url)
            return
        assert self._ways.post is not None  # noqa: S101 - for the type checker
        for request in pushes:
            outcome = await hand_letter(request, self._ways.post, self._ways.public_url)
            await self._settle(request.key, outcome)
            if isinstance(outcome, Postponed):
                return

    async def _settle(self, key: str, outcome: Outcome) -> None:
        outbox = self._store.outbox
        match outcome:
            case Delivered():
                await asyncio.to_thread(outbox.delivered, key)
                self._counts["delivered"] += 1
            case Postponed(not_before, why):
                await asyncio.to_thread(outbox.postpone, key, not_before, why)
                self._counts["postponed"] += 1
                self._tell(f"{key} waits {max(not_before - time.time(), 0):.0f} s for its next try: {why}")
            case Refused(why):
                await asyncio.to_thread(outbox.refuse, key, why)
                self._counts["refused"] += 1
                self._tell(f"{key} cannot be sent: {why}")
