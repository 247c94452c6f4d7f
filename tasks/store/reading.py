"""What can be asked of a data folder."""

import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import duckdb
import polars as pl

from tasks.store import (
    changes,
    driver,
    earlier,
    found,
    known_pages,
    known_urls,
    limits,
    publish,
    query,
    redirects,
    runs,
    sharding,
    site,
    targets,
    work,
)
from tasks.store import pages as page_objects
from tasks.store import progress as counts
from tasks.store.catalogue import Catalogue
from tasks.store.crawl_records import FrontierCount, KnownUrl, OpenWork, Standing
from tasks.store.part_folder import PartFolder
from tasks.store.records import Chunk, EarlierPage, Left, Progress, Rows, Run, Shard, Target
from tasks.store.service_records import KnownPage


class Reading:
    """The questions; ``Store`` adds what changes the folder.

    Attributes:
        path: the folder, absolute.
    """

    def __init__(self, root: PartFolder, catalogue: Catalogue) -> None:
        self.path = root.folder
        self._root = root
        self._catalogue = catalogue
        self._publisher = publish.Publisher(root, catalogue)

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

    def driver_of(self, run_id: str) -> str | None:
        """The other process that works on the run, in words; None where nobody does."""
        with self._catalogue.read() as connection:
            return driver.driver_of(connection, run_id)

    def find_unfinished(self, batch_id: str) -> Run | None:
        """The newest run of the batch, where it is running, interrupted or failed."""
        with self._catalogue.read() as connection:
            return runs.unfinished(connection, batch_id)

    def find_begun_by(self, flow_run_id: str) -> Run | None:
        """The newest run that this run of Prefect began."""
        with self._catalogue.read() as connection:
            return runs.begun_by(connection, flow_run_id)

    def runs_of_batch(self, batch_id: str) -> list[Run]:
        """Newest first."""
        with self._catalogue.read() as connection:
            return runs.of_batch(connection, batch_id)

    def is_stopped(self, run_id: str, epoch: int) -> bool:
        """True where the stop mark is set, the run ended, or it was resumed since ``epoch``."""
        with self._catalogue.read() as connection:
            return runs.is_stopped(connection, run_id, epoch)

    def progress(self, run_id: str) -> Progress:
        with self._catalogue.read() as connection:
            return counts.progress(connection, run_id)

    # Pages of a run

    def targets_of(self, run_id: str) -> list[Target]:
        """The run's list in its order."""
        with self._catalogue.read() as connection:
            return targets.of_run(connection, run_id)

    def targets_of_batch(self, batch_id: str) -> list[Target]:
        """The list of the newest run of the batch.

        Raises:
            InputError: no run of that batch, or one that was pruned.
        """
        with self._catalogue.read() as connection:
            return targets.of_batch(connection, batch_id)

    def chunks(self, run_id: str) -> list[Chunk]:
        with self._catalogue.read() as connection:
            return targets.chunks(connection, run_id)

    def shards(self, run_id: str, most: int) -> list[Shard]:
        """The run's chunks that have open pages, divided by host into ``most`` shards or fewer, about even."""
        with self._catalogue.read() as connection:
            return sharding.shards_of(connection, run_id, most)

    def left(self, run_id: str, chunks: Sequence[int]) -> Left:
        """What is still open of those chunks."""
        with self._catalogue.read() as connection:
            return sharding.left(connection, run_id, chunks)

    def single_target(self, run_id: str) -> tuple[str, str]:
        """Page id and URL of the only page of a run.

        Raises:
            InputError: it has none, or several.
        """
        with self._catalogue.read() as connection:
            return targets.single(connection, run_id)

    def next_due(self, run_id: str, chunk: int | None = None) -> float | None:
        """When the next pending page may be fetched, seconds since the epoch; None where none is pending."""
        with self._catalogue.read() as connection:
            return work.next_due(connection, run_id, chunk)

    def open_work(self, run_id: str, now: float | None = None) -> OpenWork:
        """What is left to do in the run within its limits."""
        with self._catalogue.read() as connection:
            return limits.open_work(connection, run_id, time.time() if now is None else now)

    def frontier_counts(self, run_id: str) -> list[FrontierCount]:
        """The run's pages by how they were found, state and reason, most first."""
        with self._catalogue.read() as connection:
            return limits.frontier_counts(connection, run_id)

    def standings(self, run_id: str) -> dict[str, Standing]:
        """What every URL of a crawl answered, by URL; empty where none redirects."""
        with self._catalogue.read() as connection:
            return redirects.standings(connection, run_id)

    def standing(self, run_id: str, page_id: str) -> Standing | None:
        """What one URL of a crawl answered; None where that is not known yet."""
        with self._catalogue.read() as connection:
            return redirects.standing(connection, run_id, page_id)

    def trap_suspects(self, run_id: str, start: int, limit: int) -> tuple[list[str], int]:
        """URLs with a query or what may be a date, of those that pages of the run link to, in order.

        Returns up to ``limit`` of those at position ``start`` and after, and where to go on.
        """
        with self._catalogue.read() as connection:
            return found.trap_suspects(connection, run_id, start, limit)

    def is_anything_known(self, run_id: str, recipe: str) -> bool:
        """False where ``earlier_pages`` has nothing to say of any page."""
        with self._catalogue.read() as connection:
            return earlier.is_anything_known(connection, run_id, recipe)

    def earlier_pages(
        self, run_id: str, recipe: str, page_ids: Sequence[str], *, links: bool = False
    ) -> dict[str, EarlierPage]:
        """What earlier runs of the same recipe know of pages of a run, by page id.

        Only of those that a server can be asked for conditionally, and whose facts can be shown again; ``links`` says
        whether what they link to is wanted.
        """
        with self._catalogue.read() as connection:
            return earlier.earlier_pages(connection, self._root, run_id, recipe, page_ids, links=links)

    def ended_crawls(self, project_id: str, start_url: str) -> list[tuple[str, str]]:
        """Ids and options of the newest crawls of the project from that address that came to their end, newest first.

        A hundred at most.
        """
        with self._catalogue.read() as connection:
            return known_urls.ended_crawls(connection, project_id, start_url)

    def known_urls(self, run_id: str) -> list[KnownUrl]:
        """Addresses that answered a crawl with success or that it left, those first that were fetched longest ago."""
        with self._catalogue.read() as connection:
            return known_urls.known_urls(connection, run_id)

    def last_fetched(self, page_ids: Sequence[str]) -> dict[str, float]:
        """When the pages were fetched last, by any run, seconds since the epoch; those never fetched are left out."""
        with self._catalogue.read() as connection:
            return known_urls.last_fetched(connection, page_ids)

    # Facts

    def publish(self, *, final: bool = False) -> None:
        """Brings catalog.duckdb up to date, at most every 30 s unless ``final``; facts in a bucket have none."""
        self._publisher.publish(final=final)

    def page_object(self, run_id: str, url: str, *, all_results: bool = False) -> dict[str, Any]:
        """The page of that URL or page id as one JSON object; a page not done yet has its state as outcome.

        Raises:
            InputError: the run has no such page.
        """
        return page_objects.page_object(self._root, self._catalogue, run_id, url, all_results=all_results)

    def known_page(self, page_id: str) -> KnownPage | None:
        """The page, where it was registered or any run is done with it."""
        with self._catalogue.read() as connection:
            return known_pages.known(connection, page_id)

    def latest_page(self, page_id: str, run_id: str | None = None) -> dict[str, Any]:
        """The page's ``page_object`` in the run, or in the newest that is done with it.

        Raises:
            UnknownPage: no run has it.
            InputError: ``run_id`` has no such page.
        """
        if run_id is None:
            with self._catalogue.read() as connection:
                run_id = known_pages.latest_run(connection, page_id)
        return self.page_object(run_id, page_id)

    def html_of(self, run_id: str, page_id: str) -> bytes | None:
        """The page's HTML, after undoing Content-Encoding; None where it has none or it was not kept.

        Raises:
            InputError: the run has no such page.
        """
        return page_objects.html_of(self._root, self._catalogue, run_id, page_id)

    def iter_page_objects(self, run_id: str, *, all_results: bool = False) -> Iterator[dict[str, Any]]:
        """Every page of the run in list order, a few hundred in memory at a time."""
        return page_objects.iter_page_objects(self._root, self._catalogue, run_id, all_results=all_results)

    def site(
        self, run_id: str, tables: Collection[str] = site.JUDGED, *, complete: bool | None = None
    ) -> duckdb.DuckDBPyConnection:
        """A connection that sees one run, for judging a crawl as a whole; the caller closes it.

        Besides the views of docs/data.md that ``tables`` names, restricted to the run, there is the table
        ``run(run_id, start_url, scope, complete)`` of one row. Memory is limited; what does not fit goes to disk. The
        parts are those of now: what is written later needs another connection.

        Args:
            run_id: the run.
            tables: names of the views that are read; each costs a look into all of its parts.
            complete: every page of the site was seen; None to say so where no page is left and nothing is amiss.
        """
        return site.connect(self._root, self._catalogue, run_id, tables, complete=complete)

    def changes(self, run_id: str, earlier_run_id: str) -> pl.DataFrame:
        """What is new, changed or gone in a crawl since an earlier one, as rows of ``changes``."""
        return changes.changes(self._root, self._catalogue, run_id, earlier_run_id)

    def sql(self, text: str) -> Rows:
        """The answer to one SELECT on the views; other files cannot be read and nothing can be written.

        Raises:
            InputError: not one SELECT, or wrong; with DuckDB's first line.
        """
        return query.sql(self._root, self._catalogue, text)
