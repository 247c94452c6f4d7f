"""Page objects: all that is stored of one page, as JSON takes it. Documented in docs/data.md."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from tasks import urls
from tasks.errors import InputError, StoreError
from tasks.store.catalogue import Catalogue
from tasks.store.columns import HTML, IMAGES, ISSUES, LINKS, PAGES, RAISED_FROM, REDIRECTS, RESULTS, STRUCTURED_DATA
from tasks.store.part_folder import PartFolder
from tasks.store.registry import held, holding, site_parts
from tasks.store.rendered_columns import RENDERED
from tasks.store.schema import frontier, parts, runs
from tasks.store.takes import FactTable, Key

PAGES_AT_ONCE = 250
WHOLE_RUN = ""
"""Page id of what is said of a run as a whole."""

_PARTS_OF_PAGES = (PAGES, REDIRECTS, IMAGES, LINKS, STRUCTURED_DATA, RENDERED, ISSUES, RESULTS)

Record = dict[str, Any]
ByPage = dict[tuple[str, str], list[Record]]
"""A table's rows by run id and page id."""

_RENDERED = tuple(column.name for column in RENDERED.columns if not isinstance(column.take, Key))
_PLAIN = (
    "title",
    "title_px",
    "meta_description",
    "description_px",
    "meta_keywords",
    "not_indexable",
    "h1",
    "lang",
    "doctype",
    "viewport",
    "meta_refresh",
    "encoding",
    "charset_header",
    "charset_bom",
    "charset_meta",
    "charset_xml",
    "charset_errors",
    "base_url",
    "head_broken_by",
    "html_length",
    "word_count",
    "cjk_count",
    "page_type",
    "content_hash",
    "cut",
    "mime",
    "body_length",
    "wire_bytes",
    "ttfb_ms",
    "elapsed_ms",
    "tries",
    "detail",
)


def page_object(root: PartFolder, catalogue: Catalogue, run_id: str, url: str, *, all_results: bool) -> Record:
    with catalogue.read() as connection:
        row = _find(connection, run_id, url)
        return next(_objects(connection, root, run_id, [row], all_results=all_results))


def iter_page_objects(root: PartFolder, catalogue: Catalogue, run_id: str, *, all_results: bool) -> Iterator[Record]:
    last = -1
    while True:
        with catalogue.read() as connection:
            rows = _slice(connection, run_id, last)
            if not rows:
                return
            objects = list(_objects(connection, root, run_id, rows, all_results=all_results))
        yield from objects
        last = rows[-1].position


def html_of(root: PartFolder, catalogue: Catalogue, run_id: str, url: str) -> bytes | None:
    with catalogue.read() as connection:
        row = _find(connection, run_id, url)
        files = _files(connection, {(row.source_run_id, row.part)} if row.part else set())
        kept = _read(root, HTML, files.get(HTML.name, []), [row.page_id])
    return next((record["body"] for record in kept.get((row.source_run_id, row.page_id), ())), None)


def _find(connection: Connection, run_id: str, url: str) -> Any:
    project = connection.execute(select(runs.c.project_id).where(runs.c.run_id == run_id)).scalar_one_or_none()
    named = (frontier.c.page_id.in_((url, urls.page_id(project or "", url))), frontier.c.url == url)
    for this in named:  # an address whose page has another id is looked for among all of the run
        row = connection.execute(_COLUMNS.where(frontier.c.run_id == run_id, this)).first()
        if row is not None:
            return row
    raise InputError(
        f"run {run_id} has no page {urls.printable(url)}: `seo page --run {run_id} URL` wants the URL as scanned"
    )


_COLUMNS = select(
    frontier.c.page_id,
    frontier.c.url,
    frontier.c.position,
    frontier.c.state,
    frontier.c.reason,
    frontier.c.source_run_id,
    frontier.c.part,
    frontier.c.not_modified,
)


def _slice(connection: Connection, run_id: str, after: int) -> Sequence[Any]:
    here = _COLUMNS.where(frontier.c.run_id == run_id, frontier.c.position > after)
    return connection.execute(here.order_by(frontier.c.position).limit(PAGES_AT_ONCE)).all()


def _objects(
    connection: Connection, root: PartFolder, run_id: str, rows: Sequence[Any], *, all_results: bool
) -> Iterator[Record]:
    tables = [table for table in _PARTS_OF_PAGES if all_results or table is not RESULTS]
    files = _files(connection, {(row.source_run_id, row.part) for row in rows if row.part})
    files[ISSUES.name] = [*files.get(ISSUES.name, ()), *site_parts(connection, ISSUES.name, [run_id])]
    kind = connection.execute(select(runs.c.kind).where(runs.c.run_id == run_id)).scalar_one_or_none()
    whole = (WHOLE_RUN,) if kind == "scan" else ()  # what is said of the whole run is said of its one page
    ids = [*(row.page_id for row in rows), *whole]
    facts = {table.name: _read(root, table, files.get(table.name, []), ids) for table in tables}
    for row in rows:
        yield _object(run_id, row, facts, whole)


