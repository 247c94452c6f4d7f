"""Every way in by which somebody else may name an address, tried with every address that is not theirs to name."""

import asyncio
import ipaddress
import json
import socket
import sys
import time

import httpx
import pytest
import ssrfguard
from pydantic import SecretStr

from deployments.api.app import create_app
from deployments.api.door import Door
from deployments.api.signature import SIGNATURE_HEADER, TIME_HEADER, sign
from flows.dispatch import dispatch
from tasks.analyze.client import ModelClient
from tasks.analyze.failures import CallFailed
from tasks.analyze.ladder import Rung
from tasks.analyze.prompt import Message
from tasks.analyze.settings import ModelSettings
from tasks.errors import InputError
from tasks.fetch import connection
from tasks.fetch.fetcher import Fetcher
from tasks.fetch.guard import is_public
from tasks.model import FetchFailure, FetchOptions
from tasks.scan.checks import Asked, check
from tasks.scan.robots import RobotsBook
from tasks.scan.sitemaps import ELSEWHERE, SitemapReader
from tasks.scan.stop import StopWatch
from tasks.store import Store, connect
from tests.chaos.canary import listening
from tests.chaos.guard_vectors import NAMED, urls
from tests.fetch.test_address_guard import adversarial

pytestmark = pytest.mark.chaos

SECRET = "a-secret-of-the-tests"
CANARIES = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "::1")
_connects = []


def _watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _connects.append(arguments[1][:2])


sys.addaudithook(_watch)


class World:
    """Canaries on one port of loopback, and every attempt of this process to connect, whoever listens there."""

    def __init__(self, canary, bouncer_port):
        self._canary = canary
        self.port = canary.ports["127.0.0.1"]
        self.urls = urls(self.port)
        self.bouncer = f"127.0.0.1:{bouncer_port}"
        self._ours = {("127.0.0.1", bouncer_port)}

    def may_connect(self, *places):
        self._ours |= set(places)

    def connections(self):
        """Who was reached or tried, but for what the test serves itself."""
        return [*self._canary.accepted, *(place for place in _connects if place not in self._ours)]

    def through(self, number):
        return f"http://{self.bouncer}/{number}"


