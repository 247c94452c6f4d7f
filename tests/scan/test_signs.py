"""Signs of life of a run's process, for other machines."""

import asyncio
import logging
import time

import pytest

from tasks.errors import StoreError
from tasks.scan import task
from tasks.scan.task import Plan, recorded
from tasks.store import driver
from tasks.store.schema import runs


def _seen_at(store, run_id):
    with store._catalogue.read() as connection:
        return connection.execute(runs.select().where(runs.c.run_id == run_id)).one().seen_at


@pytest.fixture
def plan(begin, settings):
    run, _ = begin(["https://e.com/"])
    return Plan(run=run, settings=settings, project_id="default", user_id="local")


async def test_it_shows_them_while_it_commits_nothing_and_not_after_its_end(store, plan, monkeypatch):
    monkeypatch.setattr(task, "SIGN_EVERY", 0.05)
    run_id, began = plan.run.run_id, time.time()
    async with recorded(plan):
        while (_seen_at(store, run_id) or 0.0) < began + 0.2:  # noqa: ASYNC110 - a thread writes it
            await asyncio.sleep(0.05)
    last = _seen_at(store, run_id)
    await asyncio.sleep(0.2)
    assert _seen_at(store, run_id) == last


async def test_one_that_cannot_be_written_is_told_and_the_next_is_written(store, plan, monkeypatch, caplog):
    failing, show = [StoreError("the disk is full")], task._show_sign

    def shown(plan):
        if failing:
            raise failing.pop()
        show(plan)

    monkeypatch.setattr(task, "SIGN_EVERY", 0.05)
    monkeypatch.setattr(task, "_show_sign", shown)
    monkeypatch.setattr(task, "get_run_logger", lambda: logging.getLogger("signs"))
    async with recorded(plan), asyncio.timeout(10):
        while _seen_at(store, plan.run.run_id) is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
    assert caplog.messages == ["no sign of life was written: the disk is full"]


async def test_a_crawl_that_is_judged_elsewhere_is_not_taken_over(store, plan):
    run_id = plan.run.run_id
    with store._catalogue.write() as connection:
        long_ago = time.time() - 3600
        connection.execute(runs.update().values(taken_at=long_ago, last_commit_at=long_ago, parent_node="elsewhere"))
    assert store.driver_of(run_id) is None
    async with recorded(plan), asyncio.timeout(10):
        while store.driver_of(run_id) is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
    assert f"gone {driver.SIGN_SECONDS:.0f} seconds after its last sign" in store.driver_of(run_id)
