"""What a process that works on chunks does at its start."""

import asyncio
import atexit
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.extract.apart import Extractor
from tasks.logs import keep_clean
from tasks.scan.memory import collect_rarely, give_memory_back
from tasks.store.driver import this_node

LOOK_EVERY = 1.0
POOL_SIZE = min(4, os.cpu_count() or 1)
IN_PROCESS_PAGES = 200
"""Up to this many open pages, starting further processes costs more than they save."""

GRACE = 5.0


@contextmanager
def interrupts_kept_back() -> Iterator[None]:
    """Keeps Ctrl-C from processes started meanwhile, and by threads started so: they import for long at first."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # both inherit it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def enter_pool_child() -> None:
    """Leaves Ctrl-C to the parent, ends when the parent has died, and uses uvloop where there is one."""
    # Takes SIGINT over when it is imported, and would raise KeyboardInterrupt in the middle of a write.
    import polars  # noqa: F401, ICN001, PLC0415 - before SIGINT is ignored

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Runs after all other exit handlers: modules that threads keep alive would complain on stderr when freed.
    atexit.register(os._exit, 0)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), name="parent-watch", daemon=True).start()
    enter_cluster_worker()


def enter_cluster_worker() -> None:
    """Prepares a process that others start and end: of the memory, the event loop and the logs."""
    give_memory_back()
    collect_rarely()
    Extractor.share_helper()
    use_fast_loop()
    keep_clean()


def holder_name() -> str:
    """A name for leases and host shares that tells whose they are."""
    return f"{this_node()}/{os.getpid()}/{secrets.token_hex(4)}"


def is_gone(holder: str) -> bool:
    """True where ``holder`` was a process of this machine that no longer runs."""
    node, _, rest = holder.rpartition("/")[0].rpartition("/")
    if node != this_node() or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def use_fast_loop() -> None:
    """Makes uvloop this process's event loop; never called in a notebook or a server."""
    if sys.platform == "win32" or sys.implementation.name != "cpython":
        return
    import uvloop  # noqa: PLC0415 - not everywhere

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def _end_with_parent(parent: int) -> None:
    # An idle child waits on a pipe that its siblings keep open: nothing else would tell it.
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    time.sleep(GRACE)
    os._exit(1)
