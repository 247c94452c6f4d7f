"""The run or page that a person means."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import BadUrl, InputError, UnknownRun
from tasks.urls import parse, printable

if TYPE_CHECKING:
    from tasks.store import Run

RUNS_COMPARED = 500
PAGES_COMPARED = 20_000


def known_run(data: Path, wanted: str | None = None) -> "Run":
    """The run of that id or of the only id that begins so; the newest for None or ``latest``.

    Raises:
        UnknownRun: naming the nearest there is.
        InputError: several begin so.
    """
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        if wanted is None or wanted == "latest":
            newest = store.latest_run()
            if newest is None:
                raise UnknownRun(f"no run in {data} yet: `seo scan https://example.com` makes the first")
            return newest
        try:
            return store.get_run(wanted)
        except UnknownRun:
            ids = [run.run_id for run in store.list_runs(RUNS_COMPARED)]
    near = difflib.get_close_matches(wanted, ids, n=1, cutoff=0.3) or ids[:1]
    hint = f"did you mean {near[0]}? " if near else ""
    raise UnknownRun(f"no run {printable(wanted, 100)} in {data}: {hint}`seo runs` lists all") from None


def known_page(data: Path, wanted: str, run_id: str | None) -> tuple[str, str]:
    """(run, address) of the newest stored page of that address, asked for or answering.

    Raises:
        InputError: naming the nearest there is.
    """
    from tasks.store import connect  # noqa: PLC0415 - imports the engines

    spellings = _spellings(wanted)
    with connect(data, ("pages", "runs"), [run_id] if run_id else None) as facts:
        condition = "run_id = $run" if run_id else "$run IS NULL"
        found = facts.execute(
            f"""
            SELECT run_id, url FROM pages JOIN runs USING (run_id)
            WHERE {condition} AND (list_contains($urls, url) OR list_contains($urls, final_url))
            ORDER BY list_contains($urls, url) DESC, started_at DESC, list_position($urls, url) LIMIT 1
            """,  # noqa: S608 - one of two conditions above
            {"urls": spellings, "run": run_id},
        ).fetchone()
        if found:
            return found[0], found[1]
        rows = facts.execute(
            f"SELECT DISTINCT url FROM pages WHERE {condition} LIMIT {PAGES_COMPARED}",  # noqa: S608 - as above
            {"run": run_id},
        ).fetchall()
    near = difflib.get_close_matches(spellings[0], [row[0] for row in rows], n=1)
    hint = f"did you mean {printable(near[0])}? " if near else ""
    where = f"run {run_id}" if run_id else str(data)
    raise InputError(f"no page {printable(wanted, 200)} in {where}: {hint}`seo scan` fetches it")


def _spellings(wanted: str) -> list[str]:
    """The address as written, then with the other scheme and the other ending; a rejected line is itself."""
    try:
        url = parse(wanted)
    except BadUrl:
        return [wanted.strip()]
    scheme, mark, rest = url.partition("://")
    other = f"{'http' if scheme == 'https' else 'https'}{mark}{rest}"
    return [url, *(_other_ending(url)), other, *(_other_ending(other))]


def _other_ending(url: str) -> list[str]:
    if "?" in url:
        return []
    return [url.rstrip("/")] if url.endswith("/") else [f"{url}/"]
