"""What tasks warn of, shown beside the progress; Prefect's own console output is off."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import prefect

from tasks.logs import RAISED_AGAIN, RUN_LOGGERS

_PREFECT = Path(prefect.__file__).parent


class Noting(Protocol):
    """Who shows a line."""

    def note(self, text: str) -> None: ...


class NoteHandler(logging.Handler):
    """Notes what our tasks say, and not what Prefect says of them, nor why a step failed: its command tells that."""

    def __init__(self, watch: Noting) -> None:
        super().__init__(logging.WARNING)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        if Path(record.pathname).is_relative_to(_PREFECT) or hasattr(record, RAISED_AGAIN):
            return
        error = record.exc_info[1] if record.exc_info else None
        self._watch.note(f"{record.getMessage()}: {error}" if error else record.getMessage())


@contextmanager
def warnings_to(watch: Noting) -> Iterator[None]:
    """Shows warnings of tasks in this process while the context lasts."""
    handler = NoteHandler(watch)
    loggers = [logging.getLogger(name) for name in RUN_LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
