"""The raw limit: our client fetches, Lexbor parses, nothing is read or kept. ``raw.py LIST CONNECTIONS``.

In as many processes as a run of ours uses; the time is from when all have begun to the last page's end.
"""

import asyncio
import json
import multiprocessing
import sys
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from tasks.fetch.fetcher import Fetcher
from tasks.model import FetchOptions, Response
from tasks.scan.process import POOL_SIZE, use_fast_loop
from tasks.urls import host_port


async def parse_all(urls: list[str], connections: int) -> int:
    """Pages that were fetched and parsed."""
    waiting, parsed = iter(urls), 0

    async def work(fetcher: Fetcher) -> None:
        nonlocal parsed
        for url in waiting:
            answer = await fetcher.fetch(url)
            if isinstance(answer, Response) and answer.text is not None:
                LexborHTMLParser(answer.text.encode())
                parsed += 1

    async with Fetcher(FetchOptions(allow=tuple({host_port(url) for url in urls}))) as fetcher:
        await asyncio.gather(*(work(fetcher) for _ in range(connections)))
    return parsed


def part(
    urls: list[str], connections: int, begin: Barrier, ended: "multiprocessing.SimpleQueue[tuple[int, float]]"
) -> None:
    use_fast_loop()
    begin.wait()
    ended.put((asyncio.run(parse_all(urls, connections)), time.monotonic()))


def main(listed: str, connections: str) -> None:
    spawn = multiprocessing.get_context("spawn")  # as Prefect starts the processes of its pool
    urls = Path(listed).read_text().split()
    begin, ended = spawn.Barrier(POOL_SIZE + 1), spawn.SimpleQueue()
    parts = [
        spawn.Process(target=part, args=(urls[number::POOL_SIZE], int(connections), begin, ended))
        for number in range(POOL_SIZE)
    ]
    for process in parts:
        process.start()
    begin.wait()
    began = time.monotonic()
    results = [ended.get() for _ in parts]
    for process in parts:
        process.join()
    seconds = max(end for _, end in results) - began
    print(json.dumps({"pages": sum(pages for pages, _ in results), "seconds": seconds}))  # noqa: T201 - the result


if __name__ == "__main__":
    main(*sys.argv[1:])
