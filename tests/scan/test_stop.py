import asyncio
import os
import time

import pytest

from tasks.scan import stop as stop_room
from tasks.scan.stop import StopWatch

FAR = 1e12


async def test_nothing_speaks_against_going_on():
    async with StopWatch(lambda: False, deadline=FAR, parent_pid=os.getppid()) as stop:
        await asyncio.sleep(0.02)
        assert stop.reason == ""


async def test_the_stop_mark_is_seen():
    async with StopWatch(lambda: True, deadline=FAR) as stop:
        await stop.sleep(5)
        assert stop.reason == "stopped"


async def test_time_is_over():
    async with StopWatch(lambda: False, deadline=time.time() - 1) as stop:
        await stop.sleep(5)
        assert stop.reason == "deadline"


async def test_another_parent_means_orphaned():
    async with StopWatch(lambda: False, deadline=FAR, parent_pid=os.getppid() + 1) as stop:
        await stop.sleep(5)
        assert stop.reason == "orphaned"


async def test_the_first_reason_stays():
    async with StopWatch(lambda: False, deadline=FAR) as stop:
        stop.stop("commit failed")
        stop.stop("stopped")
        assert stop.reason == "commit failed"


async def test_a_run_that_cannot_be_read_is_not_gone_on_with():
    def broken():
        raise OSError("no such folder")

    async with StopWatch(broken, deadline=FAR) as stop:
        await stop.sleep(5)
        assert stop.reason == "the run cannot be read: no such folder"


@pytest.mark.parametrize("before", [True, False])
async def test_what_is_under_way_has_some_seconds_more(monkeypatch, before):
    monkeypatch.setattr(stop_room, "FINISH_SECONDS", 0.05)
    stop = StopWatch(lambda: False, deadline=FAR)
    loop = asyncio.get_running_loop()
    loop.call_soon(stop.stop, "stopped") if not before else stop.stop("stopped")
    begun = loop.time()
    assert await stop.in_time(asyncio.sleep(60, "done")) is None
    assert 0.04 < loop.time() - begun < 5
    assert await stop.in_time(asyncio.sleep(0, "done")) == "done"


async def test_what_is_under_way_may_take_its_time_before():
    stop = StopWatch(lambda: False, deadline=FAR)
    assert await stop.in_time(asyncio.sleep(0.01, "done")) == "done"
    with pytest.raises(TimeoutError, match="its own"):
        await stop.in_time(_late())


async def _late():
    raise TimeoutError("its own")
