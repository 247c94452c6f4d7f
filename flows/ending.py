"""The end of a run's own process."""

import os
import sys
from collections.abc import Callable
from typing import Any


class _Mute:
    """Closes stderr when the interpreter frees its last objects: after all that Python has to say.

    Threads of Prefect that outlive a run keep DuckDB's module from being freed, which then writes forty lines.
    """

    def __init__(self) -> None:
        self._nowhere = os.open(os.devnull, os.O_WRONLY)

    def __del__(self, dup2: Callable[..., Any] = os.dup2) -> None:
        dup2(self._nowhere, 2)


def end_quietly() -> None:
    """Has this process end without DuckDB's complaint, where Prefect started it for one run."""
    if os.environ.get("PREFECT__FLOW_RUN_ID"):
        sys._seo_scan_mute = _Mute()  # type: ignore[attr-defined]  # noqa: SLF001 - freed last of all modules
