"""The ``seo`` command: starts what takes long before it imports what takes long."""

import atexit
import os
import sys

from deployments.cli.leaving import Ending, fill_closed_streams
from deployments.cli.local_server import LocalServer, ServerNotStarted, api_is_configured

NEEDS_PREFECT = {"analyze", "crawl", "scan", "batch", "resume", "cancel", "demo"}
SUBCOMMANDS_THAT_NEED_IT = {("blocks", "register"), ("blocks", "access"), ("outbox", "send")}
KEEPS_LOGS = {"serve", "api"}
HELP = {"-h", "--help"}


def main() -> None:
    """Runs the command line and exits with its status."""
    arguments = sys.argv[1:]
    fill_closed_streams()
    ending = Ending()
    atexit.register(ending)
    if os.environ.get("SEO_LOG_JSON", "0") not in {"", "0"}:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER", "json")
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "INFO")
        os.environ.setdefault("PREFECT_LOGGING_COLORS", "false")
    # Prefect would write to stderr beside us; its logs stay visible in its UI.
    if command_in(arguments) not in KEEPS_LOGS:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_DEBUG_LEVEL", "CRITICAL")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    ending.status = status_of(arguments)
    if Ending.at_once:
        ending()
    sys.exit(ending.status)


def status_of(arguments: list[str]) -> int:
    """Runs the command line; returns its exit status."""
    try:
        if needs_prefect(arguments) and not api_is_configured():
            LocalServer.start()
        from deployments.cli.app import run  # noqa: PLC0415 - after the server has begun to start
    except (KeyboardInterrupt, ServerNotStarted) as error:
        from deployments.cli.exits import Exit  # noqa: PLC0415 - imports the model

        sys.stderr.write(f"seo: {error}\n" if str(error) else "seo: interrupted\n")
        return Exit.FAILED if isinstance(error, ServerNotStarted) else Exit.INTERRUPTED
    return run(arguments)


def command_in(arguments: list[str]) -> str:
    """The first word that is no option; empty where there is none."""
    return next((argument for argument in arguments if not argument.startswith("-")), "")


def needs_prefect(arguments: list[str]) -> bool:
    """True where the command line will run a flow here: a server is best started at once."""
    needed = command_in(arguments) in NEEDS_PREFECT or tuple(arguments[:2]) in SUBCOMMANDS_THAT_NEED_IT
    return needed and not HELP & set(arguments)
