"""A host that fails ten times in a row is left alone, in every process, until one request finds it back."""

import asyncio
import threading

import pytest

from tasks.fetch import breaker as room
from tasks.fetch.breaker import Breaker
from tasks.fetch.fetcher import Fetcher
from tasks.fetch.politeness import HostGate
from tasks.fetch.retry import delay, is_transient
from tasks.fetch.slowing import Slowing
from tasks.model import FetchFailure, FetchOptions, Reason
from tests.memory_ledger import MemoryLedger


def failed(times, breaker=None, now=0.0):
    breaker = breaker or Breaker()
    return breaker, [breaker.failed("reset", now) for _ in range(times)]


def test_ten_failures_in_a_row_open_it():
    breaker, opened = failed(10)
    assert opened == [False] * 9 + [True]
    assert breaker.refuses(14.9)
    assert not breaker.refuses(15.0)


def test_a_good_answer_begins_the_count_anew():
    breaker, _ = failed(9)
    assert breaker.answered() is False
    _, opened = failed(9, breaker)
    assert not any(opened)


def test_one_request_decides_after_the_cool_down():
    breaker, _ = failed(10)
    assert not breaker.refuses(20)
    breaker.begin()
    assert breaker.refuses(20)
    assert breaker.answered() is True
    assert not breaker.refuses(20)


def test_each_failure_of_that_request_doubles_the_time():
    breaker, _ = failed(10)
    times, now = [], 0.0
    for _ in range(8):
        now = breaker.open_until
        breaker.begin()
        assert breaker.failed("reset", now)
        times.append(breaker.open_until - now)
    assert times == [30, 60, 120, 240, 480, 600, 600, 600]


def test_where_that_request_tells_nothing_the_next_one_decides():
    breaker, _ = failed(10)
    assert breaker.begin() is True
    breaker.end()
    assert not breaker.refuses(20)
    assert breaker.refuses(14)


async def test_a_cancelled_request_leaves_the_decision_to_the_next(site, shared, monkeypatch):
    monkeypatch.setattr(room, "COOL_DOWN", 0.05)
    site.pages = {f"/{n}": (503, {}, "") for n in range(10)} | {"/slow": "", "/good": "<title>Tea</title>"}
    answer, asked = site.answer, threading.Event()
    monkeypatch.setattr(site, "answer", lambda path: (asked.wait(5) if path == "/slow" else None, answer(path))[1])
    async with shared("one", site.port) as fetcher:
        for n in range(10):
            await fetcher.fetch(site.url(f"/{n}"))
        await asyncio.sleep(0.1)
        slow = asyncio.create_task(fetcher.fetch(site.url("/slow")))
        await asyncio.sleep(0.2)
        assert (await fetcher.fetch(site.url("/good"))).reason is Reason.HOST_DOWN
        slow.cancel()
        await asyncio.wait({slow})
        asked.set()
        assert (await fetcher.fetch(site.url("/good"))).status == 200


def test_failures_of_requests_under_way_change_nothing():
    breaker, _ = failed(10)
    _, opened = failed(5, breaker, now=3.0)
    assert not any(opened)
    assert breaker.open_until == 15


def test_what_others_found_out_counts():
    breaker = Breaker()
    breaker.learn(50.0)
    assert breaker.refuses(49)
    breaker.learn(0.0)
    assert not breaker.refuses(49)


def test_learning_that_all_is_well_forgets_no_failure():
    breaker, _ = failed(9)
    breaker.learn(0.0)
    assert breaker.failed("reset", 0.0)


def test_a_page_of_such_a_host_waits_for_the_cool_down():
    answer = FetchFailure(url="http://h/", reason=Reason.HOST_DOWN)
    assert is_transient(answer, tries=2)
    assert 7.5 <= delay(answer, 1, 0.0) <= 22.5
    assert 15 <= delay(answer, 2, 0.0) <= 45


@pytest.fixture
def shared():
    """A ledger and two fetchers that share it, as two processes do."""
    ledger = MemoryLedger()

    def fetcher(name, port):
        options = FetchOptions(allow=(f"127.0.0.1:{port}",), rate=0, concurrency=2)
        return Fetcher(options, HostGate(ledger, name, options))

    return fetcher


