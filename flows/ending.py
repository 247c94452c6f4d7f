"""The end of a run's own process."""

import logging
import os
import sys
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
    logging.getLogger("asyncio").addFilter(_is_news)
    if os.environ.pop(SERVED, None):
        os.setpgid(0, 0)  # Prefect loads flows in a thread, where no signal can be ignored


def _is_news(record: logging.LogRecord) -> bool:
    """Not of the end of a cancelled run, of which Prefect has told: sixty lines of traceback say it once more."""
    from prefect.exceptions import TerminationSignal  # noqa: PLC0415 - flows are named without Prefect as well

    return not (record.exc_info and isinstance(record.exc_info[1], TerminationSignal))
