"""Per-host limits that hold for a whole data folder, whatever the number of processes.

A gate takes a share of each host from a ledger that all processes see, and spends it without asking again: so many
connections, and departure times from one schedule. Times are seconds since the epoch, which processes have in common.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Protocol, TypeVar

from tasks.fetch.host import Host, spacing_for
from tasks.model import FetchOptions, HostDemand, HostShare
from tasks.urls import host_port

MAX_PAUSE = 600.0
RENEW_SECONDS = 2.0

SHIFT_SECONDS = 0.2
"""How soon connections go over to a newcomer: who has none, too many, or most of a host asks so often."""

_BETWEEN_SECONDS = 0.02

_T = TypeVar("_T")


class HostLedger(Protocol):
    """Who may do what to which host. Hosts are ``host:port``; calls come from threads."""

    def renew(self, holder: str, demands: Sequence[HostDemand], now: float) -> Sequence[HostShare]:
        """Renews the holder's claims, for 30 s, and returns its share of each host, in one transaction.

        A newcomer gets connections that are free. A holder of more than its fair share is granted that share only:
        what it has open beyond stays claimed until it is closed. A claim of 0 connections is given up.
        """

    def pause(self, host: str, until: float) -> None:
        """No process starts a request to ``host`` before ``until``."""

    def leave_alone(self, host: str, until: float) -> None:
        """Every process learns that ``host`` is not to be asked before ``until``; 0 where it does its work again."""

    def release(self, holder: str) -> None:
        """Gives back all that ``holder`` has."""


class HostGate:
    """Lets requests of one process start when their host's turn comes.

    Args:
        ledger: shared with the other processes of the data folder.
        holder: name of this gate in the ledger.
        options: limits to ask for.
    """

    def __init__(self, ledger: HostLedger, holder: str, options: FetchOptions) -> None:
        self._ledger = ledger
        self._holder = holder
        self._options = options
        self._hosts: dict[str, Host] = {}
        self._changed = asyncio.Event()
        self._renewed_at = 0.0
        self._answer_takes = 0.02
        self._renewer: asyncio.Task[None] | None = None

    def turn(self, url: str) -> "Turn":
        """A context within which one request to the host of ``url`` may be made; entering it waits.

        Raises:
            FetchError: on entering, where the host failed so often that it is left alone.
        """
        return Turn(self, url)

    async def pause(self, url: str, until: float) -> None:
        """Stops all requests to the host of ``url``, in every process, at most for ten minutes from now."""
        key = host_port(url)
        until = min(until, time.time() + MAX_PAUSE)
        if (host := self._hosts.get(key)) is not None:
            host.pause_until = max(host.pause_until, until)
        await asyncio.to_thread(self._ledger.pause, key, until)

    async def failed(self, url: str, why: str) -> None:
        """Notes that the host of ``url`` did not do its work; after ten such in a row every process leaves it alone."""
        host = self._hosts.get(host_port(url))
        if host is None or not (breaker := host.breaker_of(url)).failed(why, time.time()):
            return
        host.turn_away()
        if breaker is host.breaker:
            await asyncio.to_thread(self._ledger.leave_alone, host.key, breaker.open_until)

    async def answered(self, url: str, seconds: float | None) -> None:
        """Notes that the host of ``url`` did its work, ``seconds`` after the request where that was measured."""
        host = self._hosts.get(host_port(url))
        if host is None:
            return
        if seconds is not None:
            host.slowing.answered(seconds)
        breaker = host.breaker_of(url)
        if breaker.answered() and breaker is host.breaker:
            await asyncio.to_thread(self._ledger.leave_alone, host.key, 0.0)

    async def close(self) -> None:
        """Gives everything back, though it is cancelled meanwhile."""
        await _to_its_end(self._give_back())

    async def _give_back(self) -> None:
        if self._renewer is not None:
            self._renewer.cancel()
            await asyncio.wait({self._renewer})
        self._hosts.clear()
        await asyncio.to_thread(self._ledger.release, self._holder)

    async def enter(self, url: str) -> Host:
        key = host_port(url)
        if (host := self._hosts.get(key)) is None:
            host = self._hosts[key] = Host(key, spacing_for(key, self._options.rate), self._options.concurrency)
        host.refuse(url)
        await self._connection(host)
        try:
            await self._departure(host)
            host.refuse(url)
        except BaseException:
            host.leave()
            raise
        return host

    async def _connection(self, host: Host) -> None:
        if host.in_use < host.granted and not host.waiting:
            host.in_use += 1
            return
        turn = asyncio.get_running_loop().create_future()
        host.waiting.append(turn)
        self._wake()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                host.leave()
            raise

    async def _departure(self, host: Host) -> None:
        """Waits for this request's own departure time; one that was missed is lost."""
        while True:
            now = time.time()
            if now < host.pause_until:
                await asyncio.sleep(host.pause_until - now)
            elif host.spacing == 0:
                return
            elif (departure := host.next_departure(now)) is None:
                turn = asyncio.get_running_loop().create_future()
                host.departing.append(turn)
                self._wake()
                await turn
            elif await _lateness(departure) <= host.late_by and host.pause_until <= departure:
                return

    def _wake(self) -> None:
        self._changed.set()
        if self._renewer is None:
            self._renewer = asyncio.create_task(self._keep_renewing())
            self._renewer.add_done_callback(self._stopped)

    async def _keep_renewing(self) -> None:
        while self._hosts:
            self._changed.clear()
            wait = self._due() - time.time()
            if wait <= 0:
                await self._renew()
                continue
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _stopped(self, task: asyncio.Task[None]) -> None:
        """A ledger that fails is a broken pipeline: everyone who waits learns it."""
        self._renewer = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            for host in self._hosts.values():
                host.fail(error)
        elif self._hosts and not task.cancelled():
            self._wake()

    def _due(self) -> float:
        """When the ledger must be asked next."""
        hosts = self._hosts.values()
        shifting = any(host.shifting(self._options.concurrency) for host in hosts)
        due = self._renewed_at + (min(SHIFT_SECONDS, RENEW_SECONDS) if shifting else RENEW_SECONDS)
        return max(min([due, *(host.due for host in hosts)]), self._renewed_at + _BETWEEN_SECONDS)

    async def _renew(self) -> None:
        now = self._renewed_at = time.time()
        demands = [host.demand(now, self._options) for host in self._hosts.values()]
        # a departure time must not be over when the answer arrives
        asking = asyncio.to_thread(self._ledger.renew, self._holder, demands, now + 2 * self._answer_takes)
        shares = await _to_its_end(asking)  # or it would claim connections once more after they were given back
        self._answer_takes = min(max(time.time() - now, 0.01), 0.5)
        for demand, share in zip(demands, shares, strict=True):
            host = self._hosts[share.host]
            host.take(share, demand.in_use)
            if not demand.connections and host.unused:
                del self._hosts[share.host]


async def _to_its_end(work: Coroutine[Any, Any, _T]) -> _T:
    """What ``work`` returns; where this is cancelled, that waits until it has ended."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def _lateness(departure: float) -> float:
    """Waits until ``departure``; seconds that have passed since."""
    while (early := departure - time.time()) > 0:  # noqa: ASYNC110 - waits for a time; timers may fire early
        await asyncio.sleep(early)
    return -early


class Turn:
    """One request's place in the queue of its host."""

    __slots__ = ("_breaker", "_decides", "_gate", "_host", "_url")

    def __init__(self, gate: HostGate, url: str) -> None:
        self._gate = gate
        self._url = url

    async def __aenter__(self) -> None:
        self._host = await self._gate.enter(self._url)
        self._breaker = self._host.breaker_of(self._url)
        self._decides = self._breaker.begin()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._decides:
            self._breaker.end()
        self._host.leave()
