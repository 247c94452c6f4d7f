"""What becomes of a page where a connection that was kept open ends, or brings more than was asked for."""

import asyncio
import itertools
import time

from tasks.fetch.fetcher import Fetcher
from tasks.fetch.ledger import MemoryLedger
from tasks.fetch.politeness import HostGate
from tasks.model import FetchOptions, Reason

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nhi"


def in_turn(*replies, then=None):
    """Sends the replies over each connection, one a request; then closes it, after ``then`` where that is given."""
    connections = {}

    async def reply(_, writer):
        sent = connections[writer] = connections.get(writer, 0) + 1
        if sent > len(replies):
            writer.write(then or b"")
            raise EOFError
        writer.write(replies[sent - 1])

    return reply


async def fetched(server, *paths, gate=None, **options):
    async with Fetcher(FetchOptions(allow=[server.allow], **options), gate) as fetcher:
        return [await fetcher.fetch(server.url(path)) for path in paths]


def asked(server):
    return [head.split()[1].decode() for head in server.heads]


async def test_a_request_on_a_connection_that_ends_is_sent_again(serve):
    server = await serve(in_turn(OK), keep=True)
    answers = await fetched(server, "/a", "/b", "/c")
    assert [(answer.status, answer.tries) for answer in answers] == [(200, 1)] * 3
    assert asked(server) == ["/a", "/b", "/b", "/c", "/c"]
    assert server.accepted == 3


async def test_it_is_sent_again_once(serve):
    answered = []

    async def reply(_, writer):
        if answered:
            raise EOFError
        answered.append(writer)
        writer.write(OK)

    server = await serve(reply, keep=True)
    _, second = await fetched(server, "/a", "/b")
    assert (second.reason, second.detail) == (
        Reason.RESET,
        f"{server.allow}: connection closed without an answer",
    )
    assert asked(server) == ["/a", "/b", "/b"]


async def test_it_is_not_sent_again_where_an_answer_had_begun(serve):
    server = await serve(in_turn(OK, then=b"HTTP/1.1 200 OK\r\nX-Ha"), keep=True)
    _, second = await fetched(server, "/a", "/b")
    assert second.reason is Reason.RESET
    assert asked(server) == ["/a", "/b"]


async def test_it_is_sent_again_over_a_fresh_connection_not_another_kept_one(serve):
    server = await serve(in_turn(OK), keep=True)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        await asyncio.gather(*(fetcher.fetch(server.url("/a")) for _ in range(3)))
        kept = server.accepted
        assert (await fetcher.fetch(server.url("/b"))).status == 200
    assert kept > 1
    assert asked(server)[3:] == ["/b", "/b"]
    assert server.accepted == kept + 1


async def test_it_waits_for_its_turn_and_is_no_failure_of_the_host(serve):
    at = []
    send = in_turn(OK)

    async def reply(reader, writer):
        at.append(time.monotonic())
        await send(reader, writer)

    server = await serve(reply, keep=True)
    gate = HostGate(MemoryLedger(), "one", FetchOptions(rate=10))
    failures = []

    async def failed(*failure):
        failures.append(failure)

    gate.failed = failed
    answers = await fetched(server, "/a", "/b", gate=gate, deadline=0.1)
    await gate.close()
    assert [answer.status for answer in answers] == [200, 200]
    assert failures == []
    assert len(at) == 3
    assert min(later - earlier for earlier, later in itertools.pairwise(at)) > 0.085
