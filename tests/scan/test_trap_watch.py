"""What is a trap depends on the frontier, not on the process that looks."""

import pytest

from tasks.scan import trap_watch
from tasks.scan.trap_watch import TrapWatch
from tasks.store import Found, RunSpec

URLS = [f"https://e.example/?a={n % 29}&b={n % 31}&c={n % 37}" for n in range(502)]
CUT = "500 addresses are https://e.example/ with parameters combined anew"


@pytest.fixture
def run(store):
    return store.start_run(RunSpec(kind="crawl"))


def find(store, run, urls):
    store.add_found(run.run_id, run.epoch, [Found(url, url) for url in urls])


@pytest.mark.parametrize("at_once", [7, 2000])
def test_processes_know_what_each_other_finds(store, run, monkeypatch, at_once):
    monkeypatch.setattr(trap_watch, "EVERY", -1.0)
    monkeypatch.setattr(trap_watch, "AT_ONCE", at_once)
    one, other = TrapWatch(run.run_id), TrapWatch(run.run_id)
    for start, finder in ((0, one), (200, other), (400, one)):
        one.follow(store)
        other.follow(store)
        found = URLS[start : min(start + 200, 500)]
        assert {finder.why(url) for url in found} == {None}
        find(store, run, found)
    other.follow(store)
    assert [watch.why(url) for watch in (one, other) for url in URLS[500:]] == [CUT] * 4
    assert other.why(URLS[0]) is None


def test_the_frontier_is_looked_at_once_a_second(store, run):
    watch = TrapWatch(run.run_id)
    watch.follow(store)
    find(store, run, URLS[:500])
    watch.follow(store)
    assert watch.why(URLS[500]) is None
