"""Whatever a server sends: an answer or a failure with its reason, in time, and good pages beside it get done."""

import asyncio
import logging
import resource
import time

import pytest

from tasks.audit.profile import Profile
from tasks.model import FetchFailure, FetchOptions, PageState, Response
from tasks.scan.chunk import Chunk
from tasks.scan.pipeline import PagePipeline
from tasks.scan.records import begin_run, jobs_of, targets_of
from tasks.scan.settings import ScanSettings
from tasks.store import RunSpec, Store, connect
from tests.chaos.raw_server import GOOD, NAMES, good_paths, path_of, serving
from tests.memory_ledger import MemoryLedger

pytestmark = pytest.mark.chaos

HELD = 6.0
"""Seconds that one page may hold a chunk: a parser's helper has five."""


async def test_every_reply_ends_in_time_as_an_answer_or_a_reason(short, record, caplog):
    assert len(set(NAMES)) >= 200
    deadline = 1.0 if short else 5.0
    late, slow, seen, longest = {}, {}, set(), 0.0
    with serving() as allow:
        options = FetchOptions(allow=(allow,), deadline=deadline, concurrency=4, rate=0)
        async with PagePipeline(options, Profile(), MemoryLedger(), "chaos") as pipeline:

            async def some(waiting):
                return [(name, await pipeline.fetcher.fetch(f"http://{allow}{path_of(name)}")) for name in waiting]

            waiting = iter(NAMES)
            fetched = [one for part in await asyncio.gather(*(some(waiting) for _ in range(4))) for one in part]
            for name, answer in fetched:
                assert isinstance(answer, Response | FetchFailure)
                seen.add(answer.status if isinstance(answer, Response) else answer.reason)
                longest = max(longest, answer.elapsed_ms / 1000)
                late |= {name: answer.elapsed_ms} if answer.elapsed_ms > 1000 * (deadline + 1) else {}
                began = time.monotonic()
                assert (await pipeline.judge("p", answer.url, answer)).state in PageState
                took = time.monotonic() - began
                slow |= {name: took} if took > HELD else {}
    assert (late, slow, complaints(caplog)) == ({}, {}, [])
    assert len(seen) > 12  # replies differ in what they bring about
    record("hostile-replies", replies=len(NAMES), uncaught=0, deadline_s=deadline, longest_s=round(longest, 2))


async def test_a_chunk_with_all_of_them_at_once_does_its_good_pages(tmp_path, record, caplog):
    paths = sorted([*map(path_of, NAMES), *good_paths()], key=lambda path: path[::-1])  # good ones among the others
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving() as allow:
        options = FetchOptions(allow=(allow,), deadline=8, read_timeout=5, concurrency=32, rate=0, max_tries=2)
        settings = ScanSettings(data=str(tmp_path / "data"), options=options, max_age=0)
        with Store.open(settings.data) as store:
            urls = [f"http://{allow}{path}" for path in paths]
            run = begin_run(store, RunSpec(kind="batch"), targets_of("default", urls), settings)
            jobs = [job for job, _ in jobs_of(store, run, settings, deadline=time.time() + 600)]
            reports = [await Chunk(job, store).run() for job in jobs]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    with connect(settings.data) as facts:
        found = facts.execute("SELECT url, outcome, title, reason FROM pages").fetchall()
    assert [report.stopped for report in reports if report.stopped] == []
    assert sorted(url for url, *_ in found) == sorted(urls)
    assert {outcome for _, outcome, *_ in found} <= {"completed", "failed", "skipped"}
    lost = [page for page in found if "/good" in page[0] and page[1:] != ("completed", "Tea", None)]
    assert (lost, sum("/good" in url for url, *_ in found)) == ([], GOOD)
    assert complaints(caplog) == []
    record("hostile-chunk", hostile=len(NAMES), good=GOOD, good_lost=len(lost), memory_grown_mb=round(grown))


def complaints(caplog):
    """What was logged, but for what the threads of clients that other tests had still tell of their end."""
    return [told.getMessage() for told in caplog.records if told.levelno >= logging.WARNING]
