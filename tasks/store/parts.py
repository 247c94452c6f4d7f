"""Parts: immutable Parquet files, complete on disk before the catalogue names them."""

import os
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

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
    return tuple(_write_one(root, run_id, name, table, frame) for table, frame in tables.items())


def without_pages(root: Path, staged: Staged, run_id: str, kept: Collection[str]) -> tuple[Part, ...]:
    """The staged parts again, with the pages ``kept`` only."""
    name = new_name(staged.name.removeprefix("part-"))
    tables = {part.table: pl.read_parquet(root / part.path, glob=False) for part in staged.parts}
    chosen = {table: frame.filter(pl.col("page_id").is_in(list(kept))) for table, frame in tables.items()}
    return write(root, run_id, name, {table: frame for table, frame in chosen.items() if len(frame)})


def _write_one(root: Path, run_id: str, name: str, table: str, frame: pl.DataFrame) -> Part:
    relative = f"{FOLDER}/{table}/{run_id}/{name}.parquet"
    path = root / relative
    temporary = path.with_name(f".{name}.{secrets.token_hex(4)}.tmp")
    try:
        _make_folder(path.parent)
        size = _write_synced(temporary, frame)
        temporary.replace(path)
        _sync_folder(path.parent)
    except (OSError, pl.exceptions.PolarsError) as error:
        with suppress(OSError):
            temporary.unlink()
        raise StoreError(f"cannot write {path}: {error}: check the folder's rights and free space") from error
    return Part(table, name, relative, len(frame), size)


def _write_synced(path: Path, frame: pl.DataFrame) -> int:
    with path.open("xb") as file:
        frame.write_parquet(
            file, compression="zstd", compression_level=1, metadata={"seo_scan_schema": str(FACT_SCHEMA)}
        )
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


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
