"""Parts: immutable Parquet files, complete on disk before the catalogue names them."""

import os
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from tasks.errors import StoreError
from tasks.model import ScannedPage
from tasks.store.columns import FACT_SCHEMA
from tasks.store.records import Part, Staged
from tasks.store.rows import frames, outcome

FOLDER = "facts"


def stage(root: Path, run_id: str, part_key: str, pages: Sequence[ScannedPage], *, keep_html: bool) -> Staged:
    """Writes the facts of ``pages``; nothing is visible before the manifest is committed."""
    outcomes = tuple(map(outcome, pages))
    name = new_name(part_key)
    written = write(root, run_id, name, frames(run_id, pages, keep_html=keep_html))
    return Staged(name, written, outcomes)


def new_name(key: str) -> str:
    """A file name that says what wrote the part and is never used again: no part is ever replaced."""
    return f"part-{re.sub(r'[^A-Za-z0-9_-]', '_', key)}-{secrets.token_hex(6)}"


def write(root: Path, run_id: str, name: str, tables: Mapping[str, pl.DataFrame]) -> tuple[Part, ...]:
    """One file for each table.

    Raises:
        StoreError: naming the file that could not be written.
    """
    return tuple(_write_frame(root, run_id, name, table, frame) for table, frame in tables.items())


def without_pages(root: Path, staged: Staged, run_id: str, kept: Collection[str]) -> tuple[Part, ...]:
    """The staged parts again, with the pages ``kept`` only."""
    name = new_name(staged.name.removeprefix("part-"))
    tables = {part.table: pl.read_parquet(root / part.path, glob=False) for part in staged.parts}
    chosen = {table: frame.filter(pl.col("page_id").is_in(list(kept))) for table, frame in tables.items()}
    return write(root, run_id, name, {table: frame for table, frame in chosen.items() if len(frame)})


def stream(root: Path, run_id: str, name: str, table: str, rows: pl.LazyFrame, *, row_group: int) -> Part:
    """One file, written while ``rows`` are read: memory holds a few row groups of ``row_group`` rows.

    Raises:
        StoreError: naming the file that could not be written.
    """

    def write(file: BinaryIO) -> None:
        rows.sink_parquet(file, row_group_size=row_group, maintain_order=True, engine="streaming", **_FORMAT)

    path, size = _write_one(root, run_id, name, table, write)
    return Part(table, name, path, row_count(root / path), size)


def row_count(path: Path) -> int:
    """Rows of a part, by its footer."""
    found: int = pl.scan_parquet(path, glob=False, hive_partitioning=False).select(pl.len()).collect().item()
    return found


def remove(root: Path, paths: Iterable[str]) -> None:
    """Deletes files, relative to the data folder; those that are gone already are as good."""
    for path in paths:
        (root / path).unlink(missing_ok=True)


def _write_frame(root: Path, run_id: str, name: str, table: str, frame: pl.DataFrame) -> Part:
    path, size = _write_one(root, run_id, name, table, lambda file: frame.write_parquet(file, **_FORMAT))
    return Part(table, name, path, len(frame), size)


_FORMAT: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "metadata": {"seo_scan_schema": str(FACT_SCHEMA)},
}


def _write_one(root: Path, run_id: str, name: str, table: str, write: Callable[[BinaryIO], None]) -> tuple[str, int]:
    """Path, relative to the data folder, and size of the file."""
    relative = f"{FOLDER}/{table}/{run_id}/{name}.parquet"
    path = root / relative
    temporary = path.with_name(f".{name}.{secrets.token_hex(4)}.tmp")
    try:
        _make_folder(path.parent)
        size = _write_synced(temporary, write)
        temporary.replace(path)
        _sync_folder(path.parent)
    except (OSError, pl.exceptions.PolarsError) as error:
        with suppress(OSError):
            temporary.unlink()
        raise StoreError(f"cannot write {path}: {error}: check the folder's rights and free space") from error
    return relative, size


def _write_synced(path: Path, write: Callable[[BinaryIO], None]) -> int:
    with path.open("xb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
        return file.seek(0, os.SEEK_END)


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be synced there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
