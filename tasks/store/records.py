"""What goes into and comes out of the store. Times are aware UTC, or seconds since the epoch where said."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

from tasks.model import Canonical, EarlierFacts, Hreflang, MetaRefresh, PageState, Reason, Robots, Severity
from tasks.store.crawl_records import Limits

RunKind = Literal["scan", "batch", "crawl"]

PRUNED = "pruned: left are the pages that later runs show"
"""Why a run is incomplete of which retention left no more."""


class RunState(StrEnum):
    """Where a run stands. ``running``, ``interrupted`` and ``failed`` ones can be resumed."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """A run to start.

    Attributes:
        run_id: its id, where the caller has chosen one with ``new_run_id``.
        batch_id: identity of its list and fetch options; empty where it has none.
        recipe: identity of how pages are fetched and read; only pages of the same recipe stand in for each other.
        options: JSON text, kept as given.
        parent_pid: process that drives the run.
        start_url, scope, limits: of a crawl; ``scope`` is folder, host or domain.
        earlier_run_id: of a crawl: the last one of the same site, which it is compared with.
    """

    kind: RunKind
    run_id: str = ""
    project_id: str = "default"
    user_id: str = "local"
    batch_id: str = ""
    recipe: str = ""
    options: str = "{}"
    prefect_flow_run_id: str | None = None
    parent_pid: int | None = None
    start_url: str | None = None
    scope: str | None = None
    limits: Limits = field(default_factory=Limits)
    earlier_run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the catalogue has it.

    Attributes:
        epoch: raised by each resume; commits of an earlier one are refused.
        total: pages in its list; in a crawl, pages found so far.
        linked: pages shown from an earlier run without being asked for.
        not_modified: pages shown from an earlier run because the server said that they did not change.
        first_request_at, last_commit_at: of the present epoch.
        prefect_flow_run_id: run of Prefect that began the run. parent_flow_run_id: the one that drives it.
        parent_pid, parent_node: process that drives the run, and its machine, as `this_node` names it.
        taken_at: when it took the run: the beginning of the present epoch.
        pages_per_second: pages fetched in the last epoch ÷ (last commit - first request); None until it ended.
    """

    run_id: str
    kind: RunKind
    project_id: str
    user_id: str
    batch_id: str
    recipe: str
    epoch: int
    state: RunState
    stop_requested: bool
    options: str
    total: int
    linked: int
    started_at: datetime
    finished_at: datetime | None
    first_request_at: datetime | None
    last_commit_at: datetime | None
    pages_per_second: float | None
    incomplete: bool
    incomplete_reason: str | None
    error: str | None
    prefect_flow_run_id: str | None
    parent_pid: int | None
    parent_node: str | None
    parent_flow_run_id: str | None
    taken_at: datetime
    start_url: str | None
    scope: str | None
    limits: Limits
    not_modified: int
    earlier_run_id: str | None

    @property
    def is_pruned(self) -> bool:
        """Its list is gone: it neither goes on nor is it compared with."""
        return self.incomplete_reason == PRUNED


@dataclass(frozen=True, slots=True)
class Target:
    """One URL of a list. A terminal ``state`` rejects it at once, with ``detail`` for people."""

    url: str
    page_id: str
    state: PageState = PageState.PENDING
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A fixed slice of a run's list; ``open`` pages are not terminal yet, ``key`` is a hash of its URL keys."""

    index: int
    total: int
    open: int
    key: str


@dataclass(frozen=True, slots=True)
class Shard:
    """Chunks for one machine: no other shard has a page of their hosts. ``pages`` of them are open."""

    number: int
    chunks: tuple[int, ...]
    pages: int


@dataclass(frozen=True, slots=True)
class Left:
    """Open pages of some chunks, and when the last lease of them is over, seconds since the epoch."""

    pages: int
    held_until: float


