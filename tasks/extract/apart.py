"""Suspicious pages are parsed in a process of their own that can be killed; all others where they are."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

import tasks
from tasks.errors import SeoScanError
from tasks.extract.helper import READY
from tasks.extract.page import extract
from tasks.extract.suspicion import is_suspicious
from tasks.model import Page, Response
from tasks.urls import printable

SECONDS: Final = 5.0
"""Wall time of one suspicious page."""

_START_SECONDS = 30.0
"""Wall time for a helper to import what it needs, on a machine that has other work."""

_START: Final = "from tasks.extract.helper import main; main()"


class Extractor:
    """``extract`` that hostile pages cannot hold up.

    Use it as an async context manager; it may be called by many at once. The helper is started by the first
    suspicious page and ends with the context, or with this process.
    """

    _shared: ClassVar["_Helper | None"] = None

    def __init__(self, seconds: float = SECONDS) -> None:
        self._helper = self._shared or _Helper(seconds)
        self._turn = asyncio.Lock()

    @classmethod
    def share_helper(cls) -> None:
        """Lets one helper serve all contexts of this process and end with it: its start costs as much as many pages."""
        cls._shared = _Helper(SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._helper is not self._shared:
            self._helper.close()

    async def __call__(self, response: Response) -> Page | None:
        """The facts; None where the page cannot be parsed in time, or a fault of ours keeps it from being read.

        Raises:
            SeoScanError: the process for suspicious pages does not start.
        """
        if not is_suspicious(_source(response)):
            return _extracted(response)
        async with self._turn:
            try:
                return await asyncio.to_thread(self._helper.extract, response)
            except asyncio.CancelledError:
                self._helper.kill()  # the thread waits for its answer
                raise


def _extracted(response: Response) -> Page | None:
    try:
        return extract(response)
    except Exception:  # one page that is more than we can read must not end the run, as in the helper it does not
        logging.getLogger(__name__).exception(
            "%s cannot be read: a fault of seo-scan, please report it", printable(response.url)
        )
        return None


def _source(response: Response) -> bytes:
    """What will be parsed, which has no NUL."""
    as_it_is = response.text is None or response.encoding == "utf-8"
    source = response.body if as_it_is else (response.text or "").encode("utf-8", "replace")
    return source.replace(b"\0", b"")


class _Helper:
    """One process and the socket to it. Threads and no event loop: it works under any loop and in any thread."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._turn = threading.Lock()

    def extract(self, response: Response) -> Page | None:
        """The facts; None where the process ended over it. The next call starts another one.

        Raises:
            SeoScanError: the process does not start.
        """
        with self._turn:
            connection = self._connect()
            try:
                connection.send(response)
                if connection.poll(self._seconds + 1):  # its own alarm comes first
                    page: Page = connection.recv()
                    return page
            except (EOFError, OSError):
                pass  # time or memory was up
            self._clear()
            return None

    def kill(self) -> None:
        """Ends the process; whoever waits for its answer gets None."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        self.kill()
        with self._turn:
            self._clear()

    def _clear(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None

    def _connect(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self._clear()
        ours, theirs = socket.socketpair()
        with theirs:
            self._connection = Connection(ours.detach())
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-c", _START, str(theirs.fileno()), str(self._seconds)],
                pass_fds=(theirs.fileno(),),
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        if not self._is_ready(self._connection):
            self._clear()
            raise SeoScanError(f"the process that parses suspicious pages does not start: {sys.executable}")
        return self._connection

    def _is_ready(self, connection: Connection) -> bool:
        try:
            return connection.poll(_START_SECONDS) and connection.recv_bytes() == READY
        except (EOFError, OSError):
            return False


def _environment() -> dict[str, str]:
    """Ours, with the modules found where we found them: a notebook or a test may have its own search path."""
    root = Path(tasks.__path__[0]).parent
    paths = [str(root), *(path for path in sys.path if path)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
