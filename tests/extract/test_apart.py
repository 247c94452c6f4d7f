import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import uvloop

import tasks
from tasks.errors import SeoScanError
from tasks.extract import apart
from tasks.extract.apart import Extractor
from tasks.extract.page import extract
from tasks.model import Response

ROOT = Path(tasks.__path__[0]).parent
MANY_TAGS = "<title>Tea</title>" + "<p>Green <a href='/tea'>tea</a></p>" * 6_000
ENDLESS = "<div>" * 200_000


def response(source: str) -> Response:
    return Response(url="https://shop.example/", status=200, body=source.encode(), text=source, encoding="utf-8")


def helper_pid(extractor: Extractor) -> int:
    process = extractor._helper._process
    assert process is not None
    return process.pid


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_an_ordinary_page_is_read_in_this_process():
    async with Extractor() as extractor:
        ordinary = response("<title>Tea</title>")
        assert await extractor(ordinary) == extract(ordinary)
        assert extractor._helper._process is None


async def test_a_page_that_crashes_us_is_unparsable_and_told_of(monkeypatch, caplog):
    def broken(_):
        raise LookupError("no such codec")

    monkeypatch.setattr(apart, "extract", broken)
    async with Extractor() as read:
        assert await read(response("<title>Tea</title>")) is None
    (told,) = caplog.records
    assert told.message == "https://shop.example/ cannot be read: a fault of seo-scan, please report it"
    assert told.exc_info[0] is LookupError


async def test_a_suspicious_page_is_read_apart_with_the_same_facts():
    async with Extractor() as extractor:
        many = response(MANY_TAGS)
        assert await extractor(many) == extract(many)
        pid = helper_pid(extractor)
        assert await asyncio.gather(extractor(many), extractor(many)) == [extract(many)] * 2
        assert helper_pid(extractor) == pid
    assert not is_alive(pid)


@pytest.mark.parametrize(
    "source",
    [
        ENDLESS,
        "<p " + " ".join(f"a{number:x}" for number in range(100_000)) + ">",
        "<p " + "".join(f"a{number:x}" + (" " if number % 500 else "='<b>' ") for number in range(100_000)) + ">",
        ("<\0p " + " ".join(f"a{number:x}" for number in range(10_000)) + ">") * 20,
        "<p>" + "<b><i x=1></x>" * 60_000,
    ],
    ids=["nested", "attributes", "attributes among tags", "attributes behind NUL", "formatting"],
)
async def test_a_page_that_takes_too_long_is_unparsable_and_the_next_is_read(source):
    async with Extractor(seconds=0.3) as extractor:
        assert await extractor(response(source)) is None
        extractor._helper._seconds = 20  # of the next one: a busy machine takes longer to begin it
        page = await extractor(response(MANY_TAGS))
        assert page is not None
        assert page.title == "Tea"


async def test_a_page_that_takes_too_much_memory_is_unparsable():
    repeated = "<p>" + "".join(f"<b id={number}>" for number in range(3_000)) + "<p>x" * 3_000
    async with Extractor(seconds=20) as extractor:
        assert await extractor(response(repeated)) is None


async def test_an_attribute_of_ten_megabytes_is_read_apart_and_cut():
    async with Extractor() as extractor:
        page = await extractor(response(f"<title>Tea</title><img alt='{'x' * 10_000_000}'>"))
        assert page is not None
        assert len(page.images[0].alt or "") == 10_000


async def test_a_helper_killed_from_outside_is_replaced():
    async with Extractor() as extractor:
        await extractor(response(MANY_TAGS))
        os.kill(helper_pid(extractor), signal.SIGKILL)
        wait_until_gone(helper_pid(extractor))
        page = await extractor(response(MANY_TAGS))
        assert page is not None
        assert page.title == "Tea"


async def test_the_helper_ignores_an_interrupt():
    async with Extractor() as extractor:
        await extractor(response(MANY_TAGS))
        pid = helper_pid(extractor)
        os.kill(pid, signal.SIGINT)
        assert await extractor(response(MANY_TAGS)) is not None
        assert helper_pid(extractor) == pid


async def test_a_cancelled_page_does_not_hold_up_the_next():
    async with Extractor(seconds=60) as extractor:
        await extractor(response(MANY_TAGS))
        endless = asyncio.create_task(extractor(response(ENDLESS)))
        await asyncio.sleep(0.1)
        endless.cancel()
        with pytest.raises(asyncio.CancelledError):
            await endless
        page = await extractor(response(MANY_TAGS))
        assert page is not None
        assert page.title == "Tea"


async def test_a_helper_that_does_not_start_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    async with Extractor() as extractor:
        with pytest.raises(SeoScanError, match="/bin/false"):
            await extractor(response(MANY_TAGS))


def test_it_works_under_another_loop_in_another_thread():
    titles = []

    async def read() -> None:
        async with Extractor() as extractor:
            page = await extractor(response(MANY_TAGS))
            titles.append(page and page.title)

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(read())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert titles == ["Tea"]


PARENT = f"""
import asyncio, sys
sys.path.insert(0, {str(ROOT)!r})
from tasks.extract import apart
from tasks.extract.apart import Extractor
from tasks.model import Response

def response(source):
    return Response(url="https://shop.example/", status=200, text=source, body=source.encode())

async def main():
    async with Extractor(seconds=1) as extractor:
        await extractor(response("<p></p>" * 12_000))
        endless = asyncio.create_task(extractor(response("<div>" * 400_000)))
        await asyncio.sleep(0.2)
        print(extractor._helper._process.pid, flush=True)
        await endless

asyncio.run(main())
"""


def test_a_busy_helper_does_not_outlive_its_parent(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    wait_until_gone(pid)


def test_the_helper_imports_neither_prefect_nor_an_http_client():
    code = "import sys, tasks.extract.helper; print({'prefect', 'aiohttp', 'httpx', 'duckdb'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
