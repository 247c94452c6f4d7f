"""Parts: immutable Parquet files, complete before the catalogue names them."""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from tasks.model import ScannedPage
from tasks.store.columns import FACT_SCHEMA
from tasks.store.part_folder import FACTS, PartFolder
from tasks.store.records import Part, Staged
from tasks.store.rows import frames, outcome


def stage(root: PartFolder, run_id: str, part_key: str, pages: Sequence[ScannedPage], *, keep_html: bool) -> Staged:
    """Writes the facts of ``pages``; nothing is visible before the manifest is committed."""
    outcomes = tuple(map(outcome, pages))
    name = new_name(part_key)
    written = write(root, run_id, name, frames(run_id, pages, keep_html=keep_html))
    return Staged(name, written, outcomes)


def new_name(key: str) -> str:
    """A file name that says what wrote the part and is never used again: no part is ever replaced."""
    return f"part-{re.sub(r'[^A-Za-z0-9_-]', '_', key)}-{secrets.token_hex(6)}"


def write(root: PartFolder, run_id: str, name: str, tables: Mapping[str, pl.DataFrame]) -> tuple[Part, ...]:
    """One file for each table.

    Raises:
        StoreError: naming the file that could not be written.
    """
    return tuple(root.each(lambda one: _write_frame(root, run_id, name, *one), tables.items()))


def without_pages(root: PartFolder, staged: Staged, run_id: str, kept: Collection[str]) -> tuple[Part, ...]:
    """The staged parts again, with the pages ``kept`` only."""
    name = new_name(staged.name.removeprefix("part-"))
    files = root.files(part.path for part in staged.parts)
    tables = {part.table: pl.read_parquet(file, glob=False) for part, file in zip(staged.parts, files, strict=True)}
    chosen = {table: frame.filter(pl.col("page_id").is_in(list(kept))) for table, frame in tables.items()}
    return write(root, run_id, name, {table: frame for table, frame in chosen.items() if len(frame)})


def stream(root: PartFolder, run_id: str, name: str, table: str, rows: pl.LazyFrame, *, row_group: int) -> Part:
    """One file, written while ``rows`` are read: memory holds a few row groups of ``row_group`` rows.

    Raises:
        StoreError: naming the file that could not be written.
    """

    def write(file: BinaryIO) -> None:
        rows.sink_parquet(file, row_group_size=row_group, maintain_order=True, engine="streaming", **_FORMAT)

    path = _path(run_id, name, table, rows.collect_schema())
    size = root.add(path, write)
    (file,) = root.files([path])
    return Part(table, name, path, row_count(file), size)


def row_count(path: Path) -> int:
    """Rows of a part, by its footer."""
    found: int = pl.scan_parquet(path, glob=False, hive_partitioning=False).select(pl.len()).collect().item()
    return found


def _write_frame(root: PartFolder, run_id: str, name: str, table: str, frame: pl.DataFrame) -> Part:
    path = _path(run_id, name, table, frame.schema)
    size = root.add(path, lambda file: frame.write_parquet(file, **_FORMAT))
    return Part(table, name, path, len(frame), size)


def _path(run_id: str, name: str, table: str, schema: pl.Schema) -> str:
    return f"{FACTS}/{table}/{run_id}/{name}.{_shape(schema)}.parquet"


def _shape(schema: pl.Schema) -> str:
    columns = ";".join(f"{name} {dtype!r}" for name, dtype in schema.items())
    return hashlib.blake2b(columns.encode(), digest_size=4).hexdigest()


def shape_of(path: str) -> str:
    """The same for parts that have the same columns, as their names say; empty for parts of earlier releases."""
    _, *shape, _ = path.rpartition("/")[2].split(".")
    return "".join(shape)


_FORMAT: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "metadata": {"seo_scan_schema": str(FACT_SCHEMA)},
}
