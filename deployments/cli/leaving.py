"""The streams that the command's own process was given, and its end."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar


def fill_closed_streams() -> None:
    """Leads a stream that the shell closed (``>&-``) to nowhere; a file of ours would get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - as long as the process


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """Ctrl-C ends the process while the body runs, without a word of Python.

    DuckDB keeps the interpreter while it waits for its threads: a handler would run when the query is done.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Ending:
    """Ends the process, as the last exit handler.

    With threads of Prefect still alive the interpreter cannot free DuckDB's module, which then complains on stderr.

    Attributes:
        at_once: threads wait for a server that is gone: nothing else is waited for.
    """

    at_once: ClassVar[bool] = False
    status: int | None = None

    def __call__(self) -> None:
        if self.status is not None:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError):  # its reader has gone, or its disk is full
                    stream.flush()
            os._exit(self.status)
