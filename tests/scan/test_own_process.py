import os
import subprocess
import sys

import pytest

from tasks.scan import site
from tasks.scan.merging import merge_parts
from tasks.scan.own_process import in_own_process
from tasks.scan.pool_task import WorkerDied
from tasks.store import Compacted, RunSpec


async def test_work_is_done_elsewhere():
    assert await in_own_process(os.getpid) != os.getpid()


async def test_a_store_is_opened_elsewhere_and_what_was_merged_is_told(store):
    run = store.start_run(RunSpec(kind="batch"))
    assert await in_own_process(merge_parts, str(store.path), run.run_id) == Compacted()


@pytest.mark.parametrize("work", [merge_parts, site.judge])
def test_work_that_takes_memory_does_not_take_that_of_prefect(work):
    script = (
        f"import sys, tasks.scan.process, {work.__module__}; print('polars' in sys.modules, 'prefect' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True).stdout == b"True False\n"


async def test_what_work_raises_is_raised_here():
    with pytest.raises(ValueError, match="invalid literal"):
        await in_own_process(int, "one")


async def test_a_process_that_dies_is_named():
    with pytest.raises(WorkerDied, match="the process of _exit died: is there memory enough"):
        await in_own_process(os._exit, 3)