async def test_an_ailing_host_gets_no_further_request(site, shared):
    site.pages = {f"/{n}": (503, {}, "") for n in range(40)}
    async with shared("one", site.port) as fetcher:
        answers = [await fetcher.fetch(site.url(f"/{n}")) for n in range(30)]
    assert len(site.requests) == 10
    assert [answer.status for answer in answers[:10]] == [503] * 10
    refused = answers[10:]
    assert {answer.reason for answer in refused} == {Reason.HOST_DOWN}
    assert refused[0].detail == "not asked: 10 requests in a row failed, the last one by status 503"


async def test_another_scheme_that_fails_at_its_port_says_nothing_of_it(site, shared):
    site.pages = {"/": "<title>Tea</title>"} | {f"/{n}": (503, {}, "") for n in range(10)}
    tls = site.url("/").replace("http:", "https:")
    async with shared("one", site.port) as one, shared("two", site.port) as two:
        reasons = [(await one.fetch(tls)).reason for _ in range(12)]
        assert (reasons[0], set(reasons[10:])) == (Reason.TLS, {Reason.HOST_DOWN})
        assert [(await fetcher.fetch(site.url("/"))).status for fetcher in (one, two, one)] == [200] * 3
        assert (await one.fetch(tls)).reason is Reason.HOST_DOWN
        for n in range(10):
            await one.fetch(site.url(f"/{n}"))
        assert (await one.fetch(site.url("/"))).reason is Reason.HOST_DOWN


async def test_other_processes_leave_it_alone_too(site, shared):
    site.pages = {f"/{n}": (503, {}, "") for n in range(40)}
    async with shared("one", site.port) as one, shared("two", site.port) as two:
        for n in range(10):
            await one.fetch(site.url(f"/{n}"))
        await two.fetch(site.url("/30"))
        answer = await two.fetch(site.url("/31"))
    assert answer.reason is Reason.HOST_DOWN
    assert len(site.requests) <= 11


async def test_a_host_that_is_back_is_asked_again(site, shared, monkeypatch):
    monkeypatch.setattr(room, "COOL_DOWN", 0.05)
    site.pages = {f"/{n}": (503, {}, "") for n in range(40)}
    async with shared("one", site.port) as fetcher:
        for n in range(11):
            await fetcher.fetch(site.url(f"/{n}"))
        site.pages = {f"/{n}": "<title>Back</title>" for n in range(40)}
        await asyncio.sleep(0.2)
        await fetcher.fetch(site.url("/20"))
        answers = [await fetcher.fetch(site.url(f"/{n}")) for n in range(21, 26)]
    assert [answer.status for answer in answers] == [200] * 5


@pytest.mark.parametrize("body", [(404, {}, ""), (500, {}, ""), (410, {}, "")])
async def test_pages_at_fault_say_nothing_of_their_host(site, shared, body):
    site.pages = {f"/{n}": body for n in range(30)}
    async with shared("one", site.port) as fetcher:
        answers = [await fetcher.fetch(site.url(f"/{n}")) for n in range(30)]
    assert {answer.status for answer in answers} == {body[0]}


@pytest.mark.parametrize(
    ("windows", "allowed"),
    [
        ([[0.1] * 5, [0.4] * 5, [0.9] * 5], [8, 8, 8]),
        ([[0.1] * 5, [2.0] * 5, [2.0] * 5, [2.0] * 5, [2.0] * 5], [8, 4, 2, 1, 1]),
        ([[0.1] * 5, [2.0] * 5, [2.0] * 5, [0.1] * 5, [0.1] * 5], [8, 4, 2, 3, 4]),
        ([[1.5] * 5, [2.0] * 5, [3.5] * 5], [8, 8, 4]),
        ([[0.1] * 5, [2.0] * 4], [8, 8]),
    ],
)
def test_slower_answers_cost_connections_and_faster_ones_give_them_back(windows, allowed):
    slowing, seen = Slowing(8), []
    for window in windows:
        for seconds in window:
            slowing.answered(seconds)
        slowing.look()
        seen.append(slowing.allowed)
    assert seen == allowed
