"""Where a command writes: results to stdout, all else to stderr; a reader may leave early."""

import os
import re
import sys
from typing import IO, NoReturn, TextIO

from rich.console import Console

PIPED_WIDTH = 120


class Pipeable(Console):
    """Lets a BrokenPipeError through, as any write does; Rich would end the process with status 1."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def out() -> Console:
    return _console(sys.stdout)


def err() -> Console:
    return _console(sys.stderr)


def say(text: str) -> None:
    """One line of ours on stderr; a run goes on where nobody reads it."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except BrokenPipeError:
        discard(sys.stderr)


def line(text: str) -> None:
    """One line of a result."""
    sys.stdout.write(f"{text}\n")


def redraws() -> bool:
    """True where stderr is a terminal that can draw over what it shows."""
    return sys.stderr.isatty() and not err().is_dumb_terminal


def ignore_useless_width() -> None:
    """Forgets a ``COLUMNS`` that is no width: at 0, Rich folds text for ever, or writes none."""
    if not re.fullmatch(r"0*[1-9]\d*", os.environ.get("COLUMNS", ""), re.ASCII):
        os.environ.pop("COLUMNS", None)


def harden(stream: TextIO) -> None:
    """Makes ``stream`` write what its encoding lacks as escapes instead of failing on it."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def discard(stream: IO[str]) -> None:
    """Sends what is left to nowhere: its reader has gone."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a bare descriptor
        os.dup2(nowhere.fileno(), stream.fileno())


def _console(stream: TextIO) -> Console:
    width = None if stream.isatty() or os.environ.get("COLUMNS") else PIPED_WIDTH
    return Pipeable(file=stream, width=width, highlight=False, markup=False, emoji=False)
