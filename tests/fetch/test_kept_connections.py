"""What becomes of a page where a connection that was kept open ends, or brings more than was asked for."""

import asyncio
import itertools
import time

import pytest
from aiohttp.client_proto import ResponseHandler

from tasks.fetch.fetcher import Fetcher
from tasks.fetch.politeness import HostGate
from tasks.model import FetchOptions, Reason
from tests.memory_ledger import MemoryLedger

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


PAGE = "<!doctype html><title>Grüße aus Köln</title><p>Ä Ö Ü</p>"


def counted_in_characters(*, status="200 OK"):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(PAGE)}\r\nContent-Type: text/html\r\n\r\n".encode()


def in_pieces(*pieces):
    async def reply(_, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)

    return reply


@pytest.mark.parametrize("size", [1, 7, 60, 91, 92, 93, 94, 200])
async def test_surplus_bytes_are_dropped_with_the_connection(serve, size):
    head, body = counted_in_characters(), PAGE.encode()
    sent = head + body
    server = await serve(in_pieces(*(sent[at : at + size] for at in range(0, len(sent), size))), keep=True)
    (answer,) = await fetched(server, "/")
    assert (answer.status, answer.body) == (200, body[: len(PAGE)])


async def test_no_byte_of_the_surplus_is_taken_for_the_next_answer(serve):
    head, body = counted_in_characters(), PAGE.encode()
    server = await serve(head + body, keep=True)
    answers = await fetched(server, *(f"/{n}" for n in range(5)))
    assert [(answer.status, len(answer.body)) for answer in answers] == [(200, len(PAGE))] * 5
    assert server.accepted == 5


@pytest.mark.parametrize("surplus", [OK.replace(b"hi", b"no"), b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"x", b"\r\n"])
async def test_what_comes_unasked_over_a_kept_connection_answers_nothing(serve, surplus):
    server = await serve(in_pieces(OK, surplus), keep=True)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        for path in ("/a", "/b"):
            answer = await fetcher.fetch(server.url(path))
            assert (answer.status, answer.body) == (200, b"hi")
            await asyncio.sleep(0.06)
    assert server.accepted == 2


async def test_surplus_that_comes_after_the_next_request_has_that_sent_again(serve):
    server = await serve(in_turn(OK, b"-1 surplus"), keep=True)
    answers = await fetched(server, "/a", "/b")
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"hi")] * 2
    assert asked(server) == ["/a", "/b", "/b"]


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\nhello",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\nhello",
    ],
)
@pytest.mark.parametrize("keep", [True, False])
async def test_a_body_where_none_belongs(serve, reply, keep):
    server = await serve(reply, keep=keep)
    (answer,) = await fetched(server, "/")
    assert (answer.status // 100, answer.body) == (2, b"")


async def test_a_body_after_the_answer_to_head(serve):
    server = await serve(OK, keep=True)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        answers = [await fetcher.fetch(server.url(), method="HEAD") for _ in range(3)]
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"")] * 3


@pytest.mark.parametrize(
    "lengths",
    [
        "Content-Length: 2\r\ncontent-length:2 \r\n",
        "Content-Length: 2\r\n" * 3,
        "A: content-length\r\nContent-Length: 2\r\n",
    ],
)
async def test_one_length_said_twice(serve, lengths):
    server = await serve(f"HTTP/1.1 200 OK\r\n{lengths}Content-Type: text/plain\r\n\r\nhi".encode(), keep=True)
    (answer,) = await fetched(server, "/")
    assert (answer.status, answer.text) == (200, "hi")


@pytest.mark.parametrize("size", [1, 16, 17, 18, 30, 36, 37, 38, 55, 56, 57])
async def test_one_length_said_twice_in_a_head_that_comes_in_pieces(serve, size):
    sent = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi"
    server = await serve(in_pieces(*(sent[at : at + size] for at in range(0, len(sent), size))), keep=True)
    answers = await fetched(server, "/a", "/b")
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"hi")] * 2


async def test_a_head_that_ends_in_the_middle(serve):
    server = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n")
    (answer,) = await fetched(server, "/")
    assert (answer.reason, answer.status) == (Reason.RESET, None)


async def test_a_head_that_comes_slowly_is_no_timeout(serve):
    server = await serve(in_pieces(*(OK[at : at + 4] for at in range(0, len(OK), 4))), keep=True)
    (answer,) = await fetched(server, "/", read_timeout=0.2)
    assert (answer.status, answer.body) == (200, b"hi")


async def test_empty_lines_before_an_answer_are_read_at_once(serve, monkeypatch):
    read = []
    passed_on = ResponseHandler.data_received

    def count(self, data):
        read.append(data)
        passed_on(self, data)

    monkeypatch.setattr(ResponseHandler, "data_received", count)
    server = await serve(b"\r\n" * 100_000 + OK)
    (answer,) = await fetched(server, "/")
    assert (answer.status, answer.body) == (200, b"hi")
    assert len(read) < 100


async def test_headers_that_only_speak_of_the_length(serve):
    server = await serve(b"HTTP/1.1 200 OK\r\nA: content-length\r\nX-Content-Length: 1\r\n\r\nhi")
    (answer,) = await fetched(server, "/")
    assert (answer.status, answer.body) == (200, b"hi")


@pytest.mark.parametrize(
    "lengths", ["Content-Length: 2\r\nContent-Length: 3\r\n", "Content-Length: 2\r\n" * 2 + "Content-Length: 1\r\n"]
)
async def test_two_lengths(serve, lengths):
    server = await serve(f"HTTP/1.1 200 OK\r\n{lengths}\r\nhi".encode(), keep=True)
    (answer,) = await fetched(server, "/")
    assert answer.reason is Reason.BAD_RESPONSE
