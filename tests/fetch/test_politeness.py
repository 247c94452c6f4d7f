import asyncio
import itertools
import threading
import time
from email.utils import formatdate

import pytest

from tasks.errors import StoreError
from tasks.fetch.fetcher import Fetcher
from tasks.fetch.host import spacing_for
from tasks.fetch.politeness import HostGate
from tasks.model import FetchOptions, HostDemand
from tests.memory_ledger import MemoryLedger

URL = "http://shop.test/"
HOST = "shop.test:80"
JITTER = 0.012  # a request may start 5 ms late, so the next one seems early; the rest is the machine's


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    monkeypatch.setattr("tasks.fetch.politeness.RENEW_SECONDS", 0.05)


@pytest.fixture
async def gates():
    """Makes gates on one ledger and closes them."""
    made = []
    ledger = MemoryLedger()

    def make(holder="one", *, on=ledger, **options):
        made.append(HostGate(on, holder, FetchOptions(**options)))
        return made[-1]

    make.ledger = ledger
    yield make
    for gate in made:
        await gate.close()


def demand(connections=8, in_use=0, departures=0, limit=8, spacing=0.1):
    return HostDemand(HOST, connections, in_use, departures, limit, spacing)


async def run_turns(gate, count, *, url=URL, work=0.0, starts=None, active=None):
    async def one():
        async with gate.turn(url):
            if starts is not None:
                starts.append(time.time())
            if active is not None:
                active.append(active[-1] + 1)
            await asyncio.sleep(work)
            if active is not None:
                active.append(active[-1] - 1)

    await asyncio.gather(*(one() for _ in range(count)))


def gaps(starts):
    return [later - earlier for earlier, later in itertools.pairwise(sorted(starts))]


@pytest.mark.parametrize(
    ("host", "rate", "spacing"),
    [
        ("example.com:443", None, 0.1),
        ("example.com:443", 0, 0),
        ("example.com:443", 4, 0.25),
        ("localhost:80", None, 0),
        ("a.localhost:80", None, 0),
        ("127.0.0.1:8900", None, 0),
        ("127.9.9.9:80", None, 0),
        ("[::1]:80", None, 0),
        ("127.0.0.1:8900", 5, 0.2),
        ("localhost.example:80", None, 0.1),
    ],
)
def test_default_rate_spares_loopback_only(host, rate, spacing):
    assert spacing_for(host, rate) == spacing


async def test_connections_stay_within_the_limit(gates):
    active = [0]
    await run_turns(gates(rate=0, concurrency=3), 40, work=0.002, active=active)
    assert (max(active), active[-1]) == (3, 0)


async def test_starts_are_spaced(gates):
    starts = []
    await run_turns(gates(rate=50, concurrency=8), 25, starts=starts)
    assert min(gaps(starts)) >= 0.02 - JITTER


async def test_hosts_do_not_wait_for_each_other(gates):
    gate = gates(rate=0.001, concurrency=1)
    async with asyncio.timeout(60), gate.turn("http://a.test/"), gate.turn("http://b.test/"):
        pass


async def test_slow_ledger_does_not_make_departures_missed(gates):
    class Slow(MemoryLedger):
        asked = 0

        def renew(self, holder, demands, now):
            shares = super().renew(holder, demands, now)
            self.asked += demands[0].departures
            time.sleep(0.015)
            return shares

    ledger = Slow()
    await run_turns(gates(on=ledger, rate=2), 1)
    # Once on a quiet machine; each start that comes late asks again, and with the ledger's delay forgotten all would.
    assert ledger.asked <= 5


async def test_two_gates_share_one_schedule(gates):
    starts = []
    one, two = gates("one", rate=50), gates("two", rate=50)
    await asyncio.gather(run_turns(one, 20, starts=starts), run_turns(two, 20, starts=starts))
    assert min(gaps(starts)) >= 0.02 - JITTER


async def test_two_gates_share_the_connections(gates):
    active = [0]
    one, two = gates("one", rate=0, concurrency=4), gates("two", rate=0, concurrency=4)
    both = (run_turns(gate, 150, work=0.002, active=active) for gate in (one, two))
    await asyncio.gather(*both)
    assert max(active) == 4


async def test_no_connection_is_opened_while_the_ledger_may_be_giving_it_away(gates):
    class Held(MemoryLedger):
        entered, free = threading.Event(), threading.Event()

        def renew(self, holder, demands, now):
            shares = super().renew(holder, demands, now)
            if holder == "one" and "two" in self._hosts[HOST].claims:
                self.entered.set()
                self.free.wait(10)
            return shares

    ledger = Held()
    gate = gates("one", on=ledger, rate=0, concurrency=4)
    active = [0]
    async with gate.turn(URL):
        ledger.renew("two", [demand(limit=4)], time.time())
        await asyncio.to_thread(ledger.entered.wait, 10)
        running = asyncio.create_task(run_turns(gate, 3, work=0.05, active=active))
        await asyncio.sleep(0.05)
        assert active == [0]
        ledger.free.set()
        await running
    assert max(active) == 1  # two connections are left to this gate, one of them is held


