"""How cost grows with the number of pages."""

from collections.abc import Iterable, Sequence
from typing import Literal

from tests.benchmarks import lists, speed
from tests.benchmarks.contenders import BATCH, CRAWL, Bench, Round, Work
from tests.benchmarks.document import table
from tests.benchmarks.figures import exponent, line, off_line
from tests.docs_sites import DocsSite

Kind = Literal["batch", "crawl"]
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)


def run(bench: Bench, site: DocsSite, kind: Kind, sizes: Iterable[int]) -> list[Round]:
    """One run for each number of pages, the smallest first."""
    found = []
    for size in sorted(sizes):
        one = (BATCH if kind == "batch" else CRAWL).run(bench, _work(bench, site, kind, size))
        speed.say(0, f"{kind} of {size:,}", one)
        found.append(one)
    return found


def _work(bench: Bench, site: DocsSite, kind: Kind, size: int) -> Work:
    if kind == "crawl":
        return Work(bench.folder / "unused", size, site.start, (site.host_port,))
    return lists.work(bench.folder, site, lists.on_hosts(site, size))


def points(found: Iterable[Round], unit: Literal["cpu", "wall", "peak"]) -> list[tuple[float, float]]:
    """Pages, and what they took: seconds or bytes."""
    return [(one.pages, getattr(one.usage, unit)) for one in found]


def growth_table(found: Sequence[Round]) -> str:
    """A row for each size; what the pages beyond the row before took each."""
    heads = (
        "pages",
        "pages/s",
        "wall s",
        "CPU s",
        "CPU ms, each further page",
        "MB, largest process",
        "kB, each further URL",
    )
    rows = [
        [
            f"{one.pages:,}",
            f"{one.printed.rate:,.0f}",
            f"{one.usage.wall:,.1f}",
            f"{one.usage.cpu:,.1f}",
            _further(before, one, "cpu", 1000, 2),
            f"{one.usage.peak / speed.MEGABYTE:,.0f}",
            _further(before, one, "peak", 1 / 1000, 2),
        ]
        for before, one in zip([None, *found], found, strict=False)
    ]
    return f"{table(heads, rows)}\n\n{straightness(found)}"


def _further(before: Round | None, one: Round, unit: Literal["cpu", "peak"], scale: float, digits: int) -> str:
    if before is None:
        return ""
    ((x0, y0), (x1, y1)) = points((before, one), unit)
    return f"{scale * (y1 - y0) / (x1 - x0):.{digits}f}"


def straightness(found: Sequence[Round]) -> str:
    """How straight the line is, in a sentence; empty for a single point."""
    if len(found) == 1:
        return ""
    cpu = points(found, "cpu")
    start, slope = line(cpu)
    return (
        f"The straight line through the CPU times is {start:.1f} s + {1000 * slope:.2f} ms × pages; none is further "
        f"from it than {off_line(cpu):.0%}. Between the last two sizes CPU grows with pages to the power of "
        f"{exponent(cpu):.2f}, wall time with {exponent(points(found, 'wall')):.2f}."
    )
