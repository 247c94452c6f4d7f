"""When this process looks for memory to give back."""

import ctypes
import gc
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
OPTIONS = {M_TRIM_THRESHOLD: 1 << 20, M_MMAP_THRESHOLD: 256 << 10, M_ARENA_MAX: 4}
COLLECT_AFTER = (100_000, 50, 100)


def give_memory_back() -> None:
    """Makes glibc return what large pages took.

    Left to itself it raises its thresholds with each large body and keeps the holes between them: 374 MB instead of
    207 MB after 250 pages of up to 3 MB and 10,000 links (https://man7.org/linux/man-pages/man3/mallopt.3.html).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for option, value in OPTIONS.items():
            mallopt(option, value)


def collect_rarely() -> None:
    """Makes Python look for cycles a hundred times less often.

    A page's facts are tens of thousands of objects without a cycle, and all of them are visited again and again until
    they are written: a seventh of the time of a page.
    """
    gc.set_threshold(*COLLECT_AFTER)
    _Rarely.on = True


def spare_what_is_there() -> None:
    """Has ``collect_cycles`` look only at what is made from now on; the first call counts."""
    if _Rarely.on and not _Rarely.spared:
        gc.freeze()
        _Rarely.spared = True  # to ask gc.get_freeze_count() takes 20 ms: it counts


def collect_cycles() -> None:
    """Frees the cycles that a chunk leaves, where Python looks for them rarely.

    A process would grow by four megabytes with each chunk.
    """
    if _Rarely.on:
        gc.collect()


class _Rarely:
    on = False
    spared = False
