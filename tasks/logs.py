"""What run logs say: each step's start and result with its ids, without control characters and passwords."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from tasks.urls import printable

RUN_LOGGERS = ("prefect.flow_runs", "prefect.task_runs")
"""Where Prefect's run loggers, and so ours, write."""

PARAMETERS_LOGGER = "prefect.flows"
"""Where Prefect writes all parameters of a run whose parameters it refuses."""

RAISED_AGAIN = "raised_again"
"""Attribute of records about an exception that the caller is told of too."""

MAX_MESSAGE = 20_000
_PASSWORD = re.compile(r"://[^\s/?#\"'<>]*@")

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


def clean(text: str) -> str:
    """``text`` for a log line: no ``user:password@`` in any address, control characters escaped, newlines kept."""
    shown = _PASSWORD.sub("://…@", text[:MAX_MESSAGE])
    return shown if shown.isprintable() else "\n".join(printable(line, MAX_MESSAGE) for line in shown.split("\n"))


class Cleaning(logging.Filter):
    """Cleans messages and exceptions before any handler sees them."""

    def filter(self, record: logging.LogRecord) -> bool:
        # A message of ours is one line: a newline in it came from outside.
        message = clean(record.getMessage())
        record.msg, record.args = (message if record.exc_info else message.replace("\n", "\\n")), None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = clean(logging.Formatter().formatException(record.exc_info))
            record.exc_info = _cleaned(record.exc_info)
        return True


def _cleaned(
    raised: tuple[type[BaseException], BaseException, TracebackType | None],
) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    kind, error, trace = raised
    return kind, Exception(clean(str(error))), trace


def keep_clean() -> None:
    """Has the run loggers cleaned, and what Prefect writes of parameters; once is enough."""
    for name in (*RUN_LOGGERS, PARAMETERS_LOGGER):
        logger = logging.getLogger(name)
        if not any(isinstance(known, Cleaning) for known in logger.filters):
            logger.addFilter(Cleaning())


class Step:
    """A step under way; ``result`` is what its last line says."""

    def __init__(self) -> None:
        self.result = "done"


@contextmanager
def step(log: Log, name: str, **ids: str | int | None) -> Iterator[Step]:
    """Logs that the step begins and how it ended, with ``ids``; an exception is named and raised again."""
    what = " ".join((name, *(f"{key}={value}" for key, value in ids.items() if value)))
    log.info("begins: %s", what)
    going = Step()
    try:
        yield going
    except BaseException as error:
        log.error(  # noqa: TRY400 - Prefect logs the traceback
            "failed: %s: %s: %s", what, type(error).__name__, error, extra={RAISED_AGAIN: True}
        )
        raise
    log.info("ended: %s: %s", what, going.result)
