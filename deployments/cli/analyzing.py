"""Commands that advise: ``analyze`` and ``templates``."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import screen
from deployments.cli.choosing import known_page, known_run
from deployments.cli.exits import Exit
from deployments.cli.options import PLACE, SHOWN, Place, Shown, at_least
from tasks.errors import InputError
from tasks.urls import printable

if TYPE_CHECKING:
    from tasks.store import Store, Template

PAGE_ID = re.compile(r"[0-9a-f]{16}")
TEMPLATE_COLUMNS = ("version", "name", "active", "created_at")
MAX_TEMPLATE_FILE = 200_000

templates = App(name="templates", help="What a model is asked, in versions.", help_format="plaintext", sort_key=52)


def analyze(
    page: Annotated[str, Parameter(name="URL|PAGE_ID", help="Address as it was scanned, or the page's id.")],
    /,
    *,
    run: Annotated[str | None, Parameter(help="As this run saw it. [default: the newest scan]")] = None,
    offline: Annotated[
        bool, Parameter(negative=(), show_default=False, help="By the rules alone, whatever key there is.")
    ] = False,
    template: Annotated[
        int | None, Parameter(validator=at_least(1), help="Version of the prompt. [default: the active one]")
    ] = None,
    user: Annotated[str, Parameter(help="User who is told.")] = "local",
    place: Place = PLACE,
    shown: Shown = SHOWN,
) -> int:
    """Have recommendations made for a scanned page.

    A language model makes them where a key is set (SEO_MODEL_KEY, OPENROUTER_API_KEY or the block SEO AI Model); its
    answer on an unchanged page is kept. Without a key, or where it fails, the rules advise.
    """
    data = place.existing()
    run_id, page_id = _wanted(data, page, known_run(data, run).run_id if run else None)
    from deployments.cli.running_analysis import analyse  # noqa: PLC0415 - imports Prefect

    failure = analyse(data, page_id, run_id, user_id=user, offline=offline, template=template)
    _show(data, page_id, run_id, shown)
    if failure:
        screen.say(f"{printable(failure, 500)}; these are the rules' own")
        return Exit.FAILED
    return Exit.DONE


def _wanted(data: Path, page: str, run_id: str | None) -> tuple[str, str]:
    """Run and page id."""
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        if PAGE_ID.fullmatch(page) and store.known_page(page) is not None:
            return store.latest_page(page, run_id)["run_id"], page
        found_run, address = known_page(data, page, run_id)
        return found_run, store.page_object(found_run, address)["page_id"]


def _show(data: Path, page_id: str, run_id: str, shown: Shown) -> None:
    from deployments.cli.advice import COLUMNS, advice_row, advice_view  # noqa: PLC0415 - imports the engines
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        found = store.recommendations.of_page(page_id, run_id)
    if shown.format == "table":
        screen.out().print(advice_view(found))
    else:
        from tasks.report.formats import write  # noqa: PLC0415 - not for tables

        write(map(advice_row, found), shown.format, sys.stdout, COLUMNS)
    sys.stdout.flush()


@templates.command(name="list")
def list_templates(*, place: Place = PLACE, shown: Shown = SHOWN) -> int:
    """List the versions of the prompt."""
    with _store(place) as store:
        found = store.templates.list()
    if shown.format != "table":
        from tasks.report.formats import write  # noqa: PLC0415 - not for tables

        rows = ({name: getattr(one, name) for name in TEMPLATE_COLUMNS} for one in found)
        write(rows, shown.format, sys.stdout, TEMPLATE_COLUMNS)
        return 0
    from tasks.report.terminal import rows_view  # noqa: PLC0415

    table = (
        (one.version, "active" if one.active else "", one.name, f"{one.created_at:%Y-%m-%d %H:%M}") for one in found
    )
    screen.out().print(rows_view(("version", "", "name", "added (UTC)"), table, len(found)))
    return 0


@templates.command
def add(
    file: Annotated[str, Parameter(allow_leading_hyphen=True, help="File with the text; - for standard input.")],
    /,
    *,
    name: Annotated[str | None, Parameter(help="What to call it. [default: the file's name]")] = None,
    activate: Annotated[bool, Parameter(negative=(), show_default=False, help="Use it from now on.")] = False,
    place: Place = PLACE,
) -> int:
    """Add a version of the prompt.

    The text names {findings}, and may name {url}, {facts} and {count}; `seo templates show` prints the active one.
    """
    from tasks.analyze.templates import check  # noqa: PLC0415 - not for every command

    text = check(_read(file))
    with _store(place) as store:
        added = store.templates.add(name or Path(file).stem or "template", text, activate=activate)
    _tell(added)
    return 0


@templates.command
def activate(
    version: Annotated[int, Parameter(validator=at_least(1), help="Version to use from now on.")],
    /,
    *,
    place: Place = PLACE,
) -> int:
    """Use a version of the prompt from now on."""
    with _store(place) as store:
        _tell(store.templates.activate(version))
    return 0


@templates.command
def show(
    version: Annotated[
        int | None, Parameter(validator=at_least(1), help="Version to print. [default: the active one]")
    ] = None,
    /,
    *,
    place: Place = PLACE,
) -> int:
    """Print a version of the prompt."""
    with _store(place) as store:
        found = store.templates.active() if version is None else store.templates.get(version)
    sys.stdout.write(found.text if found.text.endswith("\n") else f"{found.text}\n")
    return 0


def _store(place: Place) -> "Store":
    """The data folder, made where there is none, with the shipped template in it."""
    from tasks.analyze.templates import DEFAULT_NAME, DEFAULT_TEXT  # noqa: PLC0415 - not for every command
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    store = Store.open(place.folder)
    store.templates.ensure_default(DEFAULT_NAME, DEFAULT_TEXT)
    return store


def _tell(template: "Template") -> None:
    screen.line(
        f"version {template.version} ({printable(template.name, 100)}){' is active' if template.active else ' added'}"
    )


def _read(file: str) -> str:
    text = _text_of(file)
    if "\0" in text:
        raise InputError(f"{printable(file)} has NUL characters: it is no text")
    return text


def _text_of(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.read(MAX_TEMPLATE_FILE)
        with Path(file).open(encoding="utf-8") as opened:
            return opened.read(MAX_TEMPLATE_FILE)
    except OSError as error:
        raise InputError(f"cannot read {printable(file)}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InputError(f"{printable(file)} is not UTF-8 text") from None
