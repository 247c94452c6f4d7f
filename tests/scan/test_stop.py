import asyncio
import os
import time

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
