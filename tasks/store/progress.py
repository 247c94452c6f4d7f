"""A run's counts, from one indexed query."""

from collections import Counter
from typing import Any

from sqlalchemy import Connection, select

from tasks.errors import UnknownRun
from tasks.model import PageState, Severity
from tasks.store.limits import StateCount, held_back, state_counts
from tasks.store.records import Progress
from tasks.store.runs import moment
from tasks.store.schema import frontier, runs
from tasks.urls import host

SEEN_LEASES = 200
SHOWN_HOSTS = 3


def progress(connection: Connection, run_id: str) -> Progress:
    """The run's counts as of now.

    Raises:
        UnknownRun: there is none.
    """
    run = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
    if run is None:
        raise UnknownRun(f"no run {run_id} in this data folder")
    counts = state_counts(connection, run_id)
    return _summed(counts, run, _hosts(connection, run_id), held_back(connection, run, counts))


def _hosts(connection: Connection, run_id: str) -> tuple[str, ...]:
    leased = select(frontier.c.url).where(frontier.c.run_id == run_id, frontier.c.state == PageState.LEASED.value)
    seen = Counter(host(url) for url in connection.execute(leased.limit(SEEN_LEASES)).scalars())
    return tuple(name for name, _ in seen.most_common(SHOWN_HOSTS))


def _summed(counts: list[StateCount], run: Any, hosts: tuple[str, ...], beyond: int) -> Progress:
    states: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    waiting = 0
    for state, reason, count in counts:
        states[state] += count
        if reason and PageState(state).terminal:
            reasons[reason] += count
        elif reason and state == PageState.PENDING.value:
            waiting += count
    return Progress(
        total=run.total,
        pending=states["pending"],
        leased=states["leased"],
        completed=states["completed"],
        failed=states["failed"],
        skipped=states["skipped"],
        quarantined=states["quarantined"],
        linked=run.linked,
        not_modified=run.not_modified,
        retries_waiting=waiting,
        held_back=beyond,
        by_reason=dict(reasons.most_common()),
        issues={Severity.ERROR: run.errors, Severity.WARNING: run.warnings, Severity.NOTICE: run.notices},
        hosts=hosts,
        started_at=moment(run.started_at),
        first_request_at=moment(run.first_request_at),
        last_commit_at=moment(run.last_commit_at),
    )
