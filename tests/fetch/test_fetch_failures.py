"""One real server per failure reason."""

import asyncio
import random
import socket
import ssl
import struct
import zlib

import pytest
import trustme

from tasks.fetch import connection
from tasks.fetch.fetcher import Fetcher
from tasks.model import FetchFailure, FetchOptions, Reason, Response

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nhi"


async def fetched(url, **options):
    tls = options.pop("tls", None)
    async with Fetcher(FetchOptions(**options), tls=tls) as fetcher:
        return await fetcher.fetch(url)


def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def test_an_answer_is_a_response(serve):
    server = await serve(OK)
    answer = await fetched(server.url("/a#part"), allow=[server.allow])
    assert isinstance(answer, Response)
    assert (answer.url, answer.status, answer.body, answer.text) == (server.url("/a"), 200, b"hi", "hi")
    assert answer.headers == (("content-length", "2"), ("content-type", "text/plain"))
    assert (answer.wire_bytes, answer.hops, answer.tries) == (2, (), 1)
    assert 0 < answer.ttfb_ms <= answer.elapsed_ms


async def test_tries_are_written_into_either_answer(serve):
    server = await serve(OK)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        assert (await fetcher.fetch(server.url(), tries=2)).tries == 2
        assert (await fetcher.fetch("http://127.0.0.1:1/", tries=3)).tries == 3


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid", "xn--0.invalid", "a..b.invalid"])
async def test_unknown_host_name(host):
    answer = await fetched(f"http://{host}/")
    assert (answer.reason, answer.status) == (Reason.DNS, None)
    assert answer.detail.startswith(f"{host}:80: ")


async def test_silent_name_server(monkeypatch):
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def silent(*_, **__):
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        raise socket.gaierror(socket.EAI_FAIL, "too late")

    monkeypatch.setattr(connection.socket, "getaddrinfo", silent)
    monkeypatch.setattr(connection, "DNS_TIMEOUT", 0.05)
    answer = await fetched("http://slow.test/")
    release.set()
    assert answer.reason is Reason.DNS
    assert "no answer from the name server" in answer.detail


async def test_nobody_listens():
    port = closed_port()
    answer = await fetched(f"http://127.0.0.1:{port}/", allow=[f"127.0.0.1:{port}"])
    assert (answer.reason, answer.detail) == (Reason.CONNECT_REFUSED, f"127.0.0.1:{port}: connection refused")


