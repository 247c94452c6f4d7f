"""The end of the command's own process."""

import os
import sys
from contextlib import suppress
from typing import ClassVar


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
            with suppress(BrokenPipeError):
                sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.status)
