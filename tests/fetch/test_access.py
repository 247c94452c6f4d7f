"""Credentials go to the origins they are for and nowhere else; a proxy hears of no address that was not judged."""

import socket
import ssl

import pytest
import trustme

from tasks.fetch import connection
from tasks.fetch.access import Access, Proxy
from tasks.fetch.fetcher import Fetcher
from tasks.model import FetchOptions, Reason
from tests.fetch.proxying import proxying

SECRET = "canary-4711-secret"
SHOWN = ((b"Authorization", f"Bearer {SECRET}".encode()), (b"Cookie", b"sid=1"), (b"X-Preview", b"yes"))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nhi"


def redirect(location):
    return f"HTTP/1.1 302 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def access_to(*origins):
    return Access(frozenset(origins), SHOWN, (f"Bearer {SECRET}", SECRET))


def is_shown(head):
    carried = [name.lower() + b": " + value in head.lower() for name, value in ((n, v.lower()) for n, v in SHOWN)]
    assert len(set(carried)) == 1, head
    return carried[0]


@pytest.fixture
def sites(serve):
    """Two servers, the pages of both by name of the server and path; ``{other}`` stands for the other's origin."""

    async def start(one, two):
        servers = []

        def answers(number, pages):
            async def reply(_, writer):
                path = servers[number].heads[-1].split(b" ", 2)[1].decode()
                page = pages.get(path, OK)
                writer.write(
                    redirect(page.format(one=servers[0].url(""), two=servers[1].url("")))
                    if isinstance(page, str)
                    else page
                )

            return reply

        for number, pages in enumerate((one, two)):
            servers.append(await serve(answers(number, pages), keep=True))
        return servers

    return start


async def fetched(url, access, *servers, tls=None, **options):
    allow = [server.allow for server in servers]
    async with Fetcher(FetchOptions(allow=allow, **options), tls=tls, access=access) as fetcher:
        return await fetcher.fetch(url)


async def test_its_origin_is_shown_everything(sites):
    one, two = await sites({"/": "/b"}, {})
    answer = await fetched(one.url("/"), access_to(one.url("")), one, two)
    assert answer.text == "hi"
    assert list(map(is_shown, one.heads)) == [True, True]


async def test_another_port_or_host_is_another_origin(sites):
    one, two = await sites({}, {})
    for url in (two.url("/"), f"http://localhost:{one.port}/"):
        async with Fetcher(
            FetchOptions(allow=[two.allow, f"localhost:{one.port}"]), access=access_to(one.url(""))
        ) as fetcher:
            assert (await fetcher.fetch(url)).text == "hi"
    assert list(map(is_shown, [*one.heads, *two.heads])) == [False, False]


async def test_a_redirect_to_elsewhere_ends_it_for_good(sites):
    one, two = await sites({"/": "{two}/away"}, {"/away": "{one}/back"})
    answer = await fetched(one.url("/"), access_to(one.url("")), one, two)
    assert answer.url == one.url("/back")
    assert list(map(is_shown, one.heads)) == [True, False]
    assert list(map(is_shown, two.heads)) == [False]


async def test_who_comes_from_elsewhere_is_a_stranger(sites):
    one, two = await sites({}, {"/": "{one}/"})
    assert (await fetched(two.url("/"), access_to(one.url("")), one, two)).text == "hi"
    assert list(map(is_shown, [*one.heads, *two.heads])) == [False, False]


async def test_named_origins_share_it(sites):
    one, two = await sites({"/": "{two}/b"}, {})
    assert (await fetched(one.url("/"), access_to(one.url(""), two.url("")), one, two)).text == "hi"
    assert list(map(is_shown, [*one.heads, *two.heads])) == [True, True]


async def test_the_scheme_counts(serve, authority):
    secure = await serve(OK, tls=server_tls(authority, "127.0.0.1"))
    answer = await fetched(
        f"https://127.0.0.1:{secure.port}/", access_to(secure.url("")), secure, tls=client_tls(authority)
    )
    assert answer.text == "hi"
    assert not is_shown(secure.heads[0])


async def test_a_server_that_repeats_secrets_is_not_believed_in_records(sites):
    echo = f"HTTP/1.1 200 OK\r\nX-Echo: you said Bearer {SECRET}!\r\nContent-Length: 0\r\n\r\n".encode()
    one, two = await sites({"/": f"/echo?token={SECRET}", "/echo?token=…": echo, "/echo": echo}, {})
    answer = await fetched(one.url("/echo"), access_to(one.url("")), one, two)
    assert dict(answer.headers)["x-echo"] == "you said …!"
    led = await fetched(one.url("/"), access_to(one.url("")), one, two)
    assert SECRET not in repr(led)
    assert led.hops[0].location == "/echo?token=…"


@pytest.mark.parametrize("written", ["ann%3Acanary%2F4711%3D%3D", "ann%3acanary%2f4711%3d%3d"])
async def test_secrets_in_addresses_are_known_by_their_escapes(sites, written):
    one, two = await sites({"/": f"/in?token={written}"}, {})
    led = await fetched(one.url("/"), Access(frozenset([one.url("")]), SHOWN, ("ann:canary/4711==",)), one, two)
    assert led.hops[0].location == "/in?token=…"
    assert "4711" not in repr(led)


async def test_nothing_shows_the_secret(sites):
    broken = f"HTTP/1.1 200 OK\r\nno field: {SECRET} \x01\r\n{SECRET}\r\n\r\n".encode()
    one, two = await sites({"/": broken}, {})
    access = Access(frozenset([one.url("")]), SHOWN, (SECRET,))
    answer = await fetched(one.url("/"), access, one, two)
    assert answer.reason is Reason.BAD_RESPONSE
    assert SECRET not in f"{answer!r} {access!r} {Proxy('127.0.0.1:1', SECRET)!r}"


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


