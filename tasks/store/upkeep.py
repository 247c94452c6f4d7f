"""The upkeep of a data folder: what keeps it fast and small while others read and write it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from tasks.store import checking, compaction, retention, sweeping
from tasks.store.catalogue import Catalogue
from tasks.store.part_folder import PartFolder
from tasks.store.records_kept import prune_records
from tasks.store.shift import shift
from tasks.store.shrinking import shrink
from tasks.store.upkeep_records import Compacted, Problem, Pruned, Swept


class Upkeep:
    """Each method holds the upkeep's lease; who dies in one leaves the folder right, and the next goes on.

    Raises:
        UpkeepBusy: another process is at it.
    """

    def __init__(self, root: PartFolder, catalogue: Catalogue, publish: Callable[[], None]) -> None:
        self._root = root
        self._catalogue = catalogue
        self._publish = publish

    def compact(self, *, above: int = compaction.ABOVE, runs: Sequence[str] | None = None) -> Compacted:
        """Merges small parts of every table with more than ``above`` live ones, of all runs or of ``runs``."""
        with shift(self._catalogue) as mine:
            return compaction.compact(self._root, mine, above=above, runs=runs)

    def prune(self, keep_s: float) -> Pruned:
        """Removes runs that ended more than ``keep_s`` seconds ago, their cached results and records."""
        now = time.time()
        with shift(self._catalogue) as mine:
            pruned = retention.prune(self._root, mine, now - keep_s)
            records = prune_records(mine, now - keep_s, now)
        return replace(pruned, records=records)

    def remove(self, run_id: str) -> None:
        """Removes one run, however young.

        Raises:
            UnknownRun: there is none.
            InputError: it is running, or others show pages of it.
        """
        with shift(self._catalogue) as mine:
            retention.remove(mine, run_id)

    def would_remove(self, run_id: str) -> str:
        """The whole id of the run that ``remove`` would remove now. Raises as it does."""
        with self._catalogue.read() as connection:
            return retention.removable(connection, run_id)

    def would_prune(self, keep_s: float) -> Pruned:
        """What ``prune`` would do to runs now."""
        with self._catalogue.read() as connection:
            return retention.outcome_of(connection, time.time() - keep_s)

    def sweep(self, grace_s: float = sweeping.GRACE_SECONDS, *, keep_s: float | None = None) -> Swept:
        """Deletes files: of parts dead for ``grace_s`` seconds, what died writers left, results older than ``keep_s``.

        The catalogue's own file is tidied too.
        """
        now = time.time()
        with shift(self._catalogue) as mine:
            swept = sweeping.sweep_dead(self._root, mine, grace_s, self._publish)
            swept += sweeping.sweep_strays(self._root, mine, now)
            if keep_s is not None:
                swept += sweeping.sweep_results(self._root, now - keep_s)
            shrink(mine)
        return swept

    def is_due(self, run_id: str) -> bool:
        """True where ``after_run`` has something to do."""
        with self._catalogue.read() as connection:
            crowded = compaction.crowded(connection, compaction.ABOVE, [run_id])
            return bool(crowded) or sweeping.is_due(connection, sweeping.GRACE_SECONDS)

    def after_run(self, run_id: str) -> Compacted:
        """Merges the run's own small parts where they are too many, and deletes parts long dead."""
        with shift(self._catalogue) as mine:
            sweeping.sweep_dead(self._root, mine, sweeping.GRACE_SECONDS, self._publish)
            return compaction.compact(self._root, mine, runs=[run_id])

    def check(self) -> list[Problem]:
        """What is wrong with the folder; takes no lease and holds nobody up."""
        return checking.check(self._root, self._catalogue)
