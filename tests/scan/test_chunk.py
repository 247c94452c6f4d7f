import os
import time
from functools import partial

import pytest

from tasks.errors import StaleEpoch
from tasks.extract.apart import Extractor
from tasks.model import PageState
from tasks.scan import chunk as room
from tasks.scan import stop
from tasks.scan.chunk import Chunk
from tasks.scan.records import end_run, jobs_of, resume_run
from tasks.store import RunState, connect

PAGE = '<!doctype html><html lang="en"><title>{0} is a page of the test site</title><h1>{0}</h1>'


class DiedError(BaseException):
    """Stands for the death of the process."""


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch):
    monkeypatch.setattr(room, "delay", lambda *_, **__: 0.01)


def pages_of(store):
    with connect(store.path) as facts:
        rows = facts.execute("select url, outcome, status, reason, tries from pages order by url").fetchall()
    return {url: tuple(rest) for url, *rest in rows}


async def test_every_page_ends_in_the_state_its_answer_means(store, site, begin):
    site.pages = {
        "/ok": PAGE.format("ok"),
        "/moved": (301, {"Location": "/ok"}, ""),
        "/loop": (302, {"Location": "/loop"}, ""),
        "/pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF-1.7"),
        "/empty": "",
    }
    paths = ["/ok", "/moved", "/loop", "/pdf", "/empty", "/gone"]
    _, [job] = begin([*map(site.url, paths), "http://10.0.0.1/", "no url"])
    report = await Chunk(job, store).run()
    assert (report.pages, report.failed, report.retries, report.stopped) == (7, 2, 0, "")
    assert pages_of(store) == {
        site.url("/ok"): ("completed", 200, None, 1),
        site.url("/moved"): ("completed", 200, None, 1),
        site.url("/loop"): ("failed", 302, "redirect-loop", 1),
        site.url("/pdf"): ("skipped", 200, "not-html", 1),
        site.url("/empty"): ("completed", 200, None, 1),
        site.url("/gone"): ("completed", 404, None, 1),
        "http://10.0.0.1/": ("failed", None, "address-refused", 1),
        "no url": ("failed", None, "bad-url", 0),
    }


async def test_a_page_that_cannot_be_parsed_has_a_finding(store, site, begin, monkeypatch):
    monkeypatch.setattr("tasks.scan.pipeline.Extractor", partial(Extractor, 0.3))
    site.pages = {"/deep": "<div>" * 200_000}
    run, [job] = begin([site.url("/deep")])
    await Chunk(job, store).run()
    assert pages_of(store) == {site.url("/deep"): ("failed", 200, "unparsable", 1)}
    issues = store.page_object(run.run_id, site.url("/deep"))["issues"]
    (found,) = [issue for issue in issues if issue["rule"] == "page-unparsable"]
    assert (found["severity"], found["evidence"]["observed"]) == ("warning", 1_000_000)


async def test_a_passing_failure_is_tried_again_and_a_lasting_one_is_data(store, site, begin):
    site.pages = {
        "/once": lambda count: PAGE.format("once") if count > 1 else (503, {}, ""),
        "/down": (500, {}, "down"),
    }
    _, [job] = begin([site.url("/once"), site.url("/down")])
    report = await Chunk(job, store).run()
    assert (report.pages, report.retries) == (2, 3)
    assert pages_of(store) == {
        site.url("/once"): ("completed", 200, None, 2),
        site.url("/down"): ("completed", 500, None, 3),
    }
    with connect(store.path) as facts:
        found = facts.execute("select rule from issues where url = ? and rule = 'http-5xx'", [site.url("/down")])
        assert found.fetchall() == [("http-5xx",)]


async def test_no_retry_before_the_time_the_server_asked_for(store, site, begin):
    site.pages = {"/": lambda count: PAGE.format("ok") if count > 1 else (503, {"Retry-After": "1"}, "")}
    _, [job] = begin([site.url("/")])
    await Chunk(job, store).run()
    first, second = (at for at, path in site.requests if path == "/")
    assert second - first >= 1


async def test_a_stopped_run_keeps_what_is_done_and_goes_on_without_repeating_it(
    store, site, begin, settings, monkeypatch
):
    monkeypatch.setattr(stop, "LOOK_EVERY", 0.01)
    site.pages = {f"/{n}": PAGE.format(n) for n in range(20)}

    def slowly(_):
        store.request_stop(run.run_id)
        time.sleep(0.5)
        return PAGE.format("slow")

    site.pages["/5"] = slowly
    one_at_a_time = settings.model_copy(update={"options": settings.options.model_copy(update={"concurrency": 1})})
    run, [job] = begin([site.url(f"/{n}") for n in range(20)], settings=one_at_a_time)
    report = await Chunk(job, store).run()
    ended = end_run(store, run, report.stopped)
    assert (report.stopped, ended.state) == ("stopped", RunState.INTERRUPTED)
    assert 6 <= report.pages < 20
    assert len(pages_of(store)) == report.pages
    kept = report.pages

    resumed, same = resume_run(store, run.run_id)
    [(rest, open_pages)] = jobs_of(store, resumed, same, deadline=time.time() + 100)
    report = await Chunk(rest, store).run()
    assert report.pages == open_pages == 20 - kept
    assert end_run(store, resumed, report.stopped).state == RunState.COMPLETED
    assert site.page_paths() == [f"/{n}" for n in range(20)]


async def test_nothing_is_begun_after_the_deadline(store, site, begin):
    run, [job] = begin([site.url("/")], deadline=time.time() - 1)
    report = await Chunk(job, store).run()
    ended = end_run(store, run, report.stopped)
    assert (report.pages, report.stopped) == (0, "deadline")
    assert (ended.state, ended.incomplete_reason) == (RunState.INTERRUPTED, "time is over")


async def test_a_run_that_was_resumed_elsewhere_takes_no_more_commits(store, site, begin):
    site.pages = {"/": PAGE.format("ok")}
    run, [job] = begin([site.url("/")])
    store.resume_run(run.run_id, os.getpid())
    with pytest.raises(StaleEpoch):
        await Chunk(job, store).run()
    assert pages_of(store) == {}
    assert store.progress(run.run_id).pending == 1


async def test_a_page_that_kills_its_worker_is_left_alone_in_the_end(store, site, begin, monkeypatch):
    site.pages = {f"/{n}": PAGE.format(n) for n in range(12)}
    _, [job] = begin([site.url(f"/{n}") for n in range(12)])
    poison = site.url("/7")
    judge = room.PagePipeline.judge

    async def dying(self, page_id, url, answer, **known):
        if url == poison:
            raise DiedError
        return await judge(self, page_id, url, answer, **known)

    monkeypatch.setattr(room.PagePipeline, "judge", dying)
    for _ in range(6):
        try:
            await Chunk(job, store).run()
        except DiedError:
            continue
        break
    states = {url: (state, reason) for url, (state, _, reason, _) in pages_of(store).items()}
    assert states.pop(poison) == ("quarantined", "leases-lost")
    assert set(states.values()) == {("completed", None)}
    assert len(states) == 11


def test_terminal_states_are_terminal():
    assert [state for state in PageState if not state.terminal] == [PageState.PENDING, PageState.LEASED]