@dataclass(frozen=True, slots=True)
class Lease:
    """A page to work on; ``tries`` counts the fetches made so far, ``depth`` the links to it as ``Found`` does."""

    page_id: str
    url: str
    tries: int
    leases_lost: int
    depth: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPage:
    """The last full answer of a page, by an earlier run.

    Attributes:
        url: address that gave it.
        etag, last_modified: as received. headers: all of them.
        body_hash: as ``PageOutcome.content_hash``.
        fetched_at: when it came. robots: as ``Page`` has them.
        facts: what was written of it.
        links: addresses it links to, each once. canonicals, hreflang, meta_refresh: as ``Page`` has them. All where
            asked for.
    """

    url: str
    etag: str | None
    last_modified: str | None
    body_hash: str | None
    headers: tuple[tuple[str, str], ...]
    blocked_by_robots: bool | None
    fetched_at: datetime
    robots: tuple[Robots, ...]
    facts: EarlierFacts
    links: tuple[str, ...] = ()
    canonicals: tuple[Canonical, ...] = ()
    hreflang: tuple[Hreflang, ...] = ()
    meta_refresh: MetaRefresh | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """A page to be fetched again, not before ``not_before`` seconds since the epoch."""

    page_id: str
    tries: int
    not_before: float
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class OutboxRequest:
    """Work to be handed on once, however often it is committed: ``key`` is its identity."""

    key: str
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """An outbox entry not handed on yet.

    Attributes:
        attempts: tries that failed.
        not_before: when the next is due, seconds since the epoch; 0 for at once.
    """

    key: str
    kind: str
    payload: dict[str, Any]
    run_id: str
    created_at: datetime
    id: int
    attempts: int
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """An immutable file of facts; ``path`` is relative to the data folder, with forward slashes."""

    table: str
    name: str
    path: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOutcome:
    """What the catalogue learns of one page; ``fetched_at`` in seconds since the epoch.

    Attributes:
        content_hash: of the body, where the server gave it a validator.
        source_run_id, source_part: where its facts are, of a page that was not modified since.
    """

    page_id: str
    url: str
    state: PageState
    reason: Reason | None
    tries: int
    status: int | None
    fetched_at: float | None
    etag: str | None
    last_modified: str | None
    content_hash: str | None
    errors: int
    warnings: int
    notices: int
    source_run_id: str | None = None
    source_part: str | None = None


@dataclass(frozen=True, slots=True)
class Staged:
    """Parts written and not yet visible: a manifest that JSON can carry from one task to the next."""

    name: str
    parts: tuple[Part, ...]
    pages: tuple[PageOutcome, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            name=data["name"],
            parts=tuple(Part(**part) for part in data["parts"]),
            pages=tuple(_outcome(page) for page in data["pages"]),
        )


def _outcome(data: Mapping[str, Any]) -> PageOutcome:
    reason = data["reason"]
    return PageOutcome(**{**data, "state": PageState(data["state"]), "reason": Reason(reason) if reason else None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A run's counts at one moment.

    Attributes:
        linked: part of ``completed``: pages shown from an earlier run without being asked for.
        not_modified: part of ``completed`` and ``skipped``: pages that did not change since an earlier run.
        total: pages in its list; in a crawl, pages found so far.
        retries_waiting: part of ``pending``: pages that failed for a passing reason.
        held_back: part of ``pending``: pages beyond the run's limits.
        by_reason: failed, skipped and quarantined pages by reason.
        issues: committed or linked issues by severity.
        hosts: some of those that pages are being fetched from.
    """

    total: int = 0
    pending: int = 0
    leased: int = 0
    completed: int = 0
    failed: int = 0
    skipped: int = 0
    quarantined: int = 0
    linked: int = 0
    not_modified: int = 0
    retries_waiting: int = 0
    held_back: int = 0
    by_reason: Mapping[str, int] = field(default_factory=dict)
    issues: Mapping[Severity, int] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    started_at: datetime | None = None
    first_request_at: datetime | None = None
    last_commit_at: datetime | None = None

    @property
    def done(self) -> int:
        """Pages in a terminal state."""
        return self.completed + self.failed + self.skipped + self.quarantined


@dataclass(frozen=True, slots=True)
class Rows:
    """A query's answer; ``rows`` is read once, while the data folder stays as it is."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]
