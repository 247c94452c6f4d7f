"""The store: one object on a data folder, safe in threads; any number of processes open the same folder."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tasks.errors import StoreError
from tasks.model import ScannedPage
from tasks.store import outbox as outbox_
from tasks.store import pages as page_objects
from tasks.store import parts, publish, query, runs, targets, views, work
from tasks.store import progress as counts
from tasks.store.catalogue import FILE_NAME, Catalogue
from tasks.store.hosts import HostLedger
from tasks.store.migrations import bring_up_to_date, check_version
from tasks.store.records import (
    Chunk,
    Lease,
    OutboxRequest,
    PendingRequest,
    Progress,
    Retry,
    Rows,
    Run,
    RunSpec,
    RunState,
    Staged,
    Target,
)

LEASE_SECONDS = 120.0


class Store:
    """A data folder, open for reading and writing.

    Attributes:
        path: the folder, absolute.
        store_id: its identity; another or a new folder has another.
        hosts: per-host limits shared by all processes on the folder.
    """

    def __init__(self, path: Path, catalogue: Catalogue, store_id: str) -> None:
        self.path = path
        self.store_id = store_id
        self.hosts = HostLedger(catalogue)
        self._catalogue = catalogue
        self._publisher = publish.Publisher(path, catalogue)

    @classmethod
    def open(cls, data: Path | str | None = None) -> Self:
        """The store in ``data``, else in ``SEO_DATA``, else in ``./data``; made where there is none.

        Raises:
            StoreError: the folder cannot be used; names it and the remedy.
            SchemaTooNew: a later release wrote it.
        """
        path = views.data_folder(data)
        if "?" in str(path):  # DuckDB takes what follows for options
            raise StoreError(f"cannot use data folder {path}: name one without a question mark")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot use data folder {path}: {error.strerror}: name another with --data") from error
        if not os.access(path, os.W_OK | os.X_OK):
            raise StoreError(f"cannot write to data folder {path}: name another with --data")
        catalogue = Catalogue(path / FILE_NAME)
        try:
            known = check_version(catalogue) if catalogue.path.exists() else None
            return cls(path, catalogue, known or bring_up_to_date(catalogue))
        except BaseException:
            catalogue.close()
            raise

    def close(self) -> None:
        self._catalogue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Runs

    def start_run(self, spec: RunSpec) -> Run:
        with self._catalogue.write() as connection:
            return runs.start(connection, spec, time.time())

    def get_run(self, run_id: str) -> Run:
        """The run of that id, or of the only id that begins so.

        Raises:
            UnknownRun: there is none.
            InputError: several begin so.
        """
        with self._catalogue.read() as connection:
            return runs.get(connection, run_id)

    def has_run(self, run_id: str) -> bool:
        """True for the whole id of a run."""
        with self._catalogue.read() as connection:
            return runs.exists(connection, run_id)

    def list_runs(self, limit: int = 50) -> list[Run]:
        """Newest first."""
        with self._catalogue.read() as connection:
            return runs.newest(connection, limit)

    def latest_run(self) -> Run | None:
        return next(iter(self.list_runs(1)), None)

    def find_unfinished(self, batch_id: str) -> Run | None:
        """The newest run of the batch, where it is running, interrupted or failed."""
        with self._catalogue.read() as connection:
            return runs.unfinished(connection, batch_id)

    def resume_run(self, run_id: str, parent_pid: int | None = None) -> Run:
        """Begins the next epoch: leases are given back and no earlier holder can commit."""
        with self._catalogue.write() as connection:
            return runs.resume(connection, run_id, parent_pid)

    def finish_run(
        self,
        run_id: str,
        epoch: int,
        state: RunState,
        error: str | None = None,
        incomplete_reason: str | None = None,
    ) -> Run:
        """Ends the run; incomplete where pages are left or a reason is given.

        Raises:
            StaleEpoch: it was resumed elsewhere.
        """
        with self._catalogue.write() as connection:
            return runs.finish(
                connection,
                run_id,
                epoch,
                state,
                error=error,
                incomplete_reason=incomplete_reason,
                now=time.time(),
            )

    def request_stop(self, run_id: str) -> None:
        with self._catalogue.write() as connection:
            runs.request_stop(connection, run_id)

    def is_stopped(self, run_id: str, epoch: int) -> bool:
        """True where the stop mark is set, the run ended, or it was resumed since ``epoch``."""
        with self._catalogue.read() as connection:
            return runs.is_stopped(connection, run_id, epoch)

    def mark_first_request(self, run_id: str, at: float | None = None) -> None:
        """Notes the earliest request of the present epoch, seconds since the epoch (now)."""
        with self._catalogue.write() as connection:
            runs.mark_first_request(connection, run_id, time.time() if at is None else at)

    def progress(self, run_id: str) -> Progress:
        with self._catalogue.read() as connection:
            return counts.progress(connection, run_id)

    # The list of a run

    def add_targets(self, run: Run, targets_: Iterable[Target]) -> int:
        """Adds the URLs that the run does not name yet, in order; returns how many."""
        with self._catalogue.write() as connection:
            return targets.add(connection, self.path, run.run_id, targets_, time.time())

    def targets_of(self, run_id: str) -> list[Target]:
        """The run's list in its order."""
        with self._catalogue.read() as connection:
            return targets.of_run(connection, run_id)

    def targets_of_batch(self, batch_id: str) -> list[Target]:
        """The list of the newest run of the batch.

        Raises:
            InputError: no run of that batch.
        """
        with self._catalogue.read() as connection:
            return targets.of_batch(connection, batch_id)

    def link_fresh(self, run: Run, max_age_s: float, recipe: str) -> int:
        """Shows pages that an earlier run of the same recipe completed within ``max_age_s``; returns how many."""
        if max_age_s <= 0:
            return 0
        with self._catalogue.write() as connection:
            return targets.link_fresh(connection, self.path, run, max_age_s=max_age_s, recipe=recipe, now=time.time())

    def assign_chunks(self, run: Run, size: int) -> int:
        """Cuts the whole list into chunks of ``size`` pages in its order; returns how many."""
        with self._catalogue.write() as connection:
            return targets.assign_chunks(connection, run.run_id, size)

    def chunks(self, run_id: str) -> list[Chunk]:
        with self._catalogue.read() as connection:
            return targets.chunks(connection, run_id)

    def single_target(self, run_id: str) -> tuple[str, str]:
        """Page id and URL of the only page of a run.

        Raises:
            InputError: it has none, or several.
        """
        with self._catalogue.read() as connection:
            return targets.single(connection, run_id)

    # Work

    def lease(
        self,
        run_id: str,
        epoch: int,
        holder: str,
        limit: int,
        chunk: int | None = None,
        *,
        now: float | None = None,
        lease_s: float = LEASE_SECONDS,
        suspects: bool = True,
    ) -> list[Lease]:
        """Takes up to ``limit`` pending pages that are due, in list order.

        Pages that lost a lease may have killed who worked on them: where only such are left they are given out in
        ever smaller groups, and not at all without ``suspects``, which is for who still works on others.
        Leases that an earlier holder of the chunk left are taken back first; a page that lost three is
        quarantined.

        Raises:
            StaleEpoch: the run was resumed elsewhere.
        """
        with self._catalogue.write() as connection:
            return work.lease(
                connection,
                self.path,
                run_id=run_id,
                epoch=epoch,
                holder=holder,
                limit=limit,
                chunk=chunk,
                now=time.time() if now is None else now,
                lease_s=lease_s,
                suspects=suspects,
            )

    def next_due(self, run_id: str, chunk: int | None = None) -> float | None:
        """When the next pending page may be fetched, seconds since the epoch; None where none is pending."""
        with self._catalogue.read() as connection:
            return work.next_due(connection, run_id, chunk)

    def renew(self, run_id: str, epoch: int, holder: str, lease_s: float = LEASE_SECONDS) -> None:
        """Keeps the holder's leases for another ``lease_s`` seconds.

        Raises:
            StaleEpoch: the run was resumed elsewhere.
        """
        with self._catalogue.write() as connection:
            work.renew(connection, run_id, epoch, holder, time.time() + lease_s)

    def stage(self, run_id: str, part_key: str, pages: Sequence[ScannedPage], *, keep_html: bool = True) -> Staged:
        """Writes the facts of ``pages``; nothing of it is visible before ``commit``.

        Raises:
            StoreError: naming the file that could not be written.
        """
        return parts.stage(self.path, run_id, part_key, pages, keep_html=keep_html)

    def commit(
        self,
        run_id: str,
        epoch: int,
        holder: str,
        staged: Staged | None = None,
        retries: Sequence[Retry] = (),
        outbox: Sequence[OutboxRequest] = (),
    ) -> None:
        """In one transaction: parts visible, pages terminal, retries pending, requests waiting.

        Pages that already have a result, or that someone else has leased since, are left out: committing
        twice has the effect of committing once.

        Raises:
            StaleEpoch: the run was resumed elsewhere; nothing is written.
        """
        with self._catalogue.write() as connection:
            work.commit(
                connection,
                self.path,
                run_id=run_id,
                epoch=epoch,
                holder=holder,
                staged=staged,
                retries=retries,
                requests=outbox,
                now=time.time(),
            )

    def write_commit(
        self,
        run_id: str,
        epoch: int,
        holder: str,
        part_key: str,
        pages: Sequence[ScannedPage],
        *,
        keep_html: bool = True,
        outbox: Sequence[OutboxRequest] = (),
    ) -> Staged:
        """``stage`` and ``commit`` in one."""
        staged = self.stage(run_id, part_key, pages, keep_html=keep_html)
        self.commit(run_id, epoch, holder, staged, outbox=outbox)
        return staged

    # Requests

    def outbox_pending(self, limit: int = 100) -> list[PendingRequest]:
        """The oldest requests not delivered yet."""
        with self._catalogue.read() as connection:
            return outbox_.pending(connection, limit)

    def outbox_delivered(self, key: str) -> None:
        with self._catalogue.write() as connection:
            outbox_.delivered(connection, key, time.time())

    def claim(self, request_id: str, run_id: str) -> str:
        """The run that answers the request: the first that claimed it."""
        with self._catalogue.write() as connection:
            return outbox_.claim(connection, request_id, run_id, time.time())

    # Reading

    def publish(self, *, final: bool = False) -> None:
        """Brings catalog.duckdb up to date, at most every 30 s unless ``final``."""
        self._publisher.publish(final=final)

    def page_object(self, run_id: str, url: str, *, all_results: bool = False) -> dict[str, Any]:
        """The page as one JSON object; a page not done yet has its state as outcome.

        Raises:
            InputError: the run has no such page.
        """
        return page_objects.page_object(self.path, self._catalogue, run_id, url, all_results=all_results)

    def iter_page_objects(self, run_id: str, *, all_results: bool = False) -> Iterator[dict[str, Any]]:
        """Every page of the run in list order, a few hundred in memory at a time."""
        return page_objects.iter_page_objects(self.path, self._catalogue, run_id, all_results=all_results)

    def sql(self, text: str) -> Rows:
        """The answer to one SELECT on the views; other files cannot be read and nothing can be written.

        Raises:
            InputError: not one SELECT, or wrong; with DuckDB's first line.
        """
        return query.sql(self.path, self._catalogue, text)
