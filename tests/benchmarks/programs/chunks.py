"""The chunks of a batch without Prefect: ``chunks.py LIST CONNECTIONS``, in the folder it is to write to.

The same records, chunks, processes and judging as `seo batch`; what that costs more is orchestration.
"""

import asyncio
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tasks.crawl.lists import read_list
from tasks.model import FetchOptions
from tasks.scan import site
from tasks.scan.chunk import Chunk, ChunkJob
from tasks.scan.process import POOL_SIZE, enter_pool_child
from tasks.scan.records import NEVER, begin_run, end_run, jobs_of, targets_of
from tasks.scan.settings import ScanSettings
from tasks.store import RunSpec, Store
from tasks.urls import host_port


def scan(job: ChunkJob) -> int:
    """One chunk; how many pages it did."""
    with Store.open(job.settings.data) as store:
        return asyncio.run(Chunk(job, store).run()).pages


def main(listed: str, connections: str) -> None:
    urls = read_list(listed).urls
    options = FetchOptions(
        allow=tuple(sorted({host_port(url) for url in urls})), concurrency=int(connections), rate=0.0
    )
    settings = ScanSettings(data=str(Path("data").absolute()), options=options)
    with Store.open(settings.data) as store:
        spec = RunSpec(kind="batch", parent_pid=os.getpid())
        run = begin_run(store, spec, targets_of("default", urls), settings)
        jobs = [job for job, _ in jobs_of(store, run, settings, deadline=NEVER)]
        if len(jobs) == 1:
            pages = scan(jobs[0])
        else:
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(POOL_SIZE, mp_context=spawn, initializer=enter_pool_child) as pool:
                pages = sum(pool.map(scan, jobs))
        site.judge_list(settings, store, run.run_id, run.epoch)
        ended = end_run(store, run, "")
    print(json.dumps({"pages": pages, "seconds": pages / (ended.pages_per_second or 1)}))  # noqa: T201 - the result


if __name__ == "__main__":
    main(*sys.argv[1:])
