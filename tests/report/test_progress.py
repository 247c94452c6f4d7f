"""The progress of a run ends with the run."""

import asyncio

import pytest

from tasks.report.task import reported_progress
from tasks.store import Store


@pytest.mark.parametrize("moments", range(8))
async def test_it_ends_whatever_an_update_is_at(tmp_path, monkeypatch, moments):
    Store.open(tmp_path).close()
    shown = asyncio.Event()
    monkeypatch.setattr("tasks.report.task._ProgressBar.show", lambda *_: shown.wait())
    async with asyncio.timeout(10):
        async with reported_progress(str(tmp_path), "r", tell=None):
            await asyncio.sleep(0.01)
            shown.set()
            for _ in range(moments):
                await asyncio.sleep(0)
