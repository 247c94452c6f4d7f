"""The store: one object on a data folder, safe in threads; any number of processes open the same folder."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.errors import StoreError
from tasks.model import ScannedPage
from tasks.store import commits, driver, facts, known_pages, parts, runs, targets, work
from tasks.store import found as found_urls
from tasks.store import redirects as redirects_
from tasks.store.api_keys import ApiKeys
from tasks.store.catalogue import Catalogue
from tasks.store.crawl_records import Found, Limits, Redirected
from tasks.store.hosts import HostLedger
from tasks.store.location import locate
from tasks.store.migrations import bring_up_to_date, check_version
from tasks.store.model_ledger import ModelLedger
from tasks.store.notifications import Notifications
from tasks.store.outbox import Outbox
from tasks.store.part_folder import PartFolder
from tasks.store.projects import Projects
from tasks.store.reading import Reading
from tasks.store.recommendations import Recommendations
from tasks.store.records import Lease, OutboxRequest, Retry, Run, RunSpec, RunState, Staged, Target
from tasks.store.requests import Requests
from tasks.store.robots import RobotsCache
from tasks.store.templates import Templates
from tasks.store.upkeep import Upkeep

LEASE_SECONDS = 120.0


class Store(Reading):
    """A data folder, open for reading and writing.

    Attributes:
        path: the folder, absolute.
        store_id: its identity; another or a new folder has another.
        hosts: per-host limits shared by all processes on the folder.
        robots: the last robots.txt of each origin, for all runs.
        requests, outbox, notifications: who answers what, what is to be handed on, what people were told.
        templates, recommendations, model_ledger: the prompt, advice on pages, what models answered and cost.
        projects, api_keys: who owns what, and who may ask.
        upkeep: what keeps the folder fast and small, and tells whether it is right.
    """

    def __init__(self, root: PartFolder, catalogue: Catalogue, store_id: str) -> None:
        super().__init__(root, catalogue)
        self.store_id = store_id
        self.hosts = HostLedger(catalogue)
        self.robots = RobotsCache(catalogue)
        self.requests = Requests(catalogue)
        self.outbox = Outbox(catalogue)
        self.notifications = Notifications(catalogue)
        self.templates = Templates(catalogue)
        self.recommendations = Recommendations(catalogue)
        self.model_ledger = ModelLedger(catalogue)
        self.projects = Projects(catalogue)
        self.api_keys = ApiKeys(catalogue)
        self.upkeep = Upkeep(root, catalogue, lambda: self.publish(final=True))

    @classmethod
    def open(cls, data: Path | str | None = None) -> Self:
        """The store in ``data``, else in ``SEO_DATA``, else in ``./data``; made where there is none.

        Raises:
            StoreError: the folder cannot be used; names it and the remedy.
            SchemaTooNew: a later release wrote it.
        """
        location = locate(data)
        _make_folder(location.folder)
        parts_ = location.parts()
        catalogue = location.catalogue()
        try:
            known = check_version(catalogue) if catalogue.exists else None
            return cls(parts_, catalogue, known or bring_up_to_date(catalogue))
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

    def resume_run(
        self,
        run_id: str,
        parent_pid: int | None = None,
        limits: Limits | None = None,
        *,
        flow_run_id: str | None = None,
    ) -> Run:
        """Begins the next epoch: leases are given back and no earlier holder can commit; ``limits`` replace its own.

        ``flow_run_id`` is Prefect's of who resumes it.
        """
        with self._catalogue.write() as connection:
            return runs.resume(connection, run_id, parent_pid, limits, flow_run_id=flow_run_id, now=time.time())

    def show_sign(self, run_id: str, epoch: int) -> None:
        """Tells other machines that the process that drives the run lives; nothing where it was resumed elsewhere."""
        with self._catalogue.write() as connection:
            driver.show_sign(connection, run_id, epoch)

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

    def set_options(self, run_id: str, epoch: int, options: str) -> None:
        """Replaces the run's options, JSON text, by what was learnt of them on the way.

        Raises:
            StaleEpoch: it was resumed elsewhere.
        """
        with self._catalogue.write() as connection:
            runs.set_options(connection, run_id, epoch, options)

    def request_stop(self, run_id: str) -> None:
        with self._catalogue.write() as connection:
            runs.request_stop(connection, run_id)

    def mark_first_request(self, run_id: str, at: float | None = None) -> None:
        """Notes the earliest request of the present epoch, seconds since the epoch (now)."""
        with self._catalogue.write() as connection:
            runs.mark_first_request(connection, run_id, time.time() if at is None else at)

    # The list of a run

    def add_targets(self, run: Run, targets_: Iterable[Target]) -> int:
        """Adds the URLs that the run does not name yet, in order; returns how many."""
        with self._catalogue.write() as connection:
            return targets.add(connection, self._root, run.run_id, targets_, time.time())

    def add_found(self, run_id: str, epoch: int, found: Iterable[Found]) -> int:
        """Adds the URLs that the crawl does not know yet, in order; returns how many.

        Raises:
            StaleEpoch: the run was resumed elsewhere.
        """
        with self._catalogue.write() as connection:
            run = runs.check_epoch(connection, run_id, epoch)
            return found_urls.add(connection, self._root, run, found, time.time())

    def link_fresh(self, run: Run, max_age_s: float, recipe: str) -> int:
        """Shows pages that an earlier run of the same recipe completed within ``max_age_s``; returns how many."""
        if max_age_s <= 0:
            return 0
        with self._catalogue.write() as connection:
            return targets.link_fresh(connection, self._root, run, max_age_s=max_age_s, recipe=recipe, now=time.time())

    def assign_chunks(self, run: Run, size: int, shards: int = 1) -> int:
        """Cuts the whole list into chunks of ``size`` pages in its order, each of one shard; returns how many."""
        with self._catalogue.write() as connection:
            return targets.assign_chunks(connection, run.run_id, size, shards)

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
        found: Sequence[Found] = (),
    ) -> list[Lease]:
        """Takes up to ``limit`` pending pages that are due and within the run's limits, in list order.

        ``found`` joins the run first, in the same transaction: a page found a moment ago is leased without a commit.
        Without a chunk, pages of smaller depth come first. Pages that lost a lease may have killed who worked on them:
        where only such are left they are given out in ever smaller groups, and not at all without ``suspects``, which
        is for who still works on others. Leases that an earlier holder of the chunk left, or without
        a chunk those that are over, are taken back first; a page that lost three is quarantined.

        Raises:
            StaleEpoch: the run was resumed elsewhere.
        """
        with self._catalogue.write() as connection:
            return work.lease(
                connection,
                self._root,
                run_id=run_id,
                epoch=epoch,
                holder=holder,
                limit=limit,
                chunk=chunk,
                now=time.time() if now is None else now,
                lease_s=lease_s,
                suspects=suspects,
                found=found,
            )

    def renew(self, run_id: str, epoch: int, holder: str, lease_s: float = LEASE_SECONDS) -> None:
        """Keeps the holder's leases for another ``lease_s`` seconds.

        Raises:
            StaleEpoch: the run was resumed elsewhere.
        """
        with self._catalogue.write() as connection:
            work.renew(connection, run_id, epoch, holder, time.time() + lease_s)

    def release(self, run_id: str, epoch: int, holder: str) -> int:
        """Gives the holder's leases back, unblamed; returns how many.

        Raises:
            StaleEpoch: the run was resumed elsewhere.
        """
        with self._catalogue.write() as connection:
            return work.release(connection, run_id, epoch, holder)

    def expire(self, run_id: str, epoch: int, of: Callable[[str], bool] = lambda _: True) -> None:
        """Ends all leases of a run whose holders died, or those ``of`` some: ``lease`` then takes their pages back.

        Raises:
            StaleEpoch: the run was resumed elsewhere.
        """
        with self._catalogue.write() as connection:
            work.expire(connection, run_id, epoch, of)

    def stage(self, run_id: str, part_key: str, pages: Sequence[ScannedPage], *, keep_html: bool = True) -> Staged:
        """Writes the facts of ``pages``; nothing of it is visible before ``commit``.

        Raises:
            StoreError: naming the file that could not be written.
        """
        return parts.stage(self._root, run_id, part_key, pages, keep_html=keep_html)

    def commit(
        self,
        run_id: str,
        epoch: int,
        holder: str,
        staged: Staged | None = None,
        retries: Sequence[Retry] = (),
        outbox: Sequence[OutboxRequest] = (),
        redirects: Sequence[Redirected] = (),
        found: Sequence[Found] = (),
    ) -> int:
        """In one transaction: parts visible, pages terminal, retries pending, requests waiting, found URLs added.

        ``redirects`` are pages done but for their facts, which ``settle`` writes.

        Returns how many of ``found`` the run did not know. Pages that already have a result, or that someone else has
        leased since, are left out: committing twice has the effect of committing once.

        Raises:
            StaleEpoch: the run was resumed elsewhere; nothing is written.
        """
        prepared = None if staged is None else commits.prepare(run_id, holder, staged)
        with self._catalogue.write() as connection:
            return commits.commit(
                connection,
                self._root,
                run_id=run_id,
                epoch=epoch,
                holder=holder,
                prepared=prepared,
                retries=retries,
                redirects=redirects,
                found=found,
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
        found: Sequence[Found] = (),
    ) -> Staged:
        """``stage`` and ``commit`` in one."""
        staged = self.stage(run_id, part_key, pages, keep_html=keep_html)
        self.commit(run_id, epoch, holder, staged, outbox=outbox, found=found)
        return staged

    def settle(self, run_id: str, epoch: int, pages: Iterable[ScannedPage]) -> int:
        """Writes the facts of all pages committed as ``redirects``, in place of earlier ones; returns how many.

        Raises:
            StaleEpoch: the run was resumed elsewhere; nothing is replaced.
            StoreError: naming the file that could not be written.
        """
        staged = redirects_.stage(self._root, run_id, pages)
        with self._catalogue.write() as connection:
            return redirects_.settle(connection, run_id, epoch, staged, time.time())

    def write_facts(self, run_id: str, epoch: int, table: str, name: str, rows: facts.Rows) -> None:
        """Writes facts of the run as a whole, for the step ``name``: they replace what that step wrote before.

        Args:
            run_id: the run.
            epoch: its epoch.
            table: of docs/data.md; for ``issues`` the run's counts follow.
            name: the step.
            rows: records of the table, or a frame of its columns; ``run_id`` is filled in, what lacks is null. Of an
                iterator of frames one is in memory at a time.

        Raises:
            StaleEpoch: the run was resumed elsewhere; nothing is replaced.
            StoreError: a file could not be written, or the rows are not of the table.
        """
        written = facts.stage(self._root, run_id, table, name, rows)
        with self._catalogue.write() as connection:
            facts.replace(
                connection,
                self._root,
                run_id=run_id,
                epoch=epoch,
                table=table,
                step=name,
                written=written,
                now=time.time(),
            )

    # Pages

    def register_page(self, project_id: str, url: str) -> str:
        """Makes the page known before any run has it; returns its id."""
        with self._catalogue.write() as connection:
            return known_pages.register(connection, project_id, url)


def _make_folder(path: Path) -> None:
    if "?" in str(path):  # DuckDB takes what follows for options
        raise StoreError(f"cannot use data folder {path}: name one without a question mark")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot use data folder {path}: {error.strerror}: name another with --data") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise StoreError(f"cannot write to data folder {path}: name another with --data")
