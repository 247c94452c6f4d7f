"""The frontier of a crawl: what is found becomes a page once, is leased in order and within limits."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tasks.errors import StaleEpoch, UnknownRun
from tasks.model import FetchFailure, Hop, PageState, Reason, Response, ScannedPage, Verdict
from tasks.store import (
    WHEN_RESUMED,
    Found,
    FrontierCount,
    Limits,
    OpenWork,
    Redirected,
    Retry,
    RunSpec,
    RunState,
    Standing,
    Store,
    Target,
)
from tasks.store.schema import pages
from tasks.urls import page_id

ROOT = "https://e.com/"
NOW = 1_795_447_801.0


def _url(name):
    return f"{ROOT}{name}"


def _id(name):
    return page_id("default", _url(name))


def _found(name, depth=None, **changes):
    return Found(_url(name), _id(name), depth=depth, **changes)


@pytest.fixture
def crawl(store):
    def crawl(*names, max_pages=None, max_depth=None, depth=None):
        limits = Limits(max_pages, max_depth)
        run = store.start_run(RunSpec(kind="crawl", start_url=ROOT, scope="host", limits=limits))
        store.add_found(run.run_id, 1, [_found(name, depth, found_by="start") for name in names or [""]])
        return run

    return crawl


def _leased(store, run, holder="a", limit=99, **options):
    return [lease.url.removeprefix(ROOT) for lease in store.lease(run.run_id, 1, holder, limit, **options)]


def test_a_crawl_is_kept_as_given(store, crawl):
    run = crawl(max_pages=5, max_depth=2)
    assert store.get_run(run.run_id) == store.list_runs()[0]
    assert (run.start_url, run.scope, run.limits) == (ROOT, "host", Limits(5, 2))
    store.set_options(run.run_id, 1, '{"root": 1}')
    assert store.get_run(run.run_id).options == '{"root": 1}'
    rows = list(store.sql("SELECT start_url, scope, limits FROM runs").rows)
    assert rows == [(ROOT, "host", '{"max_pages": 5, "max_depth": 2}')]


def test_found_urls_are_added_once_in_the_commit_of_their_page(store, crawl, scanned):
    run = crawl()
    _leased(store, run)
    staged = store.stage(run.run_id, "k", [scanned(ROOT)])
    links = [_found("a"), _found("b"), _found("a"), _found("")]
    assert store.commit(run.run_id, 1, "a", staged, found=links) == 2
    assert store.commit(run.run_id, 1, "a", staged, found=[*links, _found("c", found_by="redirect")]) == 1
    assert store.progress(run.run_id).total == 4
    assert _leased(store, run) == ["a", "b", "c"]
    counts = {(count.found_by, count.state): count.pages for count in store.frontier_counts(run.run_id)}
    assert counts == {("start", "completed"): 1, ("link", "leased"): 2, ("redirect", "leased"): 1}


def test_a_refused_commit_adds_nothing(store, crawl):
    run = crawl()
    store.resume_run(run.run_id)
    for act in (
        lambda: store.commit(run.run_id, 1, "a", found=[_found("a")]),
        lambda: store.add_found(run.run_id, 1, [_found("a")]),
        lambda: store.release(run.run_id, 1, "a"),
        lambda: store.set_options(run.run_id, 1, "{}"),
        lambda: store.settle(run.run_id, 1, []),
        lambda: store.write_facts(run.run_id, 1, "targets", "check", []),
    ):
        with pytest.raises(StaleEpoch):
            act()
    assert store.progress(run.run_id).total == 1


def test_what_is_never_to_be_fetched_is_a_page_with_its_reason(store, crawl):
    run = crawl()
    trap = _found("x/x/x", state=PageState.SKIPPED, reason=Reason.CRAWL_TRAP, detail="x repeats")
    blocked = _found("private", state=PageState.SKIPPED, reason=Reason.BLOCKED_BY_ROBOTS)
    for _ in range(2):
        store.commit(run.run_id, 1, "a", found=[trap, _found("a"), blocked])
    rows = list(store.sql("SELECT url, outcome, reason, detail, blocked_by_robots, tries FROM pages ORDER BY 1").rows)
    assert rows == [
        (_url("private"), "skipped", "blocked-by-robots", "", True, 0),
        (_url("x/x/x"), "skipped", "crawl-trap", "x repeats", None, 0),
    ]
    assert _leased(store, run) == ["", "a"]
    assert store.progress(run.run_id).by_reason == {"crawl-trap": 1, "blocked-by-robots": 1}
    assert store.page_object(run.run_id, blocked.url)["reason"] == "blocked-by-robots"
    assert FrontierCount("link", PageState.SKIPPED, "crawl-trap", 1) in store.frontier_counts(run.run_id)


def test_two_stores_that_find_the_same_add_it_once(store, crawl):
    run = crawl()
    with Store.open(store.path) as other:
        added = [opened.commit(run.run_id, 1, "h", found=[_found("a"), _found("b")]) for opened in (store, other)]
    assert added == [2, 0]
    assert store.get_run(run.run_id).total == 3


def test_nearer_pages_are_leased_first_then_in_order_of_discovery(store, crawl):
    run = crawl("start", depth=0)
    store.add_found(run.run_id, 1, [_found("deep", 3), _found("near", 1), _found("deeper", 3), _found("map")])
    leases = store.lease(run.run_id, 1, "a", 9)
    assert [(lease.url.removeprefix(ROOT), lease.depth) for lease in leases] == [
        ("map", None), ("start", 0), ("near", 1), ("deep", 3), ("deeper", 3),
    ]  # fmt: skip


@pytest.mark.parametrize("holders", [("a", "a", "a"), ("a", "b", "c")])
def test_no_more_pages_are_leased_than_the_limit(store, crawl, holders, scanned):
    run = crawl(*"abcdefgh", max_pages=4)
    assert _leased(store, run, holders[0], limit=3) == ["a", "b", "c"]
    assert _leased(store, run, holders[1]) == ["d"]
    assert _leased(store, run, holders[2]) == []
    assert store.open_work(run.run_id) == OpenWork(leased=4, held_back=4)
    for name, holder in zip("abcd", (holders[0],) * 3 + (holders[1],), strict=True):
        store.write_commit(run.run_id, 1, holder, name, [scanned(_url(name))])
    work = store.open_work(run.run_id)
    assert (work, work.over) == (OpenWork(held_back=4), True)
    assert store.progress(run.run_id).held_back == 4
    ended = store.finish_run(run.run_id, 1, RunState.COMPLETED)
    assert (ended.incomplete, ended.incomplete_reason) == (True, "limit of 4 pages reached: 4 pages left")
    store.resume_run(run.run_id, limits=Limits(6))
    assert [lease.url for lease in store.lease(run.run_id, 2, "z", 9)] == [_url("e"), _url("f")]


def test_a_page_that_waits_for_another_try_keeps_its_place_within_the_limit(store, crawl):
    run = crawl(*"abc", max_pages=1)
    [lease] = store.lease(run.run_id, 1, "a", 9, now=NOW)
    store.commit(run.run_id, 1, "a", None, [Retry(lease.page_id, 1, NOW + 30, Reason.RESET)])
    assert _leased(store, run, now=NOW + 1) == []
    assert store.open_work(run.run_id, NOW + 1) == OpenWork(later=1, held_back=2, next_due=NOW + 30)
    assert store.open_work(run.run_id, NOW + 31) == OpenWork(due=1, held_back=2, next_due=NOW + 30)
    assert _leased(store, run, now=NOW + 31) == ["a"]


def test_pages_never_fetched_do_not_count_against_the_limit(store, crawl):
    run = crawl("a", max_pages=2)
    blocked = [
        _found(f"p{n}", state=PageState.SKIPPED, reason=Reason.BLOCKED_BY_ROBOTS, found_by="link") for n in range(5)
    ]
    store.commit(run.run_id, 1, "a", found=[*blocked, _found("b"), _found("c")])
    assert _leased(store, run) == ["a", "b"]


def test_with_a_depth_limit_levels_follow_each_other(store, crawl, scanned):
    run = crawl("start", max_depth=2, depth=0)
    _leased(store, run)
    store.commit(run.run_id, 1, "a", found=[_found("1a", 1), _found("1b", 1), _found("2early", 2)])
    assert _leased(store, run, "b") == []
    assert store.open_work(run.run_id) == OpenWork(later=3, leased=1)
    store.write_commit(run.run_id, 1, "a", "k", [scanned(_url("start"))])
    assert _leased(store, run, limit=1) == ["1a"]
    assert _leased(store, run, "b") == ["1b"]
    store.write_commit(run.run_id, 1, "a", "k", [scanned(_url("1a"))], found=[_found("2", 2)])
    assert _leased(store, run) == []
    store.write_commit(run.run_id, 1, "b", "k", [scanned(_url("1b"))])
    assert _leased(store, run) == ["2early", "2"]
    done = [scanned(_url(name)) for name in ("2early", "2")]
    store.write_commit(run.run_id, 1, "a", "k", done, found=[_found("3", 3)])
    work = store.open_work(run.run_id)
    assert (work, work.over) == (OpenWork(held_back=1), True)
    assert store.progress(run.run_id).held_back == 1
    ended = store.finish_run(run.run_id, 1, RunState.COMPLETED)
    assert ended.incomplete_reason == "limit of depth 2 reached: 1 page left"


def test_a_page_put_off_until_the_crawl_is_resumed_does_not_hold_up_the_next_level(store, crawl):
    run = crawl("failing", max_depth=3, depth=1)
    store.add_found(run.run_id, 1, [_found("near", 2), _found("far", 3)])
    [lease] = store.lease(run.run_id, 1, "a", 1)
    store.commit(run.run_id, 1, "a", None, [Retry(lease.page_id, 3, WHEN_RESUMED, Reason.HOST_DOWN)])
    assert store.open_work(run.run_id) == OpenWork(due=1, later=1, next_due=0.0, put_off=1)
    assert _leased(store, run) == ["near"]


def test_a_shorter_way_found_later_counts(store, crawl):
    run = crawl("start", max_depth=2, depth=0)
    store.add_found(run.run_id, 1, [_found("x", 3), _found("x", 4), _found("y", 3)])
    store.add_found(run.run_id, 1, [_found("x", 2), _found("y", 5)])
    assert store.progress(run.run_id).held_back == 1
    assert store.get_run(run.run_id).total == 3


def test_leases_given_back_are_unblamed(store, crawl):
    run = crawl(*"abc")
    assert _leased(store, run, "a", limit=2) == ["a", "b"]
    assert _leased(store, run, "b") == ["c"]
    assert store.release(run.run_id, 1, "a") == 2
    assert store.open_work(run.run_id) == OpenWork(due=2, leased=1, next_due=0.0)
    assert [(lease.url, lease.leases_lost) for lease in store.lease(run.run_id, 1, "c", 9)] == [
        (_url("a"), 0),
        (_url("b"), 0),
    ]


def test_a_crawls_lost_leases_come_back_when_they_are_over(store, crawl):
    run = crawl(*"abc")
    assert _leased(store, run, "dead", now=NOW) == ["a", "b", "c"]
    assert _leased(store, run, "b", now=NOW + 119) == []
    assert _leased(store, run, "b", now=NOW + 121, suspects=False) == []
    assert _leased(store, run, "b", now=NOW + 121) == ["a", "b", "c"]
    assert _leased(store, run, "c", now=NOW + 250) == ["a"]


def test_leases_of_the_dead_end_at_once(store, crawl):
    run = crawl(*"abc")
    assert _leased(store, run, "dead") == ["a", "b", "c"]
    assert _leased(store, run, "b") == []
    store.expire(run.run_id, 1)
    assert {lease.leases_lost for lease in store.lease(run.run_id, 1, "b", 9)} == {1}
    store.resume_run(run.run_id)
    with pytest.raises(StaleEpoch):
        store.expire(run.run_id, 1)


def test_what_has_no_end_is_unknown(store):
    with pytest.raises(UnknownRun):
        store.open_work("none")


def _settled(name, *names, status=200, reason=None, warnings=1):
    hops = tuple(Hop(_url(one), 301, f"/{two}") for one, two in zip((name, *names), names, strict=False))
    last = _url(names[-1])
    answer = (
        Response(url=last, status=status, hops=hops)
        if reason is None
        else FetchFailure(url=last, reason=reason, hops=hops, status=301)
    )
    return ScannedPage(
        page_id=_id(name),
        url=_url(name),
        state=PageState.COMPLETED if reason is None else PageState.FAILED,
        reason=reason,
        answer=answer,
        page=None,
        verdict=Verdict(issues=_warnings(warnings)),
    )


def _warnings(count):
    from tasks.model import Issue, Severity  # noqa: PLC0415 - only here

    shape = {"rule": "redirect-chain", "severity": Severity.WARNING, "category": "c", "message": "m", "evidence": {}}
    return tuple(Issue(**shape, fingerprint=f"{n:016x}") for n in range(count))


def test_redirects_are_done_at_once_and_their_facts_settled_later(store, crawl, scanned):
    run = crawl("a")
    store.lease(run.run_id, 1, "h", 9)
    at = datetime.now(UTC).timestamp()
    store.commit(
        run.run_id, 1, "h", redirects=[Redirected(_id("a"), 301, "/b", 1, at)], found=[_found("b", found_by="redirect")]
    )
    assert _leased(store, run, "h") == ["b"]
    assert store.get_run(run.run_id).last_commit_at is not None
    store.write_commit(run.run_id, 1, "h", "k", [scanned(_url("b"))])
    assert store.standings(run.run_id) == {
        _url("a"): Standing(_id("a"), 301, None, "/b", redirects=True),
        _url("b"): Standing(_id("b"), 200, None),
    }
    assert store.open_work(run.run_id).over
    pages = "SELECT url, final_url, outcome, reason FROM pages ORDER BY url"
    known = (_url("b"), _url("b"), "completed", None)
    assert list(store.sql(pages).rows) == [known]
    for settled, row, warnings in (
        (_settled("a", "b", "a", reason=Reason.REDIRECT_LOOP, warnings=3), ("failed", "redirect-loop"), 4),
        (_settled("a", "b"), ("completed", None), 2),
    ):
        assert store.settle(run.run_id, 1, iter([settled])) == 1
        assert list(store.sql(pages).rows) == [(_url("a"), settled.answer.url, *row), known]
        assert store.progress(run.run_id).issues["warning"] == warnings
    page = store.page_object(run.run_id, _url("a"))
    assert page["redirects"] == [{"url": _url("a"), "status": 301, "location": "/b"}]
    assert store.finish_run(run.run_id, 1, RunState.COMPLETED).incomplete is False


def _remembered(store, name):
    columns = (pages.c.last_run_id, pages.c.last_fetched_at, pages.c.last_status, pages.c.etag)
    with store._catalogue.read() as connection:
        return connection.execute(select(*columns).where(pages.c.page_id == _id(name))).one()


def test_a_page_that_redirects_is_known_and_what_it_was_stands_in_for_nothing(store, crawl, scanned):
    before = store.start_run(RunSpec(kind="batch", recipe="r"))
    store.add_targets(before, [Target(_url("a"), _id("a"))])
    store.write_commit(before.run_id, 1, "h", "k", [scanned(_url("a"))])
    at = _remembered(store, "a").last_fetched_at
    for name, asked, is_newest in (("a", at + 10, True), ("new", at + 10, True), ("a", at - 10, False)):
        run = crawl(name)
        store.lease(run.run_id, 1, "h", 9)
        store.commit(run.run_id, 1, "h", redirects=[Redirected(_id(name), 301, "/b", 1, asked)])
        store.settle(run.run_id, 1, [_settled(name, "b")])
        assert (_remembered(store, name) == (run.run_id, asked, 301, None)) == is_newest
        assert store.known_page(_id(name)).url == _url(name)
    later = store.start_run(RunSpec(kind="batch"))
    store.add_targets(later, [Target(_url("a"), _id("a")), Target(_url("new"), _id("new"))])
    assert store.link_fresh(later, 1e12, "r") == 0


def test_a_page_that_ended_unread_is_known(store, crawl):
    run = crawl("open")
    store.add_found(run.run_id, 1, [_found("shut", 1, state=PageState.SKIPPED, reason=Reason.BLOCKED_BY_ROBOTS)])
    assert store.known_page(_id("shut")).url == _url("shut")
    assert store.known_page(_id("shut")).project_id == "default"
    assert store.known_page(_id("open")) is None


def test_a_redirect_that_another_took_over_is_left_alone(store, crawl):
    run = crawl("a")
    store.lease(run.run_id, 1, "slow", 9, now=NOW)
    store.lease(run.run_id, 1, "next", 9, now=NOW + 200)
    store.commit(run.run_id, 1, "slow", redirects=[Redirected(_id("a"), 302, None, 1, NOW)])
    assert store.standings(run.run_id) == {}
    store.commit(run.run_id, 1, "next", redirects=[Redirected(_id("a"), 302, None, 1, NOW)])
    assert store.standings(run.run_id) == {_url("a"): Standing(_id("a"), 302, None, None, redirects=True)}


def test_settling_leaves_other_pages_alone(store, crawl, scanned):
    run = crawl("a")
    store.write_commit(run.run_id, 1, "h", "k", [scanned(_url("a"))])
    assert store.settle(run.run_id, 1, []) == 0
    assert list(store.sql("SELECT title FROM pages").rows) == [("Tea",)]


def test_what_was_just_found_is_leased_with_it(store, crawl):
    run = crawl()
    assert _leased(store, run) == [""]
    assert _leased(store, run, found=[_found("a"), _found("")]) == ["a"]
    assert store.progress(run.run_id).total == 2
    store.resume_run(run.run_id)
    with pytest.raises(StaleEpoch):
        _leased(store, run, found=[_found("b")])
    assert store.progress(run.run_id).total == 2
