"""Lengths of time as people write them."""

import re

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw]?)", re.ASCII)
_RETENTION = re.compile(r"\d{1,9}(?:\.\d{1,9})?[hdw]", re.ASCII)

WRITTEN = r"^\s*[0-9]{1,9}(\.[0-9]{1,9})?[smhdwSMHDW]?\s*$"
"""The same for a JSON schema."""


def duration(text: str) -> float:
    """Seconds in ``24h``, ``30m``, ``90s``, ``1.5d``, ``2w`` or a bare number of seconds.

    Raises:
        ValueError: naming what can be written.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    if not found:
        raise ValueError(f"{text[:100]!r} is no length of time: write 24h, 30m, 90s, 7d or 0")
    return float(found[1]) * _SECONDS[found[2]]


def retention(text: str) -> float:
    """Seconds in ``90d``, ``12w`` or ``48h``: how long results are kept is no matter of minutes, nor of bare numbers.

    Raises:
        ValueError: naming what can be written.
    """
    if not _RETENTION.fullmatch(text.strip().lower()) or not (seconds := duration(text)):
        raise ValueError(f"{text[:100]!r} does not say how many days, weeks or hours: write 90d, 12w or 48h")
    return seconds
