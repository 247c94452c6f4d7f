"""The ``seo`` command: starts what takes long before it imports what takes long."""

import atexit
import os
import sys

from deployments.cli.local_server import LocalServer, api_is_configured

NEEDS_PREFECT = {"crawl", "scan", "batch", "resume", "demo"}
HELP = {"-h", "--help"}


def main() -> None:
    """Runs the command line and exits with its status."""
    arguments = sys.argv[1:]
    ending = _Ending()
    atexit.register(ending)
    # Prefect would write to stderr beside us; its logs stay visible in its UI.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_DEBUG_LEVEL", "CRITICAL")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    if needs_prefect(arguments) and not api_is_configured():
        LocalServer.start()
    from deployments.cli.app import run  # noqa: PLC0415 - after the server has begun to start

    ending.status = run(arguments)
    sys.exit(ending.status)


class _Ending:
    """Ends the process, as the last exit handler.

    With threads of Prefect still alive the interpreter cannot free DuckDB's module, which then complains on stderr.
    """

    status: int | None = None

    def __call__(self) -> None:
        if self.status is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.status)


def needs_prefect(arguments: list[str]) -> bool:
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    return (command in NEEDS_PREFECT or arguments[:2] == ["blocks", "register"]) and not HELP & set(arguments)
