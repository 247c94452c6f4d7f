"""Two hosts on loopback that answer as told, and remember what they were asked."""

import asyncio
import gzip
import random
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from tests.generated.draft import ELSEWHERE, ORIGIN
from tests.generated.reply import Answers, Reply, not_found

HOSTS = ("127.0.0.1", "127.0.0.2")
PIECES_A_SECOND = 4
RESET = 0
"""Logged instead of a status where the connection was cut."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``time`` is when it had arrived, seconds of time.monotonic(); ``host`` is host:port."""

    time: float
    host: str
    method: str
    path: str
    status: int


@dataclass
class Served:
    """Hosts while they are up. ``origin`` and ``elsewhere`` have no slash at their end."""

    origin: str
    elsewhere: str
    log: list[Request] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    """Paths whose first request failed on purpose."""

    @property
    def host_port(self) -> str:
        return self.origin.removeprefix("http://")

    @property
    def elsewhere_host_port(self) -> str:
        return self.elsewhere.removeprefix("http://")

    def requests(self, host_port: str = "") -> list[Request]:
        """Those that went to one host, the site's own unless told."""
        return [request for request in self.log if request.host == (host_port or self.host_port)]

    def repeated(self) -> dict[str, list[int]]:
        """Paths of the site fetched again though no earlier answer called for it, each with all its statuses.

        A cut connection and a transient status call for another fetch.
        """
        answers: dict[tuple[str, str], list[int]] = {}
        for request in self.requests():
            answers.setdefault((request.method, request.path), []).append(request.status)
        return {
            path: statuses
            for (_, path), statuses in answers.items()
            if any(status not in _TRANSIENT for status in statuses[:-1])
        }


_TRANSIENT = frozenset({RESET, 408, 425, 429, 500, 502, 503, 504})


@contextmanager
def serve(
    site: Answers,
    elsewhere: Answers = not_found,
    *,
    fail_first: float = 0,
    fail: Collection[str] = (),
    drip: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Iterator[Served]:
    """Serves ``site`` and ``elsewhere``, each from a host and port of its own, while the body runs.

    Args:
        site: answers of the site.
        elsewhere: answers of the other host.
        fail_first: share of the site's paths whose first request fails, by a 503 or a cut connection.
        fail: paths that belong to them in any case.
        drip: seconds over which the body of a path is sent.
        seed: of what fails and how.
    """
    started: list[Served] = []
    loop = asyncio.new_event_loop()
    hosts = _Hosts((site, elsewhere), _Faults(fail_first, frozenset(fail), seed), drip or {})
    ready, stop = threading.Event(), asyncio.Event()

    async def run() -> None:
        servers = [await asyncio.start_server(hosts.handler(number), host, 0) for number, host in enumerate(HOSTS)]
        origins = ["http://{}:{}".format(*server.sockets[0].getsockname()[:2]) for server in servers]
        hosts.served = Served(*origins)
        started.append(hosts.served)
        ready.set()
        await stop.wait()
        for server in servers:
            server.close()
        for task in hosts.tasks:
            task.cancel()
        await asyncio.gather(*hosts.tasks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


class _Faults:
    def __init__(self, share: float, always: frozenset[str], seed: int) -> None:
        self._share, self._always, self._seed = share, always, seed
        self._seen: set[str] = set()

    def first(self, path: str) -> int | None:
        """Status of a failure on purpose; None where ``path`` is answered."""
        if path in self._seen:
            return None
        self._seen.add(path)
        chance = random.Random(f"{self._seed} {path}")
        if path not in self._always and chance.random() >= self._share:
            return None
        return chance.choice((HTTPStatus.SERVICE_UNAVAILABLE, RESET))


class _Hosts:
    def __init__(self, answers: tuple[Answers, Answers], faults: _Faults, drip: Mapping[str, float]) -> None:
        self._answers, self._faults, self._drip = answers, faults, drip
        self.served = Served("", "")
        self.tasks: set[asyncio.Task[None]] = set()

    def handler(self, number: int):
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self.tasks.add(task)
            try:
                with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    while await self._answer(number, reader, writer):
                        pass
            finally:
                self.tasks.discard(task)
                writer.close()

        return connected

    async def _answer(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers one request; False where the connection is over."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        arrived = time.monotonic()
        origin = (self.served.origin, self.served.elsewhere)[number]
        fault = self._faults.first(path) if number == 0 else None
        reply = self._answers[number](path) if fault is None else Reply(fault)
        status = (reply.head_status or reply.status) if method == "HEAD" else reply.status
        self.served.log.append(Request(arrived, origin.removeprefix("http://"), method, path, status))
        if fault is not None:
            self.served.failed.add(path)
        if status == RESET:
            writer.transport.abort()
            return False
        await asyncio.sleep(reply.delay)
        body = self._in_place(reply.body, reply)
        writer.write(self._head(status, reply, len(body)))
        if method != "HEAD":
            await self._send(body, self._drip.get(path, 0) if number == 0 else 0, writer)
        await writer.drain()
        return "connection: close" not in head.lower()

    def _head(self, status: int, reply: Reply, length: int) -> bytes:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Type: {reply.content_type}"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        lines += [f"Content-Length: {length}", "", ""]
        return self._with_hosts("\r\n".join(lines).encode())

    def _in_place(self, body: bytes, reply: Reply) -> bytes:
        body = self._with_hosts(body)
        return gzip.compress(body, 1, mtime=0) if reply.gzip else body

    def _with_hosts(self, text: bytes) -> bytes:
        return text.replace(ORIGIN.encode(), self.served.origin.encode()).replace(
            ELSEWHERE.encode(), self.served.elsewhere.encode()
        )

    async def _send(self, body: bytes, seconds: float, writer: asyncio.StreamWriter) -> None:
        pieces = max(1, int(seconds * PIECES_A_SECOND))
        size = -(-len(body) // pieces)
        for start in range(0, len(body), max(size, 1)):
            if seconds:
                await asyncio.sleep(1 / PIECES_A_SECOND)
            writer.write(body[start : start + size])
