"""Whether someone still works on a run."""

import os
import time
from pathlib import Path

from tasks.store import Run, RunState


def is_alive(run: Run) -> bool:
    """True where the process that drives ``run`` still does."""
    if run.state != RunState.RUNNING or not run.parent_pid or run.parent_pid == os.getpid():
        return False
    try:
        os.kill(run.parent_pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    started, request = _started_at(run.parent_pid), run.first_request_at
    # a process younger than the first request since the run was last taken over has another's old number
    return started is None or request is None or started <= request.timestamp()


def _started_at(pid: int) -> float | None:
    """When a process began, seconds since the epoch; None where the platform does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except OSError:
        return None
    ticks = float(stat.rpartition(")")[2].split()[19])
    return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
