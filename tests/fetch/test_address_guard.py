import asyncio
import ipaddress
import random
import socket

import pytest
import ssrfguard

from tasks.fetch import connection
from tasks.fetch.fetcher import Fetcher
from tasks.fetch.guard import is_public
from tasks.model import FetchOptions, Reason

LOOPBACK_SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127.0.0.1.",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[0:0:0:0:0:0:0:1]",
]


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "93.184.216.34",
        "2606:4700:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "100.128.0.0",
    ],
)
def test_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2620:4f:8000::1", "3fff::1", "5f00::1", "fc00::1",
        "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_not_public(address):
    assert not is_public(address)


EDGES_V4 = [
    "10.0.0.0", "100.64.0.0", "127.0.0.0", "169.254.0.0", "172.16.0.0", "172.32.0.0", "192.0.0.0", "192.168.0.0",
    "198.18.0.0", "203.0.113.0", "224.0.0.0",
]  # fmt: skip
PREFIXES_V6 = [
    "::", "::ffff:0:0", "64:ff9b::", "64:ff9b:1::", "2001::", "2001:db8::", "2002::", "3fff::", "fc00::", "fe80::",
    "ff00::", "2620:4f:8000::", "100::", "2000::", "5f00::",
]  # fmt: skip


def adversarial(count):
    """Random addresses, and random ones close to the edges of special blocks."""
    rng = random.Random(20260915)
    edges = [int(ipaddress.IPv4Address(edge)) for edge in EDGES_V4]
    bases = [int(ipaddress.IPv6Address(prefix)) for prefix in PREFIXES_V6]
    for _ in range(count):
        yield ipaddress.IPv4Address(rng.getrandbits(32))
        yield ipaddress.IPv4Address(rng.choice(edges) + rng.randint(-300, 300))
        yield ipaddress.IPv6Address(rng.getrandbits(128))
        yield ipaddress.IPv6Address((1 << 125) | rng.getrandbits(125))
        yield ipaddress.IPv6Address(rng.choice(bases) | rng.getrandbits(rng.choice([8, 32, 64, 96])))


def test_nothing_is_allowed_that_an_independent_table_refuses():
    table = ssrfguard.DEFAULT_DENIED
    seen = 0
    for address in adversarial(12_500):
        seen += 1
        if is_public(str(address)):
            assert not table.classify(address).blocked, address
    assert seen >= 60_000


@pytest.fixture
async def canary(serve):
    return await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")


async def fetched(url, *allow):
    async with Fetcher(FetchOptions(allow=allow)) as fetcher:
        return await fetcher.fetch(url)


@pytest.mark.parametrize("host", LOOPBACK_SPELLINGS)
async def test_no_spelling_reaches_loopback(canary, monkeypatch, host):
    monkeypatch.setattr("tasks.fetch.guard.WEB_PORTS", (str(canary.port),))
    answer = await fetched(f"http://{host}:{canary.port}/")
    assert answer.reason is Reason.ADDRESS_REFUSED
    assert canary.accepted == 0


async def test_backslash_does_not_hide_the_host(canary):
    answer = await fetched(f"http://evil.invalid\\@127.0.0.1:{canary.port}/")
    assert answer.reason is Reason.DNS
    assert canary.accepted == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
async def test_no_redirect_reaches_loopback(serve, canary, monkeypatch, host):
    location = f"http://{host}:{canary.port}/"
    bouncer = await serve(f"HTTP/1.1 302 X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
    monkeypatch.setattr("tasks.fetch.guard.WEB_PORTS", (str(canary.port),))
    answer = await fetched(bouncer.url(), bouncer.allow)
    assert (answer.reason, answer.hops[0].location) == (Reason.ADDRESS_REFUSED, location)
    assert canary.accepted == 0


def resolving_to(monkeypatch, *addresses):
    def look_up(_, port, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(connection.socket, "getaddrinfo", look_up)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.1", "127.0.0.2"], ["10.0.0.1", "127.0.0.1", "::1"]])
async def test_name_that_resolves_to_loopback(canary, monkeypatch, addresses):
    monkeypatch.setattr("tasks.fetch.guard.WEB_PORTS", (str(canary.port),))
    resolving_to(monkeypatch, *[address for address in addresses if ":" not in address])
    answer = await fetched(f"http://rebind.test:{canary.port}/")
    assert answer.reason is Reason.ADDRESS_REFUSED
    assert answer.detail == (
        f"rebind.test:{canary.port} is not a public address: --allow rebind.test:{canary.port} lets it through"
    )
    assert canary.accepted == 0


async def test_allow_holds_for_the_host_as_written_only(canary, monkeypatch):
    resolving_to(monkeypatch, "127.0.0.1")
    allow = f"good.test:{canary.port}"
    assert (await fetched(f"http://good.test:{canary.port}/", allow)).text == "secret"
    assert (await fetched(f"http://other.test:{canary.port}/", allow)).reason is Reason.ADDRESS_REFUSED
    assert (await fetched("http://good.test:1/", allow)).reason is Reason.ADDRESS_REFUSED
    assert canary.accepted == 1


async def test_allow_holds_for_its_own_request_among_others(canary, monkeypatch):
    resolving_to(monkeypatch, "127.0.0.1")
    monkeypatch.setattr("tasks.fetch.guard.WEB_PORTS", (str(canary.port),))
    async with Fetcher(FetchOptions(allow=[f"good.test:{canary.port}"])) as fetcher:
        hosts = ["good.test", "bad.test"] * 10
        answers = await asyncio.gather(*(fetcher.fetch(f"http://{host}:{canary.port}/") for host in hosts))
    assert [getattr(answer, "reason", None) for answer in answers] == [None, Reason.ADDRESS_REFUSED] * 10
    assert canary.accepted == 10