@pytest.fixture
async def world(monkeypatch):
    real = socket.getaddrinfo

    def look_up(host, port, *given, **options):
        name = host.decode() if isinstance(host, bytes) else host
        if name in NAMED:
            return [
                (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
                for one in NAMED[name]
            ]
        if name.strip("0123456789abcdefxABCDEFX.:%") and not name.lower().startswith("localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return real(host, port, *given, **options)

    with listening(CANARIES, reply=b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret") as canary:
        found = urls(canary.ports["127.0.0.1"])

        async def bounce(reader, writer):
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1].decode().strip("/").partition("/")[0]
            location = found[int(path)] if path.isdecimal() else found[0]
            writer.write(f"HTTP/1.1 302 X\r\nLocation: {location.strip()}\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(bounce, "127.0.0.1", 0)
        monkeypatch.setattr(connection.socket, "getaddrinfo", look_up)
        monkeypatch.setattr("tasks.fetch.guard.WEB_PORTS", (str(canary.ports["127.0.0.1"]), "80", "443"))
        _connects.clear()
        async with server:
            yield World(canary, server.sockets[0].getsockname()[1])


async def page(world):
    async with Fetcher(FetchOptions()) as fetcher:
        answers = [await fetcher.fetch(url) for url in world.urls]
    assert all(isinstance(answer, FetchFailure) for answer in answers)


async def redirect(world):
    async with Fetcher(FetchOptions(allow=(world.bouncer,))) as fetcher:
        answers = [await fetcher.fetch(world.through(number)) for number in range(len(world.urls))]
    assert [answer for answer in answers if not isinstance(answer, FetchFailure) or not answer.hops] == []


async def robots(world):
    with Store.open(world.data) as store:
        async with (
            Fetcher(FetchOptions(allow=(world.bouncer,))) as fetcher,
            RobotsBook(store, fetcher, "seo-scan") as book,
        ):
            for url in world.urls:
                if url.startswith("http://"):
                    await book.of(url)
            await book.of(world.through(0))


async def _allowed(_url):
    return None


async def sitemap(world):
    async with Fetcher(FetchOptions(allow=(world.bouncer,))) as fetcher:
        for number, url in enumerate(world.urls):
            for root, declared in ((url, url), (world.through(""), world.through(number))):
                stop = StopWatch(lambda: False, deadline=time.time() + 60)
                reader = SitemapReader(lambda url, **_: fetcher.fetch(url), _allowed, root, stop)
                read = [one.sitemap async for one in reader.read((declared,))]
                assert [one for one in read if one not in (None, ELSEWHERE)] == []


async def looked_at(world, kind):
    async def done(_):
        pass

    targets = [Asked(url, kind) for url in world.urls]
    targets += [Asked(world.through(number), kind) for number in range(len(world.urls))]
    async with Fetcher(FetchOptions(allow=(world.bouncer,))) as fetcher:
        stop = StopWatch(lambda: False, deadline=time.time() + 60)
        await check(targets, fetcher, stop=stop, done=done, waits=lambda _: None)


async def link_check(world):
    await looked_at(world, "external")


async def image_check(world):
    await looked_at(world, "image")


async def model_url(world):
    for url in world.urls:
        try:
            async with ModelClient(ModelSettings(base_url=url), SecretStr("key")) as client:
                with pytest.raises(CallFailed):
                    await client.ask("m", (Message(role="user", content="tea?"),), Rung.TEXT, 100)
        except InputError:
            continue


DOORS = (page, redirect, robots, sitemap, link_check, image_check, model_url)


@pytest.mark.parametrize("door", DOORS, ids=[door.__name__ for door in DOORS])
async def test_nobody_is_reached_through(world, door, tmp_path, record, monkeypatch):
    monkeypatch.setattr("tasks.scan.checks.SECOND_LOOK", 0)
    monkeypatch.setattr("tasks.scan.robots.delay", lambda *_, **__: 0)
    world.data = tmp_path / "data"
    assert len(world.urls) >= 150
    await door(world)
    assert world.connections() == []
    record(f"guard-{door.__name__}", vectors=len(world.urls), connections=0)


@pytest.mark.usefixtures("prefect_db")
async def test_nobody_is_reached_through_a_signed_event(world, tmp_path, record, monkeypatch):
    monkeypatch.setenv("SEO_DATA", str(tmp_path / "data"))
    asked = []
    with Store.open(tmp_path / "data") as store:

        async def start(event, *, request_id, origin, project_id):
            asked.append(event)
            return await dispatch(
                event, request_id=request_id, store=store, origin=origin, deployed=False, project_id=project_id
            )

        door = Door(store=store, start=start, webhook_secret=SecretStr(SECRET), sign=lambda *_: "", max_waiting=3)
        transport = httpx.ASGITransport(create_app(door), raise_app_exceptions=False)
        named = {"project_id": "default", "user_id": "ann", "urls": world.urls}
        body = json.dumps({"id": "e1", "name": "project/batch.scan", "data": named}).encode()
        now = str(int(time.time()))
        headers = {TIME_HEADER: now, SIGNATURE_HEADER: sign(SECRET, now, body)}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=300) as client:
            answer = await client.post("/webhooks/events", content=body, headers=headers)
    assert (answer.status_code, len(asked)) == (202, 1), answer.text
    with connect(tmp_path / "data") as facts:
        outcomes = facts.execute("SELECT outcome, count(*) FROM pages GROUP BY 1").fetchall()
    [(outcome, pages)] = outcomes
    assert (outcome, pages > 100) == ("failed", True)  # spellings of one address are one page
    prefect = {place for place in _connects if place[1] not in {world.port, 80, 443}}
    world.may_connect(*prefect)
    assert world.connections() == []
    record("guard-signed-event", vectors=len(world.urls), connections=0)


def test_nothing_is_allowed_that_an_independent_table_refuses(short, record):
    table = ssrfguard.DEFAULT_DENIED
    wrong, seen, allowed = [], 0, 0
    for address in adversarial((50_000 if short else 1_000_000) // 5):
        seen += 1
        if is_public(str(address)):
            allowed += 1
            wrong += [address] if table.classify(address).blocked else []
    assert wrong == []
    assert allowed > seen / 20
    record("guard-oracle", addresses=seen, allowed=allowed, allowed_but_refused_by_oracle=0)


def test_the_tests_see_a_connection():
    with listening(("127.0.0.1",)) as canary:
        before = len(_connects)
        with socket.create_connection(("127.0.0.1", canary.ports["127.0.0.1"])) as client:
            client.recv(1)
        assert (canary.accepted, len(_connects) - before) == (["127.0.0.1"], 1)
        assert ipaddress.ip_address(_connects[-1][0]).is_loopback
