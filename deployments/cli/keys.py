"""Commands for the HTTP door: ``api``, ``keys`` and ``projects``."""

import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import screen
from deployments.cli.options import PLACE, SHOWN, Place, Shown, at_least
from tasks.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEY_COLUMNS = ("key_id", "user_id", "created_at", "revoked_at")
PROJECT_COLUMNS = ("project_id", "owner", "site", "created_at")
MAX_PORT = 65535

keys = App(name="keys", help="API keys for the HTTP door.", help_format="plaintext", sort_key=91)
projects = App(name="projects", help="Projects and who owns them.", help_format="plaintext", sort_key=92)


def api(
    *,
    host: Annotated[str, Parameter(help="Address to listen on; others than this machine's own reach it too.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, Parameter(validator=at_least(0, MAX_PORT), help="Port to listen on; 0 for any.")] = 8000,
    name: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(), n_tokens=1, metavar="HOST", show_default=False,
            help="A host name that requests may carry, such as the proxy's; repeatable.",
        ),
    ] = (),
    max_waiting: Annotated[
        int, Parameter(validator=at_least(1), help="Requests of one user that may wait to begin.")
    ] = 100,
) -> int:  # fmt: skip
    """Take requests by HTTP and queue them with Prefect; `seo serve` or a worker does them."""
    from deployments.api.serving import serve  # noqa: PLC0415 - imports Prefect

    asyncio.run(serve(host=host, port=port, names=name, max_waiting=max_waiting, tell=screen.say))
    screen.say("stopped")
    return 0


@keys.command(name="add")
def add_key(user: Annotated[str, Parameter(help="Whom it speaks for.")], /, *, place: Place = PLACE) -> int:
    """Make an API key and print it: this once, only its hash is kept."""
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    _must_be_id(user, "user")
    with Store.open(place.folder) as store:
        made = store.api_keys.add(user)
        screen.say(f"key {made.key_id} speaks for {user} in {store.path}; it is shown this once:")
    screen.line(made.token)
    return 0


@keys.command(name="list")
def list_keys(
    *,
    user: Annotated[str | None, Parameter(help="Only those of this user.")] = None,
    place: Place = PLACE,
    shown: Shown = SHOWN,
) -> int:
    """List the API keys, without the keys themselves."""
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(place.existing()) as store:
        found = store.api_keys.list(user)
    rows = [{name: getattr(key, name) for name in KEY_COLUMNS} for key in found]
    _show(rows, KEY_COLUMNS, ("key", "user", "made (UTC)", "revoked (UTC)"), shown)
    return 0


@keys.command(name="revoke")
def revoke_key(
    key: Annotated[str, Parameter(help="Id, as `seo keys list` shows it.")], /, *, place: Place = PLACE
) -> int:
    """Make an API key useless, at once."""
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(place.existing()) as store:
        if not store.api_keys.revoke(key):
            raise InputError(f"no key {key} that is still good: `seo keys list` shows all")
    screen.say(f"key {key} is revoked")
    return 0


@projects.command(name="add")
def add_project(
    project: Annotated[str, Parameter(help="Id of the project.")],
    /,
    *,
    owner: Annotated[str, Parameter(help="User whose it is.")] = "local",
    site: Annotated[str, Parameter(help="Address of its site.", show_default=False)] = "",
    place: Place = PLACE,
) -> int:
    """Make a project, or change its site."""
    from tasks.store import Store  # noqa: PLC0415 - imports the engines
    from tasks.urls import parse  # noqa: PLC0415 - not for help

    _must_be_id(project, "project")
    _must_be_id(owner, "user")
    with Store.open(place.folder) as store:
        made = store.projects.add(project, owner, parse(site) if site else "")
        screen.say(f"project {made.project_id} of {made.owner} in {store.path}{made.site and f': {made.site}'}")
    return 0


@projects.command(name="list")
def list_projects(
    *,
    owner: Annotated[str | None, Parameter(help="Only those of this user.")] = None,
    place: Place = PLACE,
    shown: Shown = SHOWN,
) -> int:
    """List the projects."""
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(place.existing()) as store:
        found = store.projects.list(owner)
    rows = [{name: getattr(one, name) for name in PROJECT_COLUMNS} for one in found]
    _show(rows, PROJECT_COLUMNS, ("project", "owner", "site", "made (UTC)"), shown)
    return 0


def _must_be_id(text: str, kind: str) -> None:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - not for help

    from tasks.events import Identity  # noqa: PLC0415 - not for help

    try:
        TypeAdapter(Identity).validate_python(text)
    except ValidationError:
        raise InputError(
            f"{text[:100]!r} is no {kind} id: write 1 to 128 letters, digits and any of _ . @ = -"
        ) from None


def _show(
    rows: "Iterable[Mapping[str, object]]", columns: tuple[str, ...], titles: tuple[str, ...], shown: Shown
) -> None:
    if shown.format != "table":
        from tasks.report.formats import write  # noqa: PLC0415 - not for tables

        write(rows, shown.format, sys.stdout, columns)
        return
    from tasks.report.terminal import rows_view  # noqa: PLC0415

    lines = [tuple(_cell(row[column]) for column in columns) for row in rows]
    screen.out().print(rows_view(titles, lines, len(lines)))


def _cell(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value or "")
