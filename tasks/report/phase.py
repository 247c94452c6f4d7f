"""What a run is at before and after its pages, for those who show it in the same process."""

from collections.abc import Iterator
from contextlib import contextmanager

_phases: dict[str, str] = {}


@contextmanager
def phase(run_id: str, words: str) -> Iterator[None]:
    """The run is at ``words`` while the body runs."""
    tell(run_id, words)
    try:
        yield
    finally:
        _phases.pop(run_id, None)


def tell(run_id: str, words: str) -> None:
    """The run is now at ``words``, until its phase ends."""
    _phases[run_id] = words


def phase_of(run_id: str) -> str:
    """In words; empty while pages are scanned."""
    return _phases.get(run_id, "")
