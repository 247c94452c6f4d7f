import asyncio

import pytest

from tasks.scan.workers import HostWorkers
from tasks.store import Lease


def leases(host, count):
    return [Lease(f"{host}{n}", f"http://{host}/{n}", 0, 0) for n in range(count)]


async def test_a_slow_host_holds_up_no_other():
    order = []
    release = asyncio.Event()

    async def work(lease):
        if "slow" in lease.url:
            await release.wait()
        order.append(lease.page_id)

    async with HostWorkers(work, per_host=2) as workers:
        workers.feed(leases("slow", 10) + leases("fast", 3))
        await workers.until(lambda: len(order) == 3, seconds=5)
        assert order == ["fast0", "fast1", "fast2"]
        assert workers.queued == 8
        release.set()
        await workers.until(lambda: workers.idle, seconds=5)
    assert len(order) == 13


async def test_no_host_gets_more_workers_than_it_may():
    active = peak = 0

    async def work(_):
        nonlocal active, peak
        active += 1
        peak = max(peak, active)
        await asyncio.sleep(0)
        active -= 1

    async with HostWorkers(work, per_host=3) as workers:
        workers.feed(leases("a", 5))
        workers.feed(leases("a", 20))
        await workers.until(lambda: workers.idle, seconds=5)
    assert peak == 3


async def test_a_failure_of_the_work_is_raised_to_who_waits():
    async def work(lease):
        raise RuntimeError(lease.page_id)

    async with HostWorkers(work, per_host=1) as workers:
        workers.feed(leases("a", 2))
        with pytest.raises(RuntimeError, match="a0"):
            await workers.until(lambda: False, seconds=5)


async def test_a_failure_that_nobody_waited_for_is_raised_at_the_end():
    async def work(lease):
        raise RuntimeError(lease.page_id)

    async with HostWorkers(work, per_host=1) as workers:
        workers.feed(leases("a", 1))
        while not workers.idle:  # noqa: ASYNC110 - nobody may wait by the workers' own means
            await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="a0"):
            await workers.finish(5)


async def test_finish_begins_nothing_new():
    done = []

    async def work(lease):
        await asyncio.sleep(0.01)
        done.append(lease.page_id)

    async with HostWorkers(work, per_host=1) as workers:
        workers.feed(leases("a", 5))
        await asyncio.sleep(0)
        await workers.finish(5)
    assert done == ["a0"]
