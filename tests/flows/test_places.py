"""How many runs go on at once."""

import asyncio
import logging

import pytest
from prefect import flow

from tasks.scan import places_task as places

pytestmark = pytest.mark.usefixtures("prefect_db")


@pytest.fixture
def one_place(monkeypatch):
    monkeypatch.setattr(places, "RUNS_AT_ONCE", "seo-scan-runs-of-one")
    monkeypatch.setattr(places, "RUNS_AT_ONCE_DEFAULT", 1)
    monkeypatch.setattr(places, "TOLD_AFTER", 0.2)


@pytest.mark.usefixtures("one_place")
async def test_a_run_without_a_place_says_so_and_goes_on_when_another_ends(caplog):
    caplog.set_level(logging.WARNING)
    begun, may_end, order = asyncio.Event(), asyncio.Event(), []

    @flow
    async def first():
        async with places.run_slot():
            begun.set()
            await may_end.wait()
            order.append("first ends")

    @flow
    async def second():
        async with places.run_slot():
            order.append("second begins")

    async def told():
        while "seo-scan-runs-of-one has no place left" not in caplog.text:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.05)

    runs = asyncio.create_task(first())
    await begun.wait()
    assert "waits" not in caplog.text
    waiting = asyncio.create_task(second())
    async with asyncio.timeout(20):
        await told()
    assert order == []
    may_end.set()
    await asyncio.gather(runs, waiting)
    assert order == ["first ends", "second begins"]
    assert caplog.text.count("waits: the global") == 1


@pytest.mark.usefixtures("one_place")
async def test_a_temporary_server_has_no_limit(monkeypatch):
    monkeypatch.setenv(places.TEMPORARY, "http://127.0.0.1:1/api")

    async def held_twice():
        async with places.run_slot(), places.run_slot():
            return "both"

    async with asyncio.timeout(20):
        assert await held_twice() == "both"
