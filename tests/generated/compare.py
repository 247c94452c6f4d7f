"""What tells two sets of findings apart, in words."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

MAX_LINES = 40


def differences(found: AbstractSet[tuple[str, ...]], expected: AbstractSet[tuple[str, ...]]) -> str:
    """One line for each rule and address that is in one set only; empty where there is none."""
    lines = [*_lines("missed", expected - found), *_lines("invented", found - expected)]
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"and {len(lines) - MAX_LINES} more"]
    return "\n".join(lines)


def _lines(word: str, findings: Iterable[tuple[str, ...]]) -> list[str]:
    return [f"{word}: {' '.join(finding)}" for finding in sorted(findings)]
