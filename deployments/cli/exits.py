"""What a command's exit status says."""

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

from tasks.model import Reason, Severity

if TYPE_CHECKING:
    from tasks.store import Progress, Run

UNREACHED = frozenset(
    {
        Reason.DNS,
        Reason.CONNECT_REFUSED,
        Reason.CONNECT_TIMEOUT,
        Reason.TLS,
        Reason.RESET,
        Reason.READ_TIMEOUT,
        Reason.DEADLINE,
        Reason.ADDRESS_REFUSED,
        Reason.BAD_RESPONSE,
        Reason.BAD_URL,
        Reason.BLOCKED_BY_ROBOTS,
        Reason.HOST_DOWN,
    }
)
"""Reasons that leave nothing of a page to judge."""


class Exit(IntEnum):
    DONE = 0
    ISSUES = 1  # only where --fail-on asks for it
    USAGE = 2  # or nothing reachable: no page, or no Prefect API
    INTERRUPTED = 3
    FAILED = 4


def exit_of(run: "Run", progress: "Progress", fail_on: Severity | None) -> Exit:
    """How a run ends its command; ``fail_on`` is the least severity that counts as failure."""
    if run.state == "failed":
        return Exit.FAILED
    if run.state != "completed":
        return Exit.INTERRUPTED
    if nothing_reached(progress):
        return Exit.USAGE
    return Exit.ISSUES if fail_on and reaches(progress.issues, fail_on) else Exit.DONE


def nothing_reached(progress: "Progress") -> bool:
    """True where there are pages and each failed before it said anything."""
    unreached = sum(progress.by_reason.get(reason, 0) for reason in UNREACHED)
    return progress.total > 0 and unreached == progress.total


def reaches(issues: Mapping[Severity, int], least: Severity) -> bool:
    """True where an issue is at least as severe as ``least``."""
    ranked = list(Severity)
    return any(issues.get(severity, 0) for severity in ranked[: ranked.index(least) + 1])
