"""The process that parses suspicious pages: it may be killed, and sees to its own end."""

import os
import resource
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from tasks.extract.page import extract

READY = b"ready"

_MEMORY = 512 * 1024**2
"""Bytes of further address space. A tree can be a thousand times its source; the machine must not pay for one page."""


def main() -> None:
    """Reads responses from the inherited socket and writes pages, until the other end is closed.

    Arguments are the socket's descriptor and the wall seconds a page may take. The alarm is the system's: it ends the
    process inside a parser that never looks up, and soon after its parent was killed.
    """
    descriptor, seconds = int(sys.argv[1]), float(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    _limit_memory()
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - positional only
    with Connection(descriptor) as parent, suppress(EOFError, OSError):
        parent.send_bytes(READY)
        while True:
            response = parent.recv()
            signal.setitimer(signal.ITIMER_REAL, seconds)
            page = extract(response)
            signal.setitimer(signal.ITIMER_REAL, 0)
            parent.send(page)


def _limit_memory() -> None:
    """Libraries reserve much that they never use: what is mapped by now is not counted."""
    statm = Path("/proc/self/statm")
    if statm.exists():  # Linux; macOS enforces no such limit
        mapped = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + _MEMORY, mapped + _MEMORY))