async def test_connection_is_never_accepted():
    with socket.socket() as listener, socket.socket() as filler:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        filler.connect(("127.0.0.1", port))  # the backlog of one is now full
        answer = await fetched(f"http://127.0.0.1:{port}/", allow=[f"127.0.0.1:{port}"], connect_timeout=0.2)
    assert answer.reason is Reason.CONNECT_TIMEOUT


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def server_tls(authority, *names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def client_tls(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_trusted_certificate(serve, authority):
    server = await serve(OK, tls=server_tls(authority, "127.0.0.1"))
    answer = await fetched(f"https://{server.allow}/", allow=[server.allow], tls=client_tls(authority))
    assert (answer.status, answer.url) == (200, f"https://{server.allow}/")


async def test_untrusted_certificate(serve, authority):
    server = await serve(OK, tls=server_tls(authority, "127.0.0.1"))
    answer = await fetched(f"https://{server.allow}/", allow=[server.allow])
    assert answer.reason is Reason.TLS
    assert "certificate not valid: unable to get local issuer certificate" in answer.detail


async def test_certificate_for_another_name(serve, authority):
    server = await serve(OK, tls=server_tls(authority, "elsewhere.test"))
    answer = await fetched(f"https://{server.allow}/", allow=[server.allow], tls=client_tls(authority))
    assert answer.reason is Reason.TLS
    assert server.heads == []


async def test_plain_text_behind_https():
    async def greet(_, writer):
        writer.write(b"220 not TLS\r\n")
        writer.close()

    listener = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        answer = await fetched(f"https://127.0.0.1:{port}/", allow=[f"127.0.0.1:{port}"])
    assert answer.reason is Reason.TLS


async def test_connection_closed_during_the_tls_handshake():
    async def hang_up(reader, writer):
        await reader.read(1)
        writer.close()

    listener = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        answer = await fetched(f"https://127.0.0.1:{port}/", allow=[f"127.0.0.1:{port}"])
    assert answer.reason is Reason.RESET


async def test_connection_reset(serve):
    async def reset(_, writer):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    server = await serve(reset)
    answer = await fetched(server.url(), allow=[server.allow])
    assert answer.reason is Reason.RESET
    assert len(server.heads) == 1  # one try is one request


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nX-Half: "])
async def test_connection_closed_without_an_answer(serve, reply):
    server = await serve(reply)
    answer = await fetched(server.url(), allow=[server.allow])
    assert answer.reason is Reason.RESET
    assert len(server.heads) == 1


async def test_server_stops_sending(serve):
    async def stall(_, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Type: text/html\r\n\r\nhalf")
        await asyncio.sleep(30)

    server = await serve(stall)
    answer = await fetched(server.url(), allow=[server.allow], read_timeout=0.1)
    assert (answer.reason, answer.status, answer.mime) == (Reason.READ_TIMEOUT, 200, "text/html")


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
async def test_slow_drip_ends_at_the_deadline(serve, start):
    async def drip(_, writer):
        writer.write(start)
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.01)

    server = await serve(drip)
    answer = await fetched(server.url(), allow=[server.allow], deadline=0.2)
    assert answer.reason is Reason.DEADLINE
    assert answer.detail == "not complete within 0.2 s, redirects included"


async def test_address_refused():
    answer = await fetched("http://127.0.0.1/")
    assert answer.reason is Reason.ADDRESS_REFUSED
    assert answer.detail == "127.0.0.1:80 is not a public address: --allow 127.0.0.1:80 lets it through"


async def test_port_refused_before_any_look_up():
    answer = await fetched("http://no-such-host.invalid:8080/")
    assert answer.reason is Reason.ADDRESS_REFUSED
    assert "--allow no-such-host.invalid:8080" in answer.detail


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 30_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: %b\r\n" % (b"a" * 60_000) * 20 + b"\r\n",
    ],
)
async def test_no_http_answer(serve, reply):
    server = await serve(reply)
    answer = await fetched(server.url(), allow=[server.allow])
    assert answer.reason is Reason.BAD_RESPONSE
    assert "\n" not in answer.detail


