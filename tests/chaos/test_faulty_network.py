"""A third of all answers goes wrong: every page comes to an end, with few requests, and none before its time."""

import asyncio
import time

import pytest

from tasks.model import FetchOptions
from tasks.scan.chunk import Chunk
from tasks.scan.records import begin_run, jobs_of, targets_of
from tasks.scan.settings import ScanSettings
from tasks.store import RunSpec, Store, connect
from tests.chaos.faulty_site import Shares, serving

pytestmark = pytest.mark.chaos


async def test_all_pages_come_to_an_end(tmp_path, short, record):
    pages = 300 if short else 5000
    with serving(Shares()) as site:
        options = FetchOptions(allow=(site.host_port,), read_timeout=1.5, concurrency=32, rate=0)
        settings = ScanSettings(data=str(tmp_path / "data"), options=options, max_age=0)
        urls = [f"http://{site.host_port}/{number:05}" for number in range(pages)]
        with Store.open(settings.data) as store:
            run = begin_run(store, RunSpec(kind="batch"), targets_of("default", urls), settings)
            jobs = [job for job, _ in jobs_of(store, run, settings, deadline=time.time() + 3600)]
            await asyncio.gather(*(Chunk(job, store).run() for job in jobs[:4]))
            for job in jobs[4:]:
                await Chunk(job, store).run()
            left = store.progress(run.run_id)
        requests = [len(times) for path, times in site.requests.items() if path != "/robots.txt"]
        faults = {name: count for name, count in site.faults.items() if name != "none"}
    assert set(faults) == {"reset", "unavailable", "stalled", "truncated"}
    with connect(settings.data) as facts:
        found = facts.execute("SELECT url, outcome, reason, status FROM pages ORDER BY url").fetchall()
    assert [url for url, *_ in found] == urls
    assert (left.total, left.done) == (pages, pages)
    assert site.early == []
    assert max(requests) <= options.max_tries + 1  # the first is sent again where it went over a kept connection
    per_url = sum(requests) / pages
    assert per_url <= 1.6
    record(
        "faulty-network",
        pages=pages,
        faulty_answers=sum(faults.values()),
        not_terminal=pages - left.done,
        requests_per_url=round(per_url, 2),
        before_retry_after=len(site.early),
        given_up=sum(outcome == "failed" or status == 503 for _, outcome, _, status in found),
    )
