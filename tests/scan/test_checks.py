"""What pages point at is looked at by HEAD, and by GET where that says nothing for sure."""

import asyncio
import contextlib
import itertools

import pytest

from tasks.fetch.fetcher import Fetcher
from tasks.model import FetchOptions, Reason
from tasks.scan import checks
from tasks.scan.checks import Asked, check
from tasks.scan.stop import StopWatch
from tests.generated.reply import Reply
from tests.generated.server import serve

FAR = 4e9
LARGE = b"x" * 4_000_000


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch):
    monkeypatch.setattr(checks, "SECOND_LOOK", 0.01)


async def look(url, host_port, *, waited=None, **options):
    """The facts of one target; ``waited`` takes how many wait for a second look."""
    found, waited = [], [] if waited is None else waited

    async def done(facts):
        found.extend(facts)

    async with Fetcher(FetchOptions(allow=(host_port,), **options)) as fetcher:
        stop = StopWatch(lambda: False, deadline=FAR)
        await check([Asked(url, "internal")], fetcher, stop=stop, done=done, waits=waited.append)
    (fact,) = found
    return fact


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 410, 415, 500, 501, 502, 503])
async def test_no_error_of_head_is_believed(status):
    with serve(lambda _: Reply(head_status=status)) as served:
        fact = await look(f"{served.origin}/x", served.host_port)
        asked = [request.method for request in served.log]
    assert (fact.status, fact.reason, fact.tries, asked) == (200, None, 1, ["HEAD", "GET"])


@pytest.mark.parametrize(("status", "head"), [(200, None), (429, 429)])
async def test_get_is_left_where_head_says_enough_or_to_ask_less(status, head):
    with serve(lambda _: Reply(head_status=head)) as served:
        fact = await look(f"{served.origin}/x", served.host_port)
        asked = [request.method for request in served.log]
    assert (fact.status, asked) == (status, ["HEAD"])


async def test_of_a_large_body_only_the_beginning_is_read():
    with serve(lambda _: Reply(head_status=405, body=LARGE)) as served:
        fact = await look(f"{served.origin}/x", served.host_port, max_body=len(LARGE) // 2)
    assert (fact.status, fact.reason) == (200, None)


async def test_a_server_that_hangs_on_head_is_asked_by_get_the_second_time():
    asked = []

    async def answer(reader, writer):
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked.append(head.split(b" ", 1)[0])
                if asked[-1] == b"HEAD":
                    await reader.read()
                    return
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok")

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host_port = "{}:{}".format(*server.sockets[0].getsockname()[:2])
        waited = []
        fact = await look(f"http://{host_port}/x", host_port, waited=waited, read_timeout=0.2)
    assert (fact.status, fact.reason, fact.tries, asked) == (200, None, 2, [b"HEAD", b"GET"])
    assert waited == [1]


async def test_a_server_that_never_answers_is_asked_once_by_each():
    asked = itertools.count()

    async def cut(reader, writer):
        next(asked)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
        host_port = "{}:{}".format(*server.sockets[0].getsockname()[:2])
        fact = await look(f"http://{host_port}/x", host_port)
    assert (fact.status, fact.reason, fact.tries) == (None, Reason.RESET, 2)
    assert next(asked) == 3
