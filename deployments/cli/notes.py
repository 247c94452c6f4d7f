"""What tasks warn of, shown beside the progress; Prefect's own console output is off."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import prefect

_PREFECT = Path(prefect.__file__).parent


class Noting(Protocol):
    """Who shows a line."""

    def note(self, text: str) -> None: ...


class NoteHandler(logging.Handler):
    """Notes what our tasks say, and not what Prefect says of them."""

    def __init__(self, watch: Noting) -> None:
        super().__init__(logging.WARNING)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        if Path(record.pathname).is_relative_to(_PREFECT):
            return
        error = record.exc_info[1] if record.exc_info else None
        self._watch.note(f"{record.getMessage()}: {error}" if error else record.getMessage())


@contextmanager
def warnings_to(watch: Noting) -> Iterator[None]:
    """Shows warnings of tasks in this process while the context lasts."""
    handler = NoteHandler(watch)
    logger = logging.getLogger("prefect.task_runs")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
