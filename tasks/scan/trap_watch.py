"""What a process knows of a crawl's traps: it follows the run's frontier, which all its processes fill."""

import math
import time
from functools import lru_cache
from threading import Lock

from tasks.crawl.traps import Traps
from tasks.store import Store

AT_ONCE = 2000
EVERY = 1.0
"""Seconds between two looks at the frontier."""

WATCHED = 4


class TrapWatch:
    """The traps of a run, for all its chunks in this process, in whatever threads."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._traps = Traps()
        self._position = 0
        self._followed = -math.inf
        self._knowing, self._following = Lock(), Lock()

    def follow(self, store: Store) -> None:
        """Takes into account what has joined the frontier since, whoever found it."""
        with self._following:
            going_on = time.monotonic() - self._followed > EVERY
            while going_on:
                self._followed = time.monotonic()
                urls, self._position = store.trap_suspects(self._run_id, self._position, AT_ONCE)
                with self._knowing:
                    self._traps.seed(urls)
                going_on = len(urls) == AT_ONCE

    def why(self, url: str) -> str | None:
        """The trap that ``url`` belongs to; None where it may be fetched."""
        with self._knowing:
            return self._traps.why(url)


@lru_cache(maxsize=WATCHED)
def watch_of(run_id: str) -> TrapWatch:
    """The one of this process: its chunks follow one another, and none has to read the frontier from its beginning."""
    return TrapWatch(run_id)