def _files(connection: Connection, named: set[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    by_run = groupby(sorted(named), key=lambda pair: pair[0])
    for run_id, pairs in by_run:
        here = (parts.c.run_id == run_id, parts.c.name.in_([name for _, name in pairs]))
        for table, path in connection.execute(held(holding.c.table_name, holding.c.path).where(*here).distinct()):
            found.setdefault(table, []).append(path)
    return found


def _read(root: PartFolder, table: FactTable, files: Sequence[str], page_ids: Sequence[str]) -> ByPage:
    if not files:
        return {}
    frame = pl.scan_parquet(
        root.files(files),
        schema=table.schema,
        missing_columns="insert",
        extra_columns="ignore",
        glob=False,
        hive_partitioning=False,
    )
    try:
        wanted = frame.filter(pl.col("page_id").is_in(page_ids)).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(f"cannot read the facts in {root}: {str(error).splitlines()[0]}") from error
    by_page: ByPage = {}
    for record in wanted.iter_rows(named=True):
        by_page.setdefault((record["run_id"], record["page_id"]), []).append(record)
    return by_page


def _object(run_id: str, row: Any, facts: Mapping[str, ByPage], whole: Sequence[str]) -> Record:
    runs_shown = dict.fromkeys((row.source_run_id, run_id))
    ids = (row.page_id, *whole)
    mine = {
        name: [one for page_id in ids for one in _of_page(found, runs_shown, page_id)] for name, found in facts.items()
    }
    page = next(iter(mine[PAGES.name]), {})
    found: Record = {
        "run_id": run_id,
        "page_id": row.page_id,
        "url": row.url,
        "final_url": page.get("final_url"),
        "status": page.get("status"),
        "outcome": row.state,
        "reason": row.reason,
        "not_modified": row.not_modified,
        "redirects": _only(mine[REDIRECTS.name], "url", "status", "location"),
        "facts": _facts(page, mine),
        "rendered": next((_only([one], *_RENDERED)[0] for one in mine[RENDERED.name]), None),
        "issues": [_issue(issue) for issue in _standing(mine[ISSUES.name])],
    }
    if RESULTS.name in mine:
        found["results"] = _only(mine[RESULTS.name], "rule", "outcome", "why")
    return found


def _of_page(by_page: ByPage, run_ids: Iterable[str], page_id: str) -> list[Record]:
    return [record for run_id in run_ids for record in by_page.get((run_id, page_id), ())]


def _standing(issues: Sequence[Record]) -> list[Record]:
    """Without those that the crawl tells again with another severity."""
    raised = {issue["fingerprint"] for issue in issues if issue[RAISED_FROM]}
    return [issue for issue in issues if issue[RAISED_FROM] or issue["fingerprint"] not in raised]


def _facts(page: Record, mine: Mapping[str, list[Record]]) -> Record:
    return {
        **{name: page.get(name) for name in _PLAIN},
        "titles": [title["text"] for title in page.get("titles") or ()],
        "canonicals": [canonical["url"] or canonical["href"] for canonical in page.get("canonicals") or ()],
        "robots": _only(page.get("robots"), "agent", "directives", "source"),
        "headings": page.get("headings") or [],
        "hreflang": _only(page.get("hreflang"), "lang", "url"),
        "open_graph": _first_of_each(page.get("open_graph"), "property"),
        "twitter": _first_of_each(page.get("twitter"), "name"),
        "resources": page.get("resources") or [],
        "fetched_at": _iso(page.get("fetched_at")),
        "images": _only(mine[IMAGES.name], "src", "alt"),
        "links": _only(mine[LINKS.name], "url", "text", "rel", "position", "internal"),
        "structured_data": [_structured(item) for item in mine[STRUCTURED_DATA.name]],
    }


def _only(records: Sequence[Record] | None, *names: str) -> list[Record]:
    return [{name: record[name] for name in names} for record in records or ()]


def _first_of_each(records: Sequence[Record] | None, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for record in records or ():
        found.setdefault(record[name], record["content"])
    return found


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat(timespec='milliseconds')}Z"


def _issue(record: Record) -> Record:
    chosen = {name: record[name] for name in ("rule", "severity", "category", "message")}
    return {**chosen, "evidence": json.loads(record["evidence"]), "fingerprint": record["fingerprint"]}


def _structured(record: Record) -> Record:
    kinds = record["types"]
    return {
        "format": record["format"],
        "type": kinds[0] if len(kinds) == 1 else kinds or None,
        "data": record["data"] if record["errors"] else _parsed(record["data"]),
        "errors": record["errors"],
    }


def _parsed(text: str | None) -> Any:
    """The JSON value; the text itself where this reader's limits on depth or digits are passed."""
    try:
        return None if text is None else json.loads(text, parse_float=_finite, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return text


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