@pytest.fixture
def names(monkeypatch):
    """What hosts resolve to."""
    known = {"public.test": ["93.184.216.34"], "rebind.test": ["93.184.216.34", "10.0.0.1"], "inner.test": ["10.0.0.1"]}

    def look_up(host, port, **_):
        if host.decode() not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host.decode()]]

    monkeypatch.setattr(connection.socket, "getaddrinfo", look_up)
    return known


async def test_a_tunnel_leads_to_the_address_that_was_judged(serve, authority, names):  # noqa: ARG001 - resolves
    site = await serve(OK, tls=server_tls(authority, "public.test"))
    async with proxying(site.port) as proxy:
        access = proxy.access("Basic eDp5", origins=frozenset(["https://public.test"]), headers=SHOWN)
        answer = await fetched("https://public.test/a?b", access, tls=client_tls(authority))
    assert answer.text == "hi"
    assert proxy.lines == ["CONNECT 93.184.216.34:443 HTTP/1.1"]
    assert b"Proxy-Authorization: Basic eDp5\r\n" in proxy.heads[0]
    assert SECRET.encode() not in proxy.heads[0]
    assert site.heads[0].startswith(b"GET /a?b HTTP/1.1\r\nHost: public.test\r\n")
    assert is_shown(site.heads[0])
    assert b"Proxy-Authorization" not in site.heads[0]


@pytest.mark.parametrize("target", ["/", "/?", "/a%2Fb?c=%7E", "//x", "/a?b?c"])
async def test_plain_requests_go_by_name(serve, names, target):  # noqa: ARG001 - resolves
    site = await serve(OK)
    async with proxying(site.port) as proxy:
        assert (await fetched(f"http://public.test{target}", proxy.access("Basic eDp5"))).text == "hi"
    assert proxy.lines == [f"GET http://public.test{target} HTTP/1.1"]
    assert b"Host: public.test\r\n" in proxy.heads[0]
    assert b"Proxy-Authorization: Basic eDp5\r\n" in proxy.heads[0]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["inner.test", "rebind.test", "127.0.0.1", "[::1]", "169.254.169.254", "2130706433"])
async def test_a_private_target_is_refused_before_the_proxy_hears_of_it(serve, names, scheme, host):
    names |= {"127.0.0.1": ["127.0.0.1"], "::1": ["::1"], "169.254.169.254": ["169.254.169.254"]}
    site = await serve(OK)
    async with proxying(site.port) as proxy:
        answer = await fetched(f"{scheme}://{host}/", proxy.access())
    assert answer.reason is Reason.ADDRESS_REFUSED
    assert (proxy.heads, site.accepted) == ([], 0)


async def test_a_redirect_to_a_private_target_is_refused_too(serve, names):  # noqa: ARG001 - resolves
    site = await serve(redirect("http://inner.test/"))
    async with proxying(site.port) as proxy:
        answer = await fetched("http://public.test/", proxy.access())
    assert (answer.reason, answer.url) == (Reason.ADDRESS_REFUSED, "http://inner.test/")
    assert proxy.lines == ["GET http://public.test/ HTTP/1.1"]


async def test_an_allowed_target_need_not_resolve_here(serve, names):  # noqa: ARG001 - resolves
    site = await serve(OK)
    async with (
        proxying(site.port) as proxy,
        Fetcher(FetchOptions(allow=["corp.test:8080"]), access=proxy.access()) as fetcher,
    ):
        assert (await fetcher.fetch("http://corp.test:8080/")).text == "hi"
        assert (await fetcher.fetch("http://unknown.test/")).reason is Reason.DNS
        assert (await fetcher.fetch("http://public.test:8080/")).reason is Reason.ADDRESS_REFUSED
    assert proxy.lines == ["GET http://corp.test:8080/ HTTP/1.1"]


async def test_the_proxy_itself_is_no_target(serve, names):  # noqa: ARG001 - resolves
    site = await serve(OK)
    async with proxying(site.port) as proxy:
        assert (await fetched(f"http://{proxy.at}/", proxy.access())).reason is Reason.ADDRESS_REFUSED
    assert proxy.heads == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_to_know_us_is_no_answer_of_the_page(names, scheme):  # noqa: ARG001 - resolves
    refusal = f"HTTP/1.1 407 {SECRET}\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n".encode()
    async with proxying(1, refuses=refusal) as proxy:
        answer = await fetched(f"{scheme}://public.test/", proxy.access(f"Basic {SECRET}", secrets=(SECRET,)))
    port = {"http": 80, "https": 443}[scheme]
    assert (answer.reason, answer.detail) == (
        Reason.BAD_RESPONSE, f"public.test:{port}: the proxy answers with status 407",
    )  # fmt: skip


async def test_a_proxy_that_is_away_is_named_as_such(names):  # noqa: ARG001 - resolves
    answer = await fetched("http://public.test/", Access(proxy=Proxy("127.0.0.1:1")))
    assert (answer.reason, answer.detail) == (
        Reason.CONNECT_REFUSED, "public.test:80: the proxy: connection refused",
    )  # fmt: skip


async def test_with_a_proxy_nothing_goes_past_it(serve, names):  # noqa: ARG001 - resolves
    site = await serve(OK, keep=True)
    async with (
        proxying(site.port) as proxy,
        Fetcher(FetchOptions(allow=[site.allow]), access=proxy.access()) as fetcher,
    ):
        for path in ("/a", "/b"):
            assert (await fetcher.fetch(site.url(path))).text == "hi"
    assert site.accepted == 1
    assert proxy.lines == [f"GET {site.url('/a')} HTTP/1.1"]  # the second goes the same way
    assert site.heads[1].startswith(f"GET {site.url('/b')} HTTP/1.1".encode())
