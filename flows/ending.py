"""The end of a run's own process."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

SERVED = "SEO_SERVED"
"""Set in the environment by who ends the runs that Prefect starts for it."""


class _Mute:
    """Closes stderr when the interpreter frees its last objects: after all that Python has to say.

    Threads of Prefect that outlive a run keep DuckDB's module from being freed, which then writes forty lines.
    """

    def __init__(self) -> None:
        self._nowhere = os.open(os.devnull, os.O_WRONLY)

    def __del__(self, dup2: Callable[..., Any] = os.dup2) -> None:
        dup2(self._nowhere, 2)


def end_quietly() -> None:
    """Has this process end without complaints, where Prefect started it for one run.

    Ctrl-C is left to who serves: it would meet Prefect in the middle of its own end.
    """
    if not os.environ.get("PREFECT__FLOW_RUN_ID"):
        return
    sys._seo_scan_mute = _Mute()  # type: ignore[attr-defined]  # noqa: SLF001 - freed last of all modules
    if os.environ.get(SERVED) and threading.current_thread() is threading.main_thread():
        import polars  # noqa: F401, ICN001, PLC0415 - takes SIGINT over when it is imported

        signal.signal(signal.SIGINT, signal.SIG_IGN)
