"""What the upkeep of a data folder did, found or would do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """Parts that became fewer: ``merged`` were put together into ``made``."""

    merged: int = 0
    made: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An old run that stays, and why."""

    run_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Runs that retention ended.

    Attributes:
        removed: ids of runs that are gone.
        reduced: ids of runs of which only those pages are left that later runs show.
        kept: old runs that stay whole.
        records: rows of what people were told, asked for or advised that went too.
    """

    removed: tuple[str, ...] = ()
    reduced: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()
    records: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Files deleted, by why: parts no longer live, parts that no run knows, leftovers of writers, cached results."""

    dead: int = 0
    orphans: int = 0
    temporary: int = 0
    results: int = 0
    bytes: int = 0

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(
            dead=self.dead + other.dead,
            orphans=self.orphans + other.orphans,
            temporary=self.temporary + other.temporary,
            results=self.results + other.results,
            bytes=self.bytes + other.bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with the data folder, and what to do about it."""

    what: str
    remedy: str
