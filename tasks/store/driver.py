"""The process that drives a run, and whether it still does."""

import os
import platform
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update

from tasks.store.leases import AHEAD_SECONDS, is_over
from tasks.store.records import RunState
from tasks.store.schema import frontier, runs

SIGN_SECONDS = 120.0
"""How long a process of another machine counts as alive after its last sign: as long as a lease of pages."""


BOOT = Path("/proc/sys/kernel/random/boot_id")
PROCESSES = Path("/proc/self/ns/pid")


@cache
def this_node() -> str:
    """This machine or container, by its name, boot and numbering of processes: numbers mean nothing elsewhere.

    By the name alone where the platform tells no more.
    """
    marks = [platform.node()]
    with suppress(OSError):
        marks += [BOOT.read_text().strip(), str(PROCESSES.readlink())]
    return "/".join(marks)


def driver_of(connection: Connection, run_id: str) -> str | None:
    """The other process that works on the run, in words: one here that lives, or one elsewhere that shows signs."""
    run = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
    if run is None or run.state != RunState.RUNNING or not run.parent_pid:
        return None
    words = f"process {run.parent_pid}"
    if run.parent_node not in {None, this_node()}:
        gone = f"which counts as gone {SIGN_SECONDS:.0f} seconds after its last sign"
        name = run.parent_node.partition("/")[0]
        return f"{words} of {name} ({gone})" if _shows_signs(connection, run) else None
    return words if run.parent_pid != os.getpid() and _lives(run.parent_pid, run.taken_at) else None


def show_sign(connection: Connection, run_id: str, epoch: int) -> None:
    """Of the process that drives the run in that epoch: it commits nothing while it reads sitemaps or judges a site."""
    driven = (runs.c.run_id == run_id, runs.c.epoch == epoch)
    connection.execute(update(runs).where(*driven).values(seen_at=time.time()))


def _shows_signs(connection: Connection, run: Row[Any]) -> bool:
    now = time.time()
    signs = (run.taken_at, run.last_commit_at or 0.0, run.seen_at or 0.0)
    if any(now - SIGN_SECONDS < sign < now + AHEAD_SECONDS for sign in signs):
        return True
    held = select(exists().where(frontier.c.run_id == run.run_id, ~is_over(frontier.c.lease_until, now)))
    return bool(connection.execute(held).scalar_one())


def _lives(pid: int, taken_at: float) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    started = _started_at(pid)
    # younger than the run, it has another's old number; ticks are hundredths of a second
    return started is None or started <= taken_at + 1


def _started_at(pid: int) -> float | None:
    """When a process began, seconds since the epoch; None where the platform does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except OSError:
        return None
    ticks = float(stat.rpartition(")")[2].split()[19])
    return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
