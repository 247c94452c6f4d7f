"""Files that nothing needs any more: deleted late enough that no reader or writer still has them in hand."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, delete, select, tuple_, update

from tasks.store.part_bucket import PartBucket
from tasks.store.part_folder import FACTS, PartFolder
from tasks.store.publish import FILE_NAME
from tasks.store.retention import SLICE
from tasks.store.schema import parts, runs
from tasks.store.shift import Shift
from tasks.store.upkeep_records import Swept
from tasks.store.views import SPILL_FOLDER

GRACE_SECONDS = 3600.0
"""Longer than any query: a reader that began before a part died may still open its file."""

STRAY_SECONDS = 86400.0
"""Longer than any writer needs between writing a part and committing it."""

LIST_SECONDS = 7 * 86400.0
"""Longer than a run waits for its place: then it has read its list."""

LISTS_FOLDER = "lists"
RESULTS_FOLDER = "results"
GONE = ""
"""Path of a part that is only remembered for what has its rows now."""


def sweep_dead(root: PartFolder, shift: Shift, grace_s: float, publish: Callable[[], None]) -> Swept:
    """Deletes the files of parts that died ``grace_s`` seconds ago; ``publish`` renews what may still name them."""
    now = time.time()
    new = (parts.c.live.is_(False), parts.c.dead_at.is_(None))
    with shift.catalogue.read() as connection:
        has_new = connection.execute(select(parts.c.name).where(*new).limit(1)).first() is not None
    if has_new:
        with shift.write() as connection:
            connection.execute(update(parts).where(*new).values(dead_at=now))
    with shift.catalogue.read() as connection:
        due = connection.execute(_due(now - grace_s).order_by(parts.c.path)).all()
    if due and (root.folder / FILE_NAME).exists():
        publish()
    for start in range(0, len(due), SLICE):
        these = due[start : start + SLICE]
        root.remove([row.path for row in these])
        _forget(shift, these)
    _forget_unneeded(shift)
    return Swept(dead=len(due), bytes=sum(row.bytes for row in due))


def _due(before: float) -> Select[Any]:
    return select(parts).where(parts.c.live.is_(False), parts.c.dead_at <= before, parts.c.path != GONE)


def is_due(connection: Connection, grace_s: float) -> bool:
    """True where ``sweep_dead`` has a file to delete."""
    return connection.execute(_due(time.time() - grace_s).limit(1)).first() is not None


def _forget(shift: Shift, rows: Sequence[Any]) -> None:
    key = tuple_(parts.c.table_name, parts.c.run_id, parts.c.name)
    names = [(row.table_name, row.run_id, row.name) for row in rows]
    with shift.write() as connection:
        for start in range(0, len(names), 500):  # three parameters each
            here = (key.in_(names[start : start + 500]), parts.c.live.is_(False))
            connection.execute(delete(parts).where(*here, parts.c.merged_into.is_(None)))
            connection.execute(update(parts).where(*here).values(path=GONE))


def _forget_unneeded(shift: Shift) -> None:
    """Rows of parts whose files went when they still had to say where their rows are, and need not any more."""
    idle = (parts.c.path == GONE, parts.c.merged_into.is_(None), parts.c.live.is_(False))
    query = select(parts.c.table_name, parts.c.run_id, parts.c.name).where(*idle).limit(SLICE)
    while True:
        with shift.catalogue.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        _forget(shift, rows)


def sweep_strays(root: PartFolder, shift: Shift, now: float) -> Swept:
    """Deletes what processes left that died: parts the catalogue does not know, unfinished files, queries, lists."""
    before = now - STRAY_SECONDS
    swept = Swept()
    for folder in _run_folders(root):
        swept += _sweep_folder(root, folder, shift, before)
    beside = [path for path in root.folder.glob(f".{FILE_NAME}.*") if _is_old(path, before)]
    spilled = [path for path in (root.folder / SPILL_FOLDER).glob("*") if _is_old(path, before)]
    lists = [path for path in (root.folder / LISTS_FOLDER).glob("*") if _is_old(path, now - LIST_SECONDS)]
    if isinstance(root, PartBucket):
        swept += _sweep_bucket(root, shift, before)
    return swept + _delete([*beside, *spilled, *lists], "temporary")


def _sweep_bucket(root: PartBucket, shift: Shift, before: float) -> Swept:
    unknown = root.sizes(before)
    with shift.catalogue.read() as connection:
        for path in connection.execute(select(parts.c.path)).scalars():
            unknown.pop(path, None)
    root.remove(unknown)
    return Swept(orphans=len(unknown), bytes=sum(unknown.values()))


def _run_folders(root: PartFolder) -> Iterator[Path]:
    for table in sorted((root.folder / FACTS).glob("*")):
        yield from sorted(folder for folder in table.glob("*") if folder.is_dir())


def _sweep_folder(root: PartFolder, folder: Path, shift: Shift, before: float) -> Swept:
    old = [path for path in folder.iterdir() if _is_old(path, before)]
    table, run_id = folder.parent.name, folder.name
    with shift.catalogue.read() as connection:
        here = (parts.c.table_name == table, parts.c.run_id == run_id)
        known = set(connection.execute(select(parts.c.path).where(*here)).scalars())
        is_left = connection.execute(select(runs.c.run_id).where(runs.c.run_id == run_id)).first() is not None
    unknown = [
        path for path in old if path.suffix == ".parquet" and path.relative_to(root.folder).as_posix() not in known
    ]
    swept = _delete(unknown, "orphans") + _delete([path for path in old if path.suffix == ".tmp"], "temporary")
    if not is_left:
        with suppress(OSError):  # not empty yet
            folder.rmdir()
    return swept


def sweep_results(root: PartFolder, before: float) -> Swept:
    """Deletes cached results of chunks that were written before ``before``, seconds since the epoch."""
    return _delete([path for path in (root.folder / RESULTS_FOLDER).glob("**/*") if _is_old(path, before)], "results")


def _is_old(path: Path, before: float) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:  # finished, or deleted, meanwhile
        return False
    return path.is_file() and status.st_mtime < before


def _delete(paths: list[Path], kind: str) -> Swept:
    size = 0
    for path in paths:
        with suppress(FileNotFoundError):
            size += path.stat().st_size
            path.unlink()
    return Swept(**{kind: len(paths), "bytes": size})
