"""What earlier runs know of pages about to be fetched: how to ask whether they changed, and their facts if not."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import polars as pl
from sqlalchemy import Connection, Row, or_, select, tuple_

from tasks.errors import StoreError
from tasks.model import Canonical, EarlierFacts, Hreflang, MetaRefresh, PageState, Reason, Robots
from tasks.store.columns import LINKS, PAGES
from tasks.store.part_folder import PartFolder
from tasks.store.records import EarlierPage
from tasks.store.registry import holding, is_held
from tasks.store.schema import frontier, pages, parts, runs
from tasks.store.takes import FactTable

OK = 200
PartName = tuple[str, str]
"""Run and name of a part."""


def is_anything_known(connection: Connection, run_id: str, recipe: str) -> bool:
    """True where another run has the recipe."""
    others = select(runs.c.run_id).where(runs.c.recipe == recipe, runs.c.run_id != run_id)
    return connection.execute(others.limit(1)).first() is not None


def earlier_pages(
    connection: Connection, root: PartFolder, run_id: str, recipe: str, page_ids: Sequence[str], *, links: bool
) -> dict[str, EarlierPage]:
    """Those of ``page_ids`` whose last full answer had a validator and whose facts, made by ``recipe``, can be read.

    One query and one pass over the parts concerned, however many pages; ``links``: what they lead to is wanted.
    """
    rows = connection.execute(_KNOWN.where(pages.c.page_id.in_(page_ids), *_usable(run_id, recipe))).all()
    if not rows:
        return {}
    files = _whole_parts(connection, root, {(row.run_id, row.part) for row in rows})
    kept = [row for row in rows if (row.run_id, row.part) in files]
    try:
        facts = _read(root, PAGES, (*_PAGE_FACTS, *(_NAMED if links else ())), kept, files)
        targets = _targets(_read(root, LINKS, ("url",), kept, files)) if links else {}
    except (OSError, StoreError, pl.exceptions.PolarsError):
        return {}  # what cannot be read is fetched in full
    known = {(fact["run_id"], fact["page_id"]): fact for fact in facts.iter_rows(named=True)}
    return {
        row.page_id: _page(row, known[row.run_id, row.page_id], targets.get((row.run_id, row.page_id), ()))
        for row in kept
        if (row.run_id, row.page_id) in known
    }


_KNOWN = (
    select(
        pages.c.page_id,
        pages.c.etag,
        pages.c.last_modified,
        pages.c.content_hash,
        *(frontier.c[name] for name in ("run_id", "part", "state", "reason", "errors", "warnings", "notices")),
    )
    .join(frontier, (frontier.c.page_id == pages.c.page_id) & (frontier.c.run_id == pages.c.last_run_id))
    .where(
        pages.c.last_status == OK,
        or_(pages.c.etag.is_not(None), pages.c.last_modified.is_not(None)),
        frontier.c.status == OK,
        frontier.c.part.is_not(None),
        frontier.c.source_run_id == frontier.c.run_id,
        or_(frontier.c.state == PageState.COMPLETED.value, frontier.c.reason == Reason.NOT_HTML.value),
    )
)

_PAGE_FACTS = ("final_url", "headers", "blocked_by_robots", "fetched_at", "robots")
_NAMED = ("canonicals", "hreflang", "meta_refresh")


def _usable(run_id: str, recipe: str) -> tuple[Any, ...]:
    return pages.c.recipe == recipe, pages.c.last_run_id != run_id


def _whole_parts(connection: Connection, root: PartFolder, named: set[PartName]) -> dict[PartName, dict[str, str]]:
    """Relative paths by table of the parts that are live and all there."""
    query = select(parts.c.table_name, parts.c.run_id, parts.c.name, holding.c.path).outerjoin(holding, is_held)
    found: dict[PartName, dict[str, str]] = {}
    broken: set[PartName] = set()
    for row in connection.execute(query.where(tuple_(parts.c.run_id, parts.c.name).in_(list(named)))):
        part = (row.run_id, row.name)
        found.setdefault(part, {})[row.table_name] = row.path
        if not (row.path and root.has(row.path)):
            broken.add(part)
    return {part: files for part, files in found.items() if part not in broken and PAGES.name in files}


def _read(
    root: PartFolder,
    table: FactTable,
    columns: Sequence[str],
    rows: Sequence[Row[Any]],
    files: dict[PartName, dict[str, str]],
) -> pl.DataFrame:
    wanted = ("run_id", "page_id", *columns)
    schema = {name: table.schema[name] for name in wanted}
    paths = {path for row in rows if (path := files[row.run_id, row.part].get(table.name)) is not None}
    if not paths:
        return pl.DataFrame(schema=schema)
    scan = pl.scan_parquet(
        root.files(sorted(paths)), schema=schema, missing_columns="insert", extra_columns="ignore", glob=False
    )
    # Parts are small: filtering while reading takes ten times as long.
    return scan.collect().filter(pl.col("page_id").is_in([row.page_id for row in rows]))


def _targets(links: pl.DataFrame) -> dict[PartName, tuple[str, ...]]:
    """Addresses that pages link to, each once, in order, by run and page."""
    found = links.drop_nulls("url").group_by("run_id", "page_id").agg(pl.col("url").unique(maintain_order=True))
    return {(run_id, page_id): tuple(urls) for run_id, page_id, urls in found.iter_rows()}


def _page(row: Row[Any], fact: dict[str, Any], links: tuple[str, ...]) -> EarlierPage:
    return EarlierPage(
        url=fact["final_url"],
        etag=row.etag,
        last_modified=row.last_modified,
        body_hash=row.content_hash,
        headers=tuple((header["name"], header["value"]) for header in fact["headers"] or ()),
        blocked_by_robots=fact["blocked_by_robots"],
        fetched_at=fact["fetched_at"].replace(tzinfo=UTC),
        robots=tuple(
            Robots(one["agent"], tuple(one["directives"]), one["source"], one["in_head"])
            for one in fact["robots"] or ()
        ),
        links=links,
        canonicals=tuple(Canonical(**one) for one in fact.get("canonicals") or ()),
        hreflang=tuple(Hreflang(**one) for one in fact.get("hreflang") or ()),
        meta_refresh=MetaRefresh(**refresh) if (refresh := fact.get("meta_refresh")) else None,
        facts=EarlierFacts(
            run_id=row.run_id,
            part=row.part,
            state=PageState(row.state),
            reason=Reason(row.reason) if row.reason else None,
            status=OK,
            errors=row.errors,
            warnings=row.warnings,
            notices=row.notices,
        ),
    )
