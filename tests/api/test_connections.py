"""Connections that ask for nothing, before a real server on loopback."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager, suppress

import pytest

from deployments.api import connections
from deployments.api.serving import _listening, _server

ASKED = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HALF = ASKED[:-2]


@pytest.fixture
def server(door):
    return _server(door)


@pytest.fixture
async def connect(server):
    """Opens connections to the door; all are closed at the end."""
    with _listening("127.0.0.1", 0) as listening:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        writers = []

        async def connect(sent=b""):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            writers.append(writer)
            writer.write(sent)
            return reader, writer

        yield connect
        for writer in writers:
            writer.close()
        server.should_exit = True
        await serving


@asynccontextmanager
async def soon():
    async with asyncio.timeout(5):
        yield


async def answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return head.split()[1]


async def test_a_head_that_does_not_come_ends_the_connection(connect, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    began = time.monotonic()
    halves = [await connect(sent) for sent in (b"", b"G", HALF)]
    slow, dripping = await connect(HALF)

    async def drip():
        while not dripping.is_closing():
            dripping.write(b"X-A: b\r\n")
            await asyncio.sleep(0.05)

    dripped = asyncio.create_task(drip())
    async with soon():
        for reader, _ in (*halves, (slow, dripping)):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readuntil(b"\r\n\r\n")
    assert time.monotonic() - began >= 0.5
    dripped.cancel()


async def test_so_does_one_after_an_answer(connect, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    reader, writer = await connect(ASKED)
    async with soon():
        assert await answer(reader) == b"200"
        writer.write(ASKED)
        assert await answer(reader) == b"200"
        writer.write(HALF)
        assert await reader.read() == b""


async def test_a_request_that_takes_longer_is_answered(connect, door, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)

    async def slowly():
        await asyncio.sleep(0.6)
        return True

    object.__setattr__(door, "prefect_answers", slowly)
    reader, _ = await connect(ASKED)
    async with soon():
        assert await answer(reader) == b"200"


async def test_where_all_places_are_taken_the_idlest_makes_room(connect, monkeypatch):
    monkeypatch.setattr(connections, "MOST", 4)
    idle = [await connect(HALF) for _ in range(4)]
    async with soon():
        for n in range(3):
            reader, _ = await connect(ASKED)
            assert await answer(reader) == b"200"
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await idle[n][0].readexactly(1)
        idle[3][1].write(b"\r\n")
        assert await answer(idle[3][0]) == b"200"


ASKED_OFTEN = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 200
"""Its answers fit into no buffers."""


@pytest.fixture
async def connect_deaf(connect):
    """Opens connections that read nothing by themselves."""
    loop, opened = asyncio.get_running_loop(), []
    _, writer = await connect()

    async def connect_deaf():
        one = socket.socket()
        opened.append(one)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        one.setblocking(False)  # noqa: FBT003 - as the standard library has it
        await loop.sock_connect(one, writer.get_extra_info("peername"))
        await loop.sock_sendall(one, ASKED_OFTEN)
        return one

    yield connect_deaf
    for one in opened:
        one.close()


async def answers(one, pause=0.0):
    """How many there were when the connection had ended."""
    loop, got = asyncio.get_running_loop(), b""
    with suppress(ConnectionError):
        while more := await loop.sock_recv(one, 65536):
            got += more
            await asyncio.sleep(pause)
    return got.count(b"HTTP/1.1 200")


async def test_an_answer_that_is_not_taken_ends_the_connection(connect_deaf, server, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    one = await connect_deaf()
    async with asyncio.timeout(30):
        while server.server_state.connections:  # noqa: ASYNC110 - a set that the server keeps
            await asyncio.sleep(0.05)
        assert 0 < await answers(one) < 200


async def test_one_that_is_taken_slowly_does_not(connect_deaf, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 2.0)
    one = await connect_deaf()
    began = time.monotonic()
    async with asyncio.timeout(60):
        assert await answers(one, 0.008) == 200
    assert time.monotonic() - began > 2.0


async def test_those_that_take_no_answer_make_room(connect, connect_deaf, monkeypatch):
    monkeypatch.setattr(connections, "MOST", 4)
    for _ in range(4):
        await connect_deaf()
    answered = 0
    async with asyncio.timeout(30):
        while answered < 4:
            await asyncio.sleep(0.2)
            reader, _ = await connect(ASKED)
            with suppress(asyncio.IncompleteReadError, ConnectionError):  # the answers do not fill all buffers yet
                answered += await answer(reader) == b"200"


def test_half_of_the_files_are_for_work(monkeypatch):
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (128, 128))
    assert (connections.most_connections(), connections.most_queued()) == (64, 32)
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (1_048_576, 1_048_576))
    assert (connections.most_connections(), connections.most_queued()) == (1000, 256)
