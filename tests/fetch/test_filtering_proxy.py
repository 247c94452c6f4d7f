"""The proxy that a browser is given: what passes, and that nothing else does."""

import asyncio
import socket

import pytest
from aiohttp.abc import ResolveResult

from tasks.fetch.connection import Resolver
from tasks.fetch.guard import Guard
from tasks.fetch.proxy import FilteringProxy

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nTea"
REFUSED = b"HTTP/1.1 502 Bad Gateway\r\n"


@pytest.fixture
async def resolver():
    found = Resolver()
    yield found
    await found.close()


async def ask(proxy, *pieces):
    """All that comes back for what is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_request_reaches_its_server_without_what_is_the_proxys(serve, resolver):
    server = await serve(PAGE)
    async with FilteringProxy(Guard([server.allow]), resolver, max_bytes=1000) as proxy:
        head = f"GET http://{server.allow}/a?b HTTP/1.1\r\nHost: {server.allow}\r\nProxy-Connection: keep-alive\r\n\r\n"
        assert await ask(proxy, head.encode()) == PAGE
        assert (proxy.refused, proxy.received) == (0, len(PAGE))
    assert server.heads == [f"GET /a?b HTTP/1.1\r\nHost: {server.allow}\r\nConnection: close\r\n\r\n".encode()]


async def test_one_connection_carries_one_request(serve, resolver):
    """What follows would reach the first request's server, whoever it is for."""
    server = await serve(PAGE, keep=True)

    async def answered(reader, writer):
        assert await reader.readexactly(3) == b"abc"
        writer.write(PAGE)
        writer.close()

    posted = await serve(answered)
    head = f"POST http://{posted.allow}/ HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc".encode()
    async with FilteringProxy(Guard([server.allow, posted.allow]), resolver, max_bytes=1000) as proxy:
        assert await ask(proxy, head, f"GET http://{server.allow}/ HTTP/1.1\r\n\r\n".encode()) == PAGE
    assert len(posted.heads) == 1
    assert server.heads == []


async def test_a_tunnel_carries_anything(serve, resolver):
    async def echo(reader, writer):
        writer.write(await reader.readexactly(4))

    server = await serve(echo)
    async with FilteringProxy(Guard([server.allow]), resolver, max_bytes=1000) as proxy:
        answer = await ask(proxy, f"CONNECT {server.allow} HTTP/1.1\r\n\r\n".encode(), b"x\r\n\r\n", b"\0tea")
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\n\0tea"


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT 127.0.0.1:{port} HTTP/1.1",
        "CONNECT localhost:{port} HTTP/1.1",
        "CONNECT [::1]:443 HTTP/1.1",
        "CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1",
        "CONNECT 2130706433:443 HTTP/1.1",
        "CONNECT 169.254.169.254:80 HTTP/1.1",
        "GET http://127.0.0.1:{port}/ HTTP/1.1",
        "GET http://localhost/ HTTP/1.1",
        "GET http://0x7f.1/ HTTP/1.1",
        "GET http://no-such-name.invalid/ HTTP/1.1",
        "GET http://user@127.0.0.1:{port}/ HTTP/1.1",
        "GET https://127.0.0.1:{port}/ HTTP/1.1",
        "GET ftp://127.0.0.1/ HTTP/1.1",
        "GET / HTTP/1.1",
        "GET http://127.0.0.1:{port}/ HTTP/1.1 http://127.0.0.1/",
        "CONNECT 127.0.0.1:{port}",
        "nonsense",
    ],
)
async def test_all_else_is_answered_alike_and_reaches_nobody(serve, resolver, line):
    server = await serve(PAGE)
    async with FilteringProxy(Guard(), resolver, max_bytes=1000) as proxy:
        assert (await ask(proxy, line.format(port=server.port).encode() + b"\r\n\r\n")).startswith(REFUSED)
    assert server.accepted == 0


async def test_what_one_host_and_port_may_no_other_may(serve, resolver):
    allowed, other = await serve(PAGE), await serve(PAGE)
    async with FilteringProxy(Guard([allowed.allow]), resolver, max_bytes=1000) as proxy:
        assert (await ask(proxy, f"CONNECT {other.allow} HTTP/1.1\r\n\r\n".encode())).startswith(REFUSED)
        assert (await ask(proxy, f"CONNECT localhost:{allowed.port} HTTP/1.1\r\n\r\n".encode())).startswith(REFUSED)
        assert proxy.refused == 2
    assert (allowed.accepted, other.accepted) == (0, 0)


async def test_a_name_is_looked_up_once(serve, resolver, monkeypatch):
    """Its owner could have it mean this machine once the page's scripts run, and have them read what answers."""
    server = await serve(PAGE)
    addresses = iter(["127.0.0.1", "127.0.0.2"])

    async def resolve(host, port=0):
        return [ResolveResult(hostname=host, host=next(addresses), port=port, family=socket.AF_INET, proto=6, flags=0)]

    monkeypatch.setattr(resolver, "resolve", resolve)
    named = f"Rebound.example:{server.port}"
    async with FilteringProxy(Guard([named.lower()]), resolver, max_bytes=1000) as proxy:
        request = f"GET http://{named}/ HTTP/1.1\r\n\r\n".encode()
        assert [await ask(proxy, request) for _ in range(2)] == [PAGE, PAGE]
    assert server.accepted == 2


async def test_a_head_without_end_is_cut_off(resolver):
    async with FilteringProxy(Guard(), resolver, max_bytes=1000) as proxy:
        answer = await ask(proxy, b"GET http://127.0.0.1/ HTTP/1.1\r\n", b"X: " + b"a" * 200_000)
    assert answer in {b"", REFUSED + b"Content-Length: 0\r\nConnection: close\r\n\r\n"}


async def test_too_many_bytes_end_every_connection(serve, resolver):
    async def flood(_, writer):
        while True:
            writer.write(b"a" * 10_000)
            await writer.drain()

    server = await serve(flood)
    async with FilteringProxy(Guard([server.allow]), resolver, max_bytes=100_000) as proxy:
        tunnel = f"CONNECT {server.allow} HTTP/1.1\r\n\r\n".encode()
        both = await asyncio.gather(ask(proxy, tunnel, b"\r\n\r\n"), ask(proxy, tunnel, b"\r\n\r\n"))
        assert proxy.overrun
        assert all(len(answer) < 300_000 for answer in both)
        assert await ask(proxy, tunnel) == b""


async def test_leaving_the_context_ends_what_is_open(serve, resolver):
    async def wait(reader, _):
        await reader.read()

    server = await serve(wait)
    async with FilteringProxy(Guard([server.allow]), resolver, max_bytes=1000) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        writer.write(f"CONNECT {server.allow} HTTP/1.1\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
