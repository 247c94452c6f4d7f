"""Work that takes much memory, in a process of its own: with its end the machine has all of it back."""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from tasks.scan.pool_task import WorkerDied
from tasks.scan.process import enter_pool_child, interrupts_kept_back

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def in_own_process(
    work: Callable[Arguments, Result], *arguments: Arguments.args, **options: Arguments.kwargs
) -> Result:
    """What ``work``, a function of a module, returns or raises; its process does not outlive this one.

    Raises:
        WorkerDied: the process died, as for want of memory.
    """
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=enter_pool_child)
    try:
        with interrupts_kept_back():
            future = pool.submit(work, *arguments, **options)
        return await asyncio.wrap_future(future)
    except BrokenProcessPool as error:
        raise WorkerDied(f"the process of {work.__name__} died: is there memory enough?") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
