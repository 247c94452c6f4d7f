"""Scanned pages as frames, column by column."""

import hashlib
from collections.abc import Sequence
from itertools import accumulate, chain, repeat
from typing import Any

import polars as pl

from tasks.model import EarlierFacts, Response, ScannedPage, Severity
from tasks.store.columns import HTML, LINKED, LINKED_SCHEMA, PAGE_TABLES
from tasks.store.records import PageOutcome
from tasks.store.takes import TEXT, Column, FactTable, Key, PageTable, dtype_of


def frames(run_id: str, pages: Sequence[ScannedPage], *, keep_html: bool = True) -> dict[str, pl.DataFrame]:
    """The facts of ``pages`` by table; tables without a row are left out."""
    tables = [table for table in PAGE_TABLES if keep_html or table is not HTML]
    read = [page for page in pages if page.earlier is None]
    built = ((table.name, _frame(table, run_id, read)) for table in tables)
    shown = {page.page_id: page.earlier.run_id for page in pages if page.earlier is not None}
    linked = {LINKED: linked_frame(run_id, list(shown), list(shown.values()), not_modified=True)} if shown else {}
    return {name: frame for name, frame in built if frame is not None} | linked


def site_frame(table: FactTable, run_id: str, records: Sequence[Any]) -> pl.DataFrame:
    """Records of the run as a whole, as rows."""
    run = {Key.RUN: pl.lit(run_id, dtype=pl.String)}
    columns = (_column(column, records, run).alias(column.name) for column in table.columns)
    return pl.select(columns) if records else pl.DataFrame(schema=table.schema)


def linked_frame(
    run_id: str, page_ids: Sequence[str], source_run_ids: Sequence[str], *, not_modified: bool
) -> pl.DataFrame:
    same = {"run_id": [run_id] * len(page_ids), "not_modified": [not_modified] * len(page_ids)}
    return pl.DataFrame({**same, "page_id": page_ids, "source_run_id": source_run_ids}, schema=LINKED_SCHEMA)


def _frame(table: PageTable, run_id: str, pages: Sequence[ScannedPage]) -> pl.DataFrame | None:
    grouped = [table.items(page) for page in pages]
    items = list(chain.from_iterable(grouped))
    if not items:
        return None
    rows_of_pages = map(repeat, range(len(pages)), map(len, grouped))
    owners = pl.lit(pl.Series(list(chain.from_iterable(rows_of_pages)), dtype=pl.UInt32))
    keys = {
        Key.RUN: pl.lit(run_id, dtype=pl.String),
        Key.PAGE: pl.lit(_series([page.page_id for page in pages], TEXT)).gather(owners),
        Key.URL: pl.lit(_series([page.url for page in pages], TEXT)).gather(owners),
    }
    return pl.select(_column(column, items, keys).alias(column.name) for column in table.columns)


def _column(column: Column, items: Sequence[Any], keys: dict[Key, pl.Expr]) -> pl.Expr:
    if isinstance(column.take, Key):
        return keys[column.take]
    values = list(map(column.take, items))
    if isinstance(column.dtype, pl.List):
        return _lists(values, dtype_of(column.dtype.inner))
    return pl.lit(_series(values, column.dtype))


def _series(values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    try:
        return pl.Series(values, dtype=dtype)
    except UnicodeEncodeError:
        # A lone surrogate, as in the JSON text "\ud800".
        return pl.Series(_without_surrogates(values), dtype=dtype)


def _lists(values: Sequence[Sequence[Any] | None], inner: pl.DataType) -> pl.Expr:
    """Lists, cut from flat columns: a quarter of the time polars needs for nested Python values."""
    flat = _flat(list(chain.from_iterable(filter(None, values))), inner)
    lengths = [len(value or ()) for value in values]
    offsets = list(accumulate(lengths, initial=0))[:-1]
    cut = flat.implode().list.slice(pl.lit(pl.Series(offsets)), pl.lit(pl.Series(lengths)))
    if None not in values:
        return cut
    return pl.when(pl.lit(pl.Series([value is not None for value in values]))).then(cut)


def _flat(items: Sequence[Any], dtype: pl.DataType) -> pl.Expr:
    if not isinstance(dtype, pl.Struct):
        return pl.lit(_series(items, dtype))
    return pl.struct(
        pl.lit(_series([item[n] for item in items], dtype_of(field.dtype))).alias(field.name)
        for n, field in enumerate(dtype.fields)
    )


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value


def outcome(scanned: ScannedPage) -> PageOutcome:
    """What the catalogue keeps of a page."""
    answer = scanned.answer
    if scanned.earlier is not None:
        return _as_before(scanned, scanned.earlier)
    # Validators are the last address's: they say nothing of one that redirects there.
    response = answer if isinstance(answer, Response) and not answer.hops else None
    found = [issue.severity for issue in scanned.verdict.issues]
    etag, last_modified = (response.header(name) if response else None for name in ("etag", "last-modified"))
    return PageOutcome(
        page_id=scanned.page_id,
        url=scanned.url,
        state=scanned.state,
        reason=scanned.reason,
        tries=answer.tries,
        status=answer.status,
        fetched_at=answer.fetched_at.timestamp() if answer.tries else None,
        etag=etag,
        last_modified=last_modified,
        content_hash=digest(response.body) if response and (etag or last_modified) else None,
        errors=found.count(Severity.ERROR),
        warnings=found.count(Severity.WARNING),
        notices=found.count(Severity.NOTICE),
    )


def _as_before(scanned: ScannedPage, earlier: EarlierFacts) -> PageOutcome:
    return PageOutcome(
        page_id=scanned.page_id,
        url=scanned.url,
        state=earlier.state,
        reason=earlier.reason,
        tries=scanned.answer.tries,
        status=earlier.status,
        fetched_at=scanned.answer.fetched_at.timestamp(),
        etag=None,
        last_modified=None,
        content_hash=None,
        errors=earlier.errors,
        warnings=earlier.warnings,
        notices=earlier.notices,
        source_run_id=earlier.run_id,
        source_part=earlier.part,
    )


def digest(body: bytes) -> str:
    """Identity of a body, 16 hex digits."""
    return hashlib.sha256(body).hexdigest()[:16]
