"""Per-host limits across holders: never more connections than the limit, never two starts too close."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tasks.model import HostDemand
from tasks.store import Store

HOST = "e.com:443"
YEAR = 365 * 86400.0


def _demand(connections=8, in_use=0, departures=0, limit=8, spacing=0.0, host=HOST):
    return HostDemand(host, connections, in_use, departures, limit, spacing)


def _granted(store, holder, now, **demand):
    [share] = store.hosts.renew(holder, [_demand(**demand)], now)
    return share.connections


def test_one_holder_gets_what_it_wants(store):
    assert _granted(store, "a", 100.0) == 8
    assert _granted(store, "a", 102.0, in_use=8) == 8
    assert _granted(store, "a", 104.0, connections=3) == 3


def test_a_newcomer_gets_what_is_free_and_then_its_share(store):
    assert _granted(store, "a", 100.0) == 8
    assert _granted(store, "b", 100.0) == 0
    assert _granted(store, "a", 101.0, in_use=7) == 4
    assert _granted(store, "b", 101.0) == 1
    assert _granted(store, "a", 102.0, in_use=2) == 4
    assert _granted(store, "b", 102.0) == 4


def test_a_modest_holder_leaves_the_rest_to_others(store):
    assert _granted(store, "a", 100.0) == 8
    assert _granted(store, "b", 100.0, connections=1) == 0
    assert _granted(store, "a", 101.0) == 7
    assert _granted(store, "b", 101.0, connections=1) == 1


def test_more_holders_than_connections_wait(store):
    granted = [_granted(store, name, 100.0, limit=2) for name in "abc"]
    assert granted == [2, 0, 0]
    granted = [_granted(store, name, 101.0, limit=2) for name in "abc"]
    assert granted == [1, 1, 0]
    store.hosts.release("a")
    assert _granted(store, "c", 102.0, limit=2) == 1


def test_a_silent_holder_is_forgotten_after_30_seconds(store):
    assert _granted(store, "a", 100.0) == 8
    assert _granted(store, "b", 130.0) == 0
    assert _granted(store, "b", 130.1) == 8


def test_what_a_clock_that_was_ahead_left_behind_holds_nobody_up(store):
    store.hosts.renew("a", [_demand(departures=4, spacing=1.0)], YEAR)
    store.hosts.pause(HOST, YEAR)
    store.hosts.leave_alone(HOST, YEAR)
    store.hosts.set_crawl_delay(HOST, 2.0)
    [share] = store.hosts.renew("b", [_demand(departures=4, spacing=1.0)], 100.0)
    assert (share.connections, share.first_departure, share.pause_until, share.open_until) == (8, 100.0, 0.0, 0.0)
    [share] = store.hosts.renew("b", [_demand(departures=1)], 100.0)
    assert (share.first_departure, share.spacing) == (104.0, 2.0)


def test_the_slowest_rates_are_kept(store):
    starts = [store.hosts.renew(f"h{n}", [_demand(1, departures=1, spacing=1000.0)], 100.0) for n in range(8)]
    assert [share.first_departure for [share] in starts] == [100.0 + 1000 * n for n in range(8)]


def test_asking_for_nothing_gives_the_host_back(store):
    assert _granted(store, "a", 100.0) == 8
    assert _granted(store, "a", 101.0, connections=0) == 0
    assert _granted(store, "b", 101.0) == 8


def test_hosts_are_apart_and_a_call_renews_them_all(store):
    other = _demand(host="f.org:80")
    assert [share.connections for share in store.hosts.renew("a", [_demand(), other], 100.0)] == [8, 8]
    store.hosts.renew("a", [other], 129.0)
    assert _granted(store, "b", 131.0) == 0


def test_departures_come_from_one_schedule(store):
    [first] = store.hosts.renew("a", [_demand(connections=2, departures=3, spacing=0.5)], 100.0)
    [second] = store.hosts.renew("b", [_demand(connections=2, departures=2, spacing=0.5)], 100.0)
    [third] = store.hosts.renew("a", [_demand(connections=2, departures=1, spacing=0.5)], 110.0)
    assert [(s.first_departure, s.departures, s.spacing) for s in (first, second, third)] == [
        (100.0, 3, 0.5),
        (101.5, 2, 0.5),
        (110.0, 1, 0.5),
    ]


def test_without_a_connection_no_departure_is_used_up(store):
    store.hosts.renew("a", [_demand(departures=2, spacing=1.0)], 100.0)
    [waiting] = store.hosts.renew("b", [_demand(departures=2, spacing=1.0)], 100.0)
    assert (waiting.connections, waiting.departures) == (0, 0)
    store.hosts.release("a")
    [served] = store.hosts.renew("b", [_demand(departures=2, spacing=1.0)], 100.0)
    assert (served.first_departure, served.departures) == (102.0, 2)


@pytest.mark.parametrize("spacing", [0.0, 0.25])
def test_a_pause_holds_everyone_back(store, spacing):
    store.hosts.pause(HOST, 160.0)
    store.hosts.pause(HOST, 150.0)
    [share] = store.hosts.renew("a", [_demand(departures=1, spacing=spacing)], 100.0)
    assert (share.pause_until, share.first_departure) == (160.0, 160.0)


def test_limits_hold_for_holders_at_once(tmp_path):
    stores = [Store.open(tmp_path) for _ in range(4)]

    def work(number):
        store, name = stores[number], f"h{number}"
        return [
            store.hosts.renew(name, [_demand(connections=2, departures=2, spacing=0.1)], 100.0)[0] for _ in range(10)
        ]

    with ThreadPoolExecutor(4) as pool:
        shares = [share for shares in pool.map(work, range(4)) for share in shares]
    for store in stores:
        store.close()
    starts = sorted(share.first_departure + n * share.spacing for share in shares for n in range(share.departures))
    gaps = [late - early for early, late in pairwise(starts)]
    assert len(starts) == 80
    assert min(gaps) > 0.0999
