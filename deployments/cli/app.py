"""The ``seo`` command: its commands, and what their endings mean."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError
from cyclopts.exceptions import UnknownCommandError

from deployments.cli import screen
from deployments.cli.admin import blocks, demo
from deployments.cli.analyzing import analyze, templates
from deployments.cli.cancelling import cancel
from deployments.cli.crawling import crawl
from deployments.cli.deploying import deploy, schedule, serve
from deployments.cli.exits import Exit
from deployments.cli.keys import api, keys, projects
from deployments.cli.notifying import notifications, outbox
from deployments.cli.results import issues, page, runs, sql
from deployments.cli.rules import rules
from deployments.cli.scanning import batch, resume, scan
from deployments.cli.upkeep import store
from tasks.errors import InputError, SeoScanError, StoreError
from tasks.report.escape import terminal as safe

EPILOGUE = """\
Exit status: 0 done; 1 issues as severe as --fail-on; 2 wrong usage, or nothing reachable, be it pages or Prefect; \
3 interrupted; 4 the pipeline failed. Results go to stdout, all else to stderr."""


def command_line() -> App:
    """The commands. What they need and takes long to import, they import themselves."""
    app = App(
        name="seo",
        help="Scan pages for what search engines trip over, keep the results, and look into them.",
        help_epilogue=EPILOGUE,
        help_format="plaintext",
        version=lambda: version("seo-scan"),
        console=screen.Pipeable(),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    commands: tuple[Callable[..., int], ...] = (
        crawl,
        scan,
        batch,
        resume,
        cancel,
        analyze,
        issues,
        page,
        runs,
        sql,
        rules,
        demo,
        serve,
        deploy,
        api,
    )
    for order, command in enumerate(commands):
        app.command(command, sort_key=order)
    app.command(schedule)
    app.command(keys)
    app.command(projects)
    app.command(blocks)
    app.command(notifications)
    app.command(outbox)
    app.command(templates)
    app.command(store)
    return app


def run(argv: Sequence[str]) -> int:
    """Runs one command line; returns its exit status. Nothing is raised but a second Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        screen.harden(stream)
    screen.ignore_useless_width()
    return _ended(lambda: command_line()(list(argv)))


def _ended(command: Callable[[], object]) -> int:
    try:
        status = command()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads our output has seen enough
        screen.discard(sys.stdout)
        return Exit.DONE
    except KeyboardInterrupt:
        return _told("interrupted", Exit.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last stop: people get a line, SEO_DEBUG=1 the rest
        if os.environ.get("SEO_DEBUG"):
            traceback.print_exc()
        return _told(*_explained(error))
    return status if isinstance(status, int) else Exit.DONE


def _explained(error: Exception) -> tuple[str, Exit]:
    match error:
        case CycloptsError():
            return _usage(error), Exit.USAGE
        case InputError() | StoreError():
            return str(error), Exit.USAGE
        case SeoScanError():
            return str(error), Exit.FAILED
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first} (SEO_DEBUG=1 shows where)", Exit.FAILED


def _told(message: str, status: Exit) -> Exit:
    lines = [safe(line) for line in message.splitlines() if line.strip()] or ["failed"]
    screen.say("\n".join([f"seo: {lines[0]}", *lines[1:]]))
    return status


def _usage(error: CycloptsError) -> str:
    commands = error.command_chain or ()
    helped = " ".join(("seo", *(() if isinstance(error, UnknownCommandError) else commands), "--help"))
    return f"{' '.join(str(error).split())} (`{helped}` lists what there is)"
