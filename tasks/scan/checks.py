"""Checks of what pages point at and the crawl does not fetch: each target once a run, HEAD first, GET where needed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.fetch.fetcher import Fetcher
from tasks.model import Answer, FetchFailure, Reason, Response
from tasks.scan.stop import StopWatch
from tasks.store import TargetFact, TargetKind
from tasks.urls import host_port

SECOND_LOOK = 30.0
"""Seconds between two looks at a target that could not be reached (rules.md, contract 9)."""

ERRORS = 400
TOO_MANY_REQUESTS = 429
GLANCE = 1024
"""Bytes of a body that are read where GET is asked: the rest says nothing of the answer."""

UNREACHED = frozenset(
    {
        Reason.DNS,
        Reason.CONNECT_REFUSED,
        Reason.CONNECT_TIMEOUT,
        Reason.RESET,
        Reason.READ_TIMEOUT,
        Reason.HOST_DOWN,
    }
)
AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """One target to look at."""

    url: str
    kind: TargetKind


async def check(
    targets: Sequence[Asked],
    fetcher: Fetcher,
    *,
    stop: StopWatch,
    done: Callable[[list[TargetFact]], Awaitable[None]],
    waits: Callable[[int], None],
) -> None:
    """Looks at every target, at those that could not be reached twice, then by GET: some servers hang on HEAD.

    ``done`` takes results as they come, ``waits`` how many wait for a second look. Nothing is begun once it is time to
    ``stop``, and what is under way is given up soon.
    """
    unreached = await _look(targets, fetcher, stop=stop, done=done, last=False)
    if unreached:
        waits(len(unreached))
        await stop.sleep(min(SECOND_LOOK, stop.left))
        await _look(unreached, fetcher, stop=stop, done=done, last=True)


async def _look(
    targets: Sequence[Asked],
    fetcher: Fetcher,
    *,
    stop: StopWatch,
    done: Callable[[list[TargetFact]], Awaitable[None]],
    last: bool,
) -> list[Asked]:
    """Looks once; returns those to look at again."""
    waiting = iter(_by_host(targets))
    unknown_hosts: set[str] = set()
    again: list[Asked] = []

    async def work() -> None:
        for target in waiting:
            if stop.is_over:
                return
            host = host_port(target.url)
            answer: Answer | None = FetchFailure(url=target.url, reason=Reason.DNS, tries=0)
            if host not in unknown_hosts:
                answer = await stop.in_time((_glance if last else _ask)(target.url, fetcher))
            if answer is None:
                return
            unreached = isinstance(answer, FetchFailure) and answer.reason in UNREACHED
            if isinstance(answer, FetchFailure) and answer.reason is Reason.DNS:
                unknown_hosts.add(host)
            if unreached and not last:
                again.append(target)
            else:
                await done([_result(target, answer, tries=2 if last else 1)])

    async with asyncio.TaskGroup() as group:
        for _ in range(min(AT_ONCE, len(targets))):
            group.create_task(work())
    return again


def _by_host(targets: Iterable[Asked]) -> Iterable[Asked]:
    """Hosts in turn, so that one slow host does not hold all workers."""
    queues: dict[str, list[Asked]] = {}
    for target in targets:
        queues.setdefault(host_port(target.url), []).append(target)
    while queues:
        for host in list(queues):
            yield queues[host].pop()
            if not queues[host]:
                del queues[host]


async def _ask(url: str, fetcher: Fetcher) -> Answer:
    answer = await fetcher.fetch(url, method="HEAD")
    return await _glance(url, fetcher) if _is_doubtful(answer) else answer


def _is_doubtful(answer: Answer) -> bool:
    """True for what HEAD gets from servers that answer GET otherwise: any error but the wish for fewer requests."""
    if isinstance(answer, FetchFailure):
        return answer.reason in {Reason.BAD_RESPONSE, Reason.RESET}
    return answer.status >= ERRORS and answer.status != TOO_MANY_REQUESTS


async def _glance(url: str, fetcher: Fetcher) -> Answer:
    return await fetcher.fetch(url, first=GLANCE)


def _wrong_type(target: Asked, answer: Response) -> Reason | None:
    """An image address that answers with a document shows nothing."""
    shows_nothing = target.kind == "image" and answer.status == 200 and answer.mime.startswith("text/")  # noqa: PLR2004
    return Reason.NOT_IMAGE if shows_nothing else None


def _result(target: Asked, answer: Answer, *, tries: int) -> TargetFact:
    return TargetFact(
        url=target.url,
        kind=target.kind,
        status=answer.status if isinstance(answer, Response) else None,
        reason=answer.reason if isinstance(answer, FetchFailure) else _wrong_type(target, answer),
        location=answer.url if answer.hops else None,
        tries=tries,
        checked_at=datetime.now(UTC),
    )