async def test_slow_requests_do_not_bunch_up_missed_departures(gates):
    starts = []
    await run_turns(gates(rate=40, concurrency=2), 12, work=0.08, starts=starts)
    assert min(gaps(starts)) >= 0.025 - JITTER


async def test_pause_holds_every_gate(gates):
    one, two = gates("one", rate=0), gates("two", rate=0)
    until = time.time() + 0.2
    await one.pause(URL, until)
    starts = []
    await asyncio.gather(run_turns(one, 3, starts=starts), run_turns(two, 3, starts=starts))
    assert min(starts) >= until


async def test_departures_taken_before_a_pause_move_behind_it(gates):
    gate = gates(rate=50)
    starts = []
    await run_turns(gate, 2, starts=starts)
    running = asyncio.create_task(run_turns(gate, 12, starts=starts))
    await asyncio.sleep(0.05)
    until = time.time() + 0.3
    await gate.pause(URL, until)
    await running
    assert not [start for start in starts if until - 0.25 < start < until]
    assert max(starts) >= until + 8 * 0.02
    assert min(gaps(starts)) >= 0.02 - JITTER


async def test_pause_is_at_most_ten_minutes(gates):
    await gates().pause(URL, time.time() + 86_400)
    [share] = gates.ledger.renew("two", [demand()], time.time())
    assert share.pause_until <= time.time() + 600


async def test_cancelled_waiters_give_their_place_back(gates):
    gate = gates(rate=0, concurrency=1)
    async with gate.turn(URL):
        waiting = [asyncio.create_task(run_turns(gate, 1)) for _ in range(5)]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(1):
        await run_turns(gate, 3)


async def test_cancelled_in_the_moment_of_admission(gates):
    gate = gates(rate=0, concurrency=1)
    async with gate.turn(URL):
        waiting = asyncio.create_task(run_turns(gate, 1))
        await asyncio.sleep(0.01)
    waiting.cancel()  # the connection is already its own
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1):
        await run_turns(gate, 3)


