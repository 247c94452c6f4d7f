"""What leaves the machine, read from a raw socket."""

import ssl

import httpx
import pytest
from pydantic import ValidationError

from tasks.fetch.fetcher import OWN_USER_AGENT, Fetcher
from tasks.fetch.transport import GuardedTransport
from tasks.model import FetchOptions
from tasks.scan.settings import ScanOptions

COOKIES = b"HTTP/1.1 200 OK\r\nSet-Cookie: id=1; Path=/\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"
TARGETS = [
    "/",
    "/?",
    "/a?",
    "/a//b",
    "//a",
    "/a%2Fb",
    "/a%2fb",
    "/%7Euser",
    "/~user",
    "/%41bc",
    "/%c3%a9",
    "/%C3%A9",
    "/a;b=c",
    "/a;jsessionid=1?x=1",
    "/a+b?c+d",
    "/a%20b?c%20d",
    "/a%2Bb",
    "/?u=http%3A%2F%2Fexample.com%2Fa%3Fb%3Dc",
    "/?u=http://example.com/a?b=c",
    "/?a=1&b=2&a=3",
    "/?b=2&a=1",
    "/?a&b=&=c",
    "/?q=%26%3D%23",
    "/a|b?c|d",
    "/a'b",
    "/[a]?b[]=1&c[d]=2",
    "/a:b@c",
    "/a,b(c)*d!e$f",
    "/%zz?%",
    "/%",
    "/%00",
    "/a.html?x=a%0Ab",
    "/a=b&c",
    "/a?b?c?d",
    "/a?b/../c",
    "/%2e%2e%2fetc",
    "/index.HTML",
    "/-_.~",
    "/a%252Fb",
    "/\\".replace("\\", "%5C"),
]


def request_line(head):
    return head.split(b"\r\n", 1)[0].decode("ascii")


async def test_request_line_is_the_urls_own_byte_for_byte(serve):
    server = await serve(COOKIES, keep=True)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        for target in TARGETS:
            answer = await fetcher.fetch(server.url(target))
            assert (answer.status, answer.url) == (200, server.url(target))
    assert list(map(request_line, server.heads)) == [f"GET {target} HTTP/1.1" for target in TARGETS]


async def test_request_line_after_a_redirect(serve):
    target = "/%7e/a%2fb;c?u=http%3A%2F%2Fx/|'[]"

    async def reply(_, writer):
        first = len(server.heads) == 1
        location = f"Location: {target}\r\n".encode() if first else b""
        writer.write(b"HTTP/1.1 %d X\r\n%bContent-Length: 0\r\n\r\n" % (301 if first else 200, location))

    server = await serve(reply, keep=True)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        answer = await fetcher.fetch(server.url("/old#top"))
    wire = target.replace("'", "%27")  # the URL standard escapes this one in a query
    assert list(map(request_line, server.heads)) == ["GET /old HTTP/1.1", f"GET {wire} HTTP/1.1"]
    assert answer.url == server.url(wire)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/a b", "/a%20b"),
        ("/é?ü", "/%C3%A9?%C3%BC"),
        ("/a/../b", "/b"),
        ("/x\r\nEvil: 1", "/xEvil:%201"),
        ("\\a", "/a"),
    ],
)
async def test_what_is_no_wire_form_becomes_the_standards(serve, written, sent):
    server = await serve(COOKIES)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        await fetcher.fetch(f"http://{server.allow}{written}")
    assert request_line(server.heads[0]) == f"GET {sent} HTTP/1.1"


async def test_only_our_own_headers_are_sent(serve):
    server = await serve(COOKIES, keep=True)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        for _ in range(3):
            await fetcher.fetch(server.url("/set"))
    for head in server.heads:
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
        assert fields == {
            "Host": server.allow,
            "User-Agent": OWN_USER_AGENT,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Encoding": "gzip, deflate, br, zstd",
        }
    assert server.accepted == 1


def test_own_user_agent_names_version_and_address():
    assert OWN_USER_AGENT.startswith("seo-scan/")
    assert OWN_USER_AGENT.endswith(" (+https://github.com/seo-scan/seo-scan)")


async def test_user_agent_can_be_set(serve):
    server = await serve(COOKIES)
    async with Fetcher(FetchOptions(allow=[server.allow], user_agent="Tester/1")) as fetcher:
        await fetcher.fetch(server.url())
    assert b"\r\nUser-Agent: Tester/1\r\n" in server.heads[0]


@pytest.mark.parametrize("agent", ["a\r\nCookie: b", "é", "\0"])
def test_user_agent_that_cannot_be_sent(agent):
    for options in (FetchOptions, ScanOptions):
        with pytest.raises(ValidationError, match="only printable ASCII"):
            options(user_agent=agent)


async def test_environment_proxies_are_not_used(serve, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server = await serve(COOKIES)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        assert (await fetcher.fetch(server.url())).status == 200


async def test_transport_serves_any_httpx_client(serve):
    server = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    transport = GuardedTransport(FetchOptions(allow=[server.allow]), ssl.create_default_context())
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.post(server.url("/hook?"), content=b"{}")
    assert (answer.status_code, answer.text) == (200, "hi")
    assert request_line(server.heads[0]) == "POST /hook? HTTP/1.1"


async def test_connections_are_reused_and_closed(serve):
    server = await serve(COOKIES, keep=True)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        for _ in range(5):
            await fetcher.fetch(server.url())
    assert (len(server.heads), server.accepted) == (5, 1)
