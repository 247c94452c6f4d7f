"""Whether a data folder is right: every part as the catalogue says, page states as the facts, counts as the pages."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from sqlalchemy import Connection, select

from tasks.errors import StoreError
from tasks.model import PageState, Severity
from tasks.store import facts
from tasks.store.catalogue import Catalogue
from tasks.store.columns import ISSUES, LINKED, PAGES
from tasks.store.part_bucket import PartBucket
from tasks.store.part_folder import PartFolder
from tasks.store.records import PRUNED, RunState
from tasks.store.registry import holding, is_held, live_parts, site_parts
from tasks.store.retention import shown_pages
from tasks.store.schema import frontier, parts, runs
from tasks.store.upkeep_records import Problem

EXAMPLES = 3
TERMINAL = [state.value for state in PageState if state.terminal]
LEVELS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.NOTICE: "notices"}


def check(root: PartFolder, catalogue: Catalogue) -> list[Problem]:
    """Every problem found. Reads all facts; runs that are running are only asked for their parts."""
    with catalogue.read() as connection:
        if damage := list(_damage(connection, catalogue.name)):
            return damage  # whatever else it says of the facts is not to be relied on
        broken: set[str] = set()
        found = [*_parts(connection, root, broken), *_forwards(connection)]
        ended = connection.execute(select(runs).where(runs.c.state != RunState.RUNNING.value).order_by(runs.c.run_id))
        for run in ended.all():
            if run.run_id not in broken:
                found += _Pages(connection, root, run).problems(broken)
    return found


def _damage(connection: Connection, name: str) -> Iterator[Problem]:
    """What SQLite finds wrong with its file, much of which the queries of a check do not read."""
    if connection.dialect.name != "sqlite":
        return  # PostgreSQL looks after its own
    told = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if told != "ok":
        yield Problem(
            what=f"{name} is damaged: {told.splitlines()[-1]}",
            remedy="put catalogue and facts back from a backup; without one, `.recover` of SQLite's shell saves what "
            "can be read of it",
        )


def _parts(connection: Connection, root: PartFolder, broken: set[str]) -> Iterator[Problem]:
    """``broken`` takes the runs whose facts cannot be read."""
    rows = connection.execute(select(parts).where(parts.c.live).order_by(parts.c.path)).all()
    better = "put the file back from a backup"
    fault = partial(_fault, root)
    if isinstance(root, PartBucket):
        better += ", or from the folder of a machine that has a copy"
        fault = partial(_fault_in_bucket, root, root.sizes())
    with closing(_Reader()) as reader:
        for row in rows:
            what = fault(reader, row)
            if what and _is_live(connection, row):
                broken.add(row.run_id)
                yield Problem(what=f"{row.path} {what}", remedy=_lost(row.run_id, better))


def _fault_in_bucket(root: PartBucket, there: Mapping[str, int], reader: "_Reader", row: Any) -> str:
    """What is wrong with a part in the bucket; its copy is fetched anew where that is harmed."""
    if (size := there.get(row.path)) is None:
        return f"is missing in {root}"
    if size != row.bytes:
        return _other_size(size, row)
    if not _fault(root, reader, row):
        return ""
    root.forget(row.path)
    return _fault(root, reader, row)


def _fault(root: PartFolder, reader: "_Reader", row: Any) -> str:
    """What is wrong with the file of a part; empty where nothing is."""
    try:
        (path,) = root.files([row.path])
        size = path.stat().st_size
    except FileNotFoundError:
        return "is missing"
    except StoreError as error:
        return f"is not to be had: {error}"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if size != row.bytes:
        return _other_size(size, row)
    try:
        rows = reader.rows(path)
    except (OSError, duckdb.Error) as error:
        return f"cannot be read: {str(error).splitlines()[0]}"
    return "" if rows == row.rows else f"has {rows:,} rows, the catalogue says {row.rows:,}"


def _other_size(size: int, row: Any) -> str:
    return f"has {size:,} bytes, the catalogue says {row.bytes:,}"


class _Reader:
    """Reads parts, one after another over one connection: to make one takes far longer than to read most parts."""

    def __init__(self) -> None:
        self._connection = self._connected()

    @staticmethod
    def _connected() -> duckdb.DuckDBPyConnection:
        return duckdb.connect(config={"threads": 1})

    def rows(self, path: Path) -> int:
        """Rows of the file, every value of which was read: a footer says nothing of what stands before it."""
        read = "SELECT count(*), bit_xor(hash(part)) FROM read_parquet($1, hive_partitioning = false) part"
        try:
            return int(self._connection.execute(read, [str(path)]).fetchall()[0][0])
        except duckdb.Error:
            self.close()
            self._connection = self._connected()  # it may be of no more use
            raise

    def close(self) -> None:
        self._connection.close()


def _is_live(connection: Connection, row: Any) -> bool:
    """False where the part died since it was listed."""
    here = (parts.c.table_name == row.table_name, parts.c.run_id == row.run_id, parts.c.name == row.name)
    return bool(connection.execute(select(parts.c.live).where(*here)).scalar())


def _forwards(connection: Connection) -> Iterator[Problem]:
    lost = (
        select(parts.c.run_id)
        .outerjoin(holding, is_held)
        .where(parts.c.merged_into.is_not(None), holding.c.name.is_(None))
    )
    for run_id in connection.execute(lost.distinct().order_by(parts.c.run_id)).scalars().all():
        yield Problem(
            what=f"run {run_id} has parts merged into one that is not there",
            remedy=_lost(run_id, "put catalogue and facts back from a backup"),
        )


def _lost(run_id: str, better: str) -> str:
    return f"{better}; without one, `seo store prune --run {run_id}` removes the run, and it can be scanned again"


class _Pages:
    """A run that has ended: its page states beside its facts."""

    def __init__(self, connection: Connection, root: PartFolder, run: Any) -> None:
        self._connection = connection
        self._root = root
        self._run = run
        columns = ("page_id", "state", "source_run_id", "part", "redirects", "not_modified", *LEVELS.values())
        rows = connection.execute(
            select(*(frontier.c[name] for name in columns)).where(frontier.c.run_id == run.run_id)
        )
        states = pl.DataFrame(list(map(tuple, rows)), schema=_STATES, orient="row")
        if run.incomplete_reason == PRUNED:
            states = states.filter(pl.col("page_id").is_in(shown_pages(connection, run.run_id).implode()))
        self._states = states
        self._own = states.filter(
            pl.col("state").is_in(TERMINAL), pl.col("source_run_id") == run.run_id, pl.col("part").is_not_null()
        )
        self._shown = states.filter(pl.col("state").is_in(TERMINAL), pl.col("source_run_id") != run.run_id)

    def problems(self, broken: set[str]) -> Iterator[Problem]:
        for what in self._disagreements():
            yield Problem(
                what=f"run {self._run.run_id}: {what}",
                remedy=_lost(self._run.run_id, "put catalogue and facts back from a backup"),
            )
        for what in self._lost_sources(broken):
            yield Problem(
                what=f"run {self._run.run_id}: {what}",
                remedy=_lost(self._run.run_id, "put the facts of that run back from a backup"),
            )
        for what in self._miscounted():
            yield Problem(
                what=f"run {self._run.run_id}: {what}",
                remedy="pages and issues are right, only the summary of the run is not; scan again where it matters",
            )

    def _disagreements(self) -> Iterator[str]:
        pages = self._facts(PAGES.name, "page_id", "outcome")
        yield from _named("pages without facts", self._own.join(pages, on="page_id", how="anti"))
        yield from _named("pages with facts and no state", pages.join(self._own, on="page_id", how="anti"))
        yield from _named("pages with facts twice", pages.filter(pl.col("page_id").is_duplicated()))
        both = self._own.join(pages, on="page_id")
        yield from _named(
            "pages whose state is not that of the facts", both.filter(pl.col("state") != pl.col("outcome"))
        )
        ended = self._states.filter(pl.col("state").is_in(TERMINAL), pl.col("part").is_null(), ~pl.col("redirects"))
        yield from _named("pages that ended without facts", ended)
        linked = self._facts(LINKED, "page_id")
        yield from _named(
            "pages of earlier runs that readers do not see", self._shown.join(linked, on="page_id", how="anti")
        )

    def _lost_sources(self, broken: set[str]) -> Iterator[str]:
        for (source,), shown in self._shown.group_by("source_run_id", maintain_order=True):
            if source not in broken:
                there = self._read([source], PAGES.name, "page_id")
                lost = shown.join(there, on="page_id", how="anti")
                yield from _named(f"pages whose facts should be in run {source}", lost)

    def _miscounted(self) -> Iterator[str]:
        not_modified = int(self._states["not_modified"].sum())
        told = facts.severities(self._root, site_parts(self._connection, ISSUES.name, [self._run.run_id]))
        counted = {
            "total": len(self._states),
            "linked": len(self._shown) - not_modified,
            "not_modified": not_modified,
            **{name: int(self._states[name].sum()) + told[level] for level, name in LEVELS.items()},
        }
        for name, number in counted.items():
            if getattr(self._run, name) != number:
                yield f"{name} is {getattr(self._run, name):,}, the pages say {number:,}"
        issues = self._facts(ISSUES.name, "severity", of_pages=True)["severity"].value_counts()
        found = dict(issues.iter_rows())
        for level, name in LEVELS.items():
            if found.get(level.value, 0) != (number := int(self._own[name].sum())):
                yield f"{found.get(level.value, 0):,} {name} are stored of its pages, their states say {number:,}"

    def _facts(self, table: str, *columns: str, of_pages: bool = False) -> pl.DataFrame:
        return self._read([self._run.run_id], table, *columns, of_pages=of_pages)

    def _read(self, run_ids: Sequence[str], table: str, *columns: str, of_pages: bool = True) -> pl.DataFrame:
        files = live_parts(self._connection, run_ids, [table], of_pages=of_pages).get(table, [])
        schema = dict.fromkeys(columns, pl.String())
        if not files:
            return pl.DataFrame(schema=schema)
        return pl.scan_parquet(
            self._root.files(files), schema=schema, extra_columns="ignore", glob=False, hive_partitioning=False
        ).collect()


_STATES = {
    "page_id": pl.String,
    "state": pl.String,
    "source_run_id": pl.String,
    "part": pl.String,
    "redirects": pl.Boolean,
    "not_modified": pl.Boolean,
    "errors": pl.Int64,
    "warnings": pl.Int64,
    "notices": pl.Int64,
}


def _named(kind: str, rows: pl.DataFrame) -> Iterator[str]:
    if len(rows):
        ids = rows["page_id"].unique().sort()
        yield f"{len(ids):,} {kind} (such as {', '.join(ids[:EXAMPLES])})"