async def test_malformed_chunk_after_a_good_one(serve):
    async def reply(_, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"zz\r\nhello\r\n")
        await writer.drain()
        await asyncio.sleep(30)

    server = await serve(reply)
    answer = await fetched(server.url(), allow=[server.allow])
    assert (answer.reason, answer.status) == (Reason.BAD_RESPONSE, 200)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "ftp://example.com/",
        "http://example.com:99999/",
        "http://exa mple.com/",
        "http://[::1/",
        "http://user:secret@example.com/",
        "http:user:secret@example.com/",
        "https:\\\\user:secret@example.com/",
        "http://example.com/" + "a" * 9000,
        "http://example.com/\ud800",
        "\0",
    ],
)
async def test_bad_url(url):
    answer = await fetched(url)
    if "\ud800" not in url:
        assert answer.reason is Reason.BAD_URL
    assert isinstance(answer, FetchFailure)
    assert "secret" not in repr(answer)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zlib.compress(b"x" * 999, wbits=31)[:-4],
    ],
)
async def test_truncated_body(serve, reply):
    server = await serve(reply)
    answer = await fetched(server.url(), allow=[server.allow])
    assert (answer.reason, answer.status) == (Reason.TRUNCATED, 200)
    assert answer.received is not None


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"hello"),
        ("br", b"hello"),
        ("zstd", b"hello"),
        ("deflate", b"h"),
        ("br,gzip,br", b""),
    ],
)
async def test_bad_encoding(serve, encoding, body):
    server = await serve(f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n".encode() + body)
    answer = await fetched(server.url(), allow=[server.allow])
    assert (answer.reason, answer.status) == (Reason.BAD_ENCODING, 200)


@pytest.mark.parametrize(
    "head", [b"Content-Length: 1001\r\nContent-Type: application/pdf\r\n", b"Content-Type: application/pdf\r\n"]
)
async def test_too_large(serve, head):
    server = await serve(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + b"a" * 1001)
    answer = await fetched(server.url(), allow=[server.allow], max_body=1000)
    assert (answer.reason, answer.status, answer.mime) == (Reason.TOO_LARGE, 200, "application/pdf")
    assert answer.received == 1001


async def test_too_large_when_decoded(serve):
    body = zlib.compress(b"a" * 5000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: {len(body)}\r\n\r\n"
    server = await serve(head.encode() + body)
    answer = await fetched(server.url(), allow=[server.allow], max_body=1000)
    assert (answer.reason, answer.received) == (Reason.TOO_LARGE, 5000)


async def test_body_of_exactly_the_limit(serve):
    server = await serve(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 1000)
    assert len((await fetched(server.url(), allow=[server.allow], max_body=1000)).body) == 1000


def mutated(rng):
    """A plausible answer with some bytes replaced, dropped or doubled."""
    heads = [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 301 X\r\n",
        b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 404 N\r\n",
        b"HTTP/2 200\r\n",
    ]
    fields = [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n",
              b"Content-Type: text/html; charset=utf-16\r\n", b"Location: //[::1/\r\n", b"Set-Cookie: a=b\r\n",
              b"Connection: close\r\n", b"Connection: upgrade\r\n"]  # fmt: skip
    reply = bytearray(
        rng.choice(heads) + b"".join(rng.sample(fields, rng.randint(0, 4))) + b"\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    for _ in range(rng.randint(0, 6)):
        at = rng.randrange(len(reply))
        reply[at : at + rng.randint(0, 2)] = rng.choice(
            [b"", b"\0", b"\r", b"\n", b"\xff", b":", b"9", rng.randbytes(2)]
        )
    return bytes(reply)


async def test_any_reply_is_an_answer(serve):
    rng = random.Random(7)

    async def reply(_, writer):
        writer.write(mutated(rng))

    server = await serve(reply)
    options = FetchOptions(allow=[server.allow, "[::1]:80"], read_timeout=0.5, deadline=2)
    async with Fetcher(options) as fetcher:
        answers = await asyncio.gather(*(fetcher.fetch(server.url()) for _ in range(300)))
    assert all(isinstance(answer, Response | FetchFailure) for answer in answers)
    assert {type(answer) for answer in answers} == {Response, FetchFailure}


async def test_many_headers_are_cut_not_refused(serve):
    fields = b"".join(b"X-%d: a\x1b[31m%d\r\n" % (i, i) for i in range(500))
    server = await serve(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Type: text/html\r\nContent-Length: 2\r\n\r\nhi")
    answer = await fetched(server.url(), allow=[server.allow])
    assert len(answer.headers) == 100
    assert answer.headers[7] == ("x-7", "a[31m7")
    assert answer.text == "hi"


async def test_early_hints_are_passed_over(serve):
    server = await serve(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 20 + OK)
    answer = await fetched(server.url(), allow=[server.allow])
    assert (answer.status, answer.text) == (200, "hi")


async def test_cancelling_a_fetch_cancels(serve):
    asked = asyncio.Event()

    async def stall(*_):
        asked.set()
        await asyncio.sleep(30)

    server = await serve(stall)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        task = asyncio.create_task(fetcher.fetch(server.url()))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
