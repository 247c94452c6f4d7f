import asyncio
import threading
from dataclasses import replace

import pytest

from tasks.model import FetchFailure, PageState, Reason, Response, ScannedPage, Verdict
from tasks.scan import committer as room
from tasks.scan.committer import Committer
from tasks.store import Retry


def page(number):
    url = f"http://h/{number}"
    return ScannedPage(
        page_id=str(number),
        url=url,
        state=PageState.FAILED,
        reason=Reason.DNS,
        answer=FetchFailure(url=url, reason=Reason.DNS),
        page=None,
        verdict=Verdict(),
    )


class Written:
    def __init__(self, fail_at=None):
        self.batches = []
        self.at_once = 0
        self._fail_at = fail_at
        self._lock = threading.Lock()

    def __call__(self, number, pages, retries):
        assert self._lock.acquire(blocking=False), "two writes at once"
        try:
            if number == self._fail_at:
                raise OSError("disk full")
            self.batches.append((number, [page.page_id for page in pages], [retry.page_id for retry in retries]))
        finally:
            self._lock.release()


async def test_every_page_is_written_once_in_batches_of_at_most_two_hundred():
    written = Written()
    async with Committer(written, on_failure=lambda: None) as committer:
        for number in range(777):
            committer.add(page(number))
    ids = [page_id for _, pages, _ in written.batches for page_id in pages]
    assert ids == [str(number) for number in range(777)]
    assert max(len(pages) for _, pages, _ in written.batches) == 200
    assert [number for number, _, _ in written.batches] == list(range(len(written.batches)))


async def test_flush_writes_what_is_there():
    written = Written()
    async with Committer(written, on_failure=lambda: None) as committer:
        committer.add(page(1))
        committer.retry(Retry("2", 1, 0.0))
        await committer.flush()
        assert written.batches == [(0, ["1"], ["2"])]


async def test_few_pages_are_written_when_time_is_over(monkeypatch):
    monkeypatch.setattr(room, "COMMIT_SECONDS", 0.01)
    written = Written()
    async with Committer(written, on_failure=lambda: None) as committer:
        committer.add(page(1))
        for _ in range(200):
            if written.batches:
                break
            await asyncio.sleep(0.01)
        assert written.batches == [(0, ["1"], [])]


async def test_a_failed_write_is_told_at_once_and_raised_at_the_end():
    told = []
    with pytest.raises(OSError, match="disk full"):
        async with Committer(Written(fail_at=1), on_failure=lambda: told.append(1)) as committer:
            for number in range(500):
                committer.add(page(number))
            await committer.flush()
    assert told == [1]


async def test_done_pages_are_kept_when_the_chunk_is_cancelled():
    written = Written()
    with pytest.raises(asyncio.CancelledError):
        async with Committer(written, on_failure=lambda: None) as committer:
            committer.add(page(1))
            raise asyncio.CancelledError
    assert written.batches == [(0, ["1"], [])]


async def test_pages_are_read_one_by_one_while_the_disk_is_behind():
    disk = threading.Event()
    read = []
    body = b"x" * room.MAX_WAITING
    large = replace(page(0), answer=Response(url="http://h/0", status=200, body=body))

    async def reader(number):
        await committer.until_room()
        read.append(number)
        committer.add(replace(large, page_id=str(number)))

    async with Committer(lambda *_: disk.wait(), on_failure=lambda: None) as committer:
        readers = [asyncio.create_task(reader(number)) for number in range(3)]
        await asyncio.wait(readers, timeout=0.05)
        assert read == [0]
        disk.set()
        await asyncio.wait(readers)
    assert read == [0, 1, 2]


async def test_large_pages_make_small_batches():
    written = Written()
    body = b"x" * (room.COMMIT_WEIGHT // 4)
    large = replace(page(0), answer=Response(url="http://h/0", status=200, body=body))
    async with Committer(written, on_failure=lambda: None) as committer:
        for number in range(10):
            committer.add(replace(large, page_id=str(number)))
    assert [page_id for _, pages, _ in written.batches for page_id in pages] == [str(number) for number in range(10)]
    assert max(len(pages) for _, pages, _ in written.batches) == 4