async def test_failing_ledger_reaches_everyone_who_waits(gates):
    class Broken(MemoryLedger):
        def renew(self, *_):
            raise StoreError("the disk is full")

    gate = gates(on=Broken())
    outcomes = await asyncio.gather(*(run_turns(gate, 1) for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in outcomes] == ["the disk is full"] * 3


async def test_closing_gives_everything_back(gates):
    gate = gates("one", concurrency=8)
    await run_turns(gate, 2)
    [before] = gates.ledger.renew("two", [demand()], time.time())
    await gate.close()
    [after] = gates.ledger.renew("two", [demand()], time.time())
    assert (before.connections, after.connections) == (0, 8)


class Unhurried(MemoryLedger):
    """Renews a little late, as on a busy machine; ``calls`` has what was done, in order."""

    def __init__(self):
        super().__init__()
        self.asked = threading.Event()
        self.calls = []

    def renew(self, holder, demands, now):
        self.asked.set()
        time.sleep(0.1)
        shares = super().renew(holder, demands, now)
        self.calls.append("renew")
        return shares

    def release(self, holder):
        super().release(holder)
        self.calls.append("release")


async def renewing(gates, ledger):
    """A gate with a renewal on its way."""
    gate = gates("one", on=ledger)
    await run_turns(gate, 1)
    ledger.asked.clear()
    await asyncio.to_thread(ledger.asked.wait)
    return gate


async def test_a_renewal_on_its_way_when_the_gate_closes_claims_nothing(gates):
    ledger = Unhurried()
    gate = await renewing(gates, ledger)
    await gate.close()
    await asyncio.sleep(0.15)
    assert ledger.calls[-1] == "release"
    assert [share.connections for share in ledger.renew("two", [demand()], time.time())] == [8]


async def test_closing_gives_everything_back_though_it_is_cancelled(gates):
    ledger = Unhurried()
    gate = await renewing(gates, ledger)
    closing = asyncio.create_task(gate.close())
    await asyncio.sleep(0.01)
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled()
    assert ledger.calls[-1] == "release"


async def test_a_busy_gate_makes_room_for_a_newcomer(gates, monkeypatch):
    monkeypatch.setattr("tasks.fetch.politeness.RENEW_SECONDS", 60)
    first, second = gates("one", concurrency=8), gates("two", concurrency=8)
    active, starts = [0], []
    busy = asyncio.create_task(run_turns(first, 400, url="http://127.0.0.1:1/", work=0.02, active=active))
    await asyncio.sleep(0.1)
    await run_turns(second, 8, url="http://127.0.0.1:1/", work=0.02, starts=starts, active=active)
    assert not busy.done()
    assert max(active) == 8
    await busy


async def test_unthrottled_host_is_asked_about_seldom(gates, monkeypatch):
    monkeypatch.setattr("tasks.fetch.politeness.RENEW_SECONDS", 60)

    class Counting(MemoryLedger):
        calls = 0

        def renew(self, *args):
            self.calls += 1
            return super().renew(*args)

    ledger = Counting()
    await run_turns(gates(on=ledger), 500, url="http://127.0.0.1:8900/")
    assert ledger.calls <= 2


def test_newcomer_gets_what_is_free_then_its_fair_share():
    ledger = MemoryLedger()

    def granted(holder, in_use=0, now=0.0):
        return ledger.renew(holder, [demand(in_use=in_use)], now)[0].connections

    assert granted("one") == 8
    assert granted("two") == 0
    assert granted("one", in_use=6) == 4
    assert granted("two") == 2
    assert granted("one", in_use=1) == 4
    assert granted("two", in_use=2) == 4
    assert granted("one", in_use=4, now=20.0) == 4
    assert granted("one", in_use=4, now=31.0) == 8


def test_more_holders_than_connections_wait():
    ledger = MemoryLedger()
    shares = [ledger.renew(str(i), [demand(connections=2, limit=2)], 0.0)[0].connections for i in range(4)]
    assert shares == [2, 0, 0, 0]
    assert ledger.renew("0", [demand(connections=2, limit=2)], 1.0)[0].connections == 1
    assert ledger.renew("1", [demand(connections=2, limit=2)], 1.0)[0].connections == 1
    assert ledger.renew("2", [demand(connections=2, limit=2)], 1.0)[0].connections == 0


def test_departures_of_all_holders_are_one_schedule():
    ledger = MemoryLedger()
    [one] = ledger.renew("one", [demand(departures=5)], 100.0)
    [two] = ledger.renew("two", [demand(departures=5)], 100.0)
    ledger.pause(HOST, 200.0)
    [three] = ledger.renew("one", [demand(departures=1)], 101.0)
    assert (one.first_departure, two.first_departure, three.first_departure) == (100.0, 100.5, 200.0)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked", ["2", "date"])
async def test_retry_after_pauses_the_host(serve, gates, status, asked):
    value = formatdate(time.time() + 3, usegmt=True) if asked == "date" else asked
    server = await serve(f"HTTP/1.1 {status} X\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n".encode())
    async with Fetcher(FetchOptions(allow=[server.allow]), gates()) as fetcher:
        answer = await fetcher.fetch(server.url())
    [share] = gates.ledger.renew("two", [HostDemand(server.allow, 1, 0, 0, 8, 0)], time.time())
    assert answer.status == status
    assert time.time() + 0.5 < share.pause_until <= time.time() + 3


async def test_deadline_does_not_count_the_wait_for_a_turn(serve, gates):
    server = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    gate = gates()
    await gate.pause(server.url(), time.time() + 0.3)
    async with Fetcher(FetchOptions(allow=[server.allow], deadline=0.2), gate) as fetcher:
        answer = await fetcher.fetch(server.url())
    assert answer.status == 200
    assert answer.elapsed_ms < 200


async def test_server_never_sees_more_connections_than_allowed(serve, gates):
    open_now, peak = 0, 0

    async def reply(_, writer):
        nonlocal open_now, peak
        open_now += 1
        peak = max(peak, open_now)
        await asyncio.sleep(0.005)
        open_now -= 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    server = await serve(reply, keep=True)
    options = FetchOptions(allow=[server.allow], concurrency=4)
    async with Fetcher(options, gates(concurrency=4)) as fetcher:
        await asyncio.gather(*(fetcher.fetch(server.url(f"/{i}")) for i in range(40)))
    assert (peak, server.accepted, len(server.heads)) == (4, 4, 40)


async def test_every_hop_takes_its_own_turn(serve, gates):
    starts = []

    async def reply(_, writer):
        starts.append(time.time())
        writer.write(b"HTTP/1.1 301 X\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n" % len(starts))

    server = await serve(reply, keep=True)
    options = FetchOptions(allow=[server.allow], max_redirects=4, rate=20)
    async with Fetcher(options, gates(rate=20)) as fetcher:
        await fetcher.fetch(server.url())
    assert len(starts) == 5
    assert sum(gaps(starts)) >= 4 * 0.05 - 0.01
