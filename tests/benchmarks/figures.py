"""The arithmetic of the benchmarks: what commands print, medians, straight lines. Runs nothing."""

import json
import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_COMPLETED = re.compile(
    r"^run \S+ completed: (?P<done>[\d,]+)/[\d,]+ pages"
    r"(?:.*?, (?P<failed>[\d,]+) failed)?"
    r".*, (?P<rate>[\d,.]+) pages/s, [\d,.]+ s wall time$",
    re.MULTILINE,
)
_ELAPSED = re.compile(r"'elapsed_time_seconds': ([\d.e+-]+)")
_ANSWERS = re.compile(r"'downloader/response_status_count/200': (\d+)")


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command says of itself: ``pages``, and pages a second, its own start and end left out."""

    pages: int
    rate: float


def printed_by_seo(err: str) -> Printed:
    """From the last line of `seo batch` and `seo crawl`; failed pages count for nothing.

    Raises:
        ValueError: it says nothing of the kind.
    """
    found = _COMPLETED.search(err)
    if found is None:
        raise ValueError(f"no `run … completed: … pages/s`: {err[-1000:]}")
    failed = int(_plain(found["failed"] or "0"))
    return Printed(int(_plain(found["done"])) - failed, float(_plain(found["rate"])))


def printed_by_scrapy(log: str) -> Printed:
    """From the statistics in Scrapy's log; only answers with status 200 are pages.

    advertools works on a long list in several crawls, each with statistics of its own.

    Raises:
        ValueError: there are none.
    """
    elapsed, answers = _ELAPSED.findall(log), _ANSWERS.findall(log)
    if not elapsed or not answers:
        raise ValueError(f"no statistics of Scrapy: {log[-1000:]}")
    pages = sum(map(int, answers))
    return Printed(pages, pages / sum(map(float, elapsed)))


def printed_by_us(out: str) -> Printed:
    """From the JSON object that the programs of the benchmarks print: ``pages`` and ``seconds``."""
    found = json.loads(out.splitlines()[-1])
    return Printed(found["pages"], found["pages"] / found["seconds"])


def _plain(number: str) -> str:
    return number.replace(",", "")


@dataclass(frozen=True, slots=True)
class Median:
    """Of several rounds: the middle, the least and the most."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Median":
        kept = list(values)
        return cls(statistics.median(kept), min(kept), max(kept))

    def text(self, digits: int = 0) -> str:
        """Such as ``650 (612–688)``; one round has no spread."""
        middle, least, most = (f"{value:,.{digits}f}" for value in (self.middle, self.least, self.most))
        return middle if least == most else f"{middle} ({least}–{most})"


def ratios(of: Sequence[float], to: Sequence[float]) -> Median:
    """Of values to those of the same round."""
    return Median.of(one / other for one, other in zip(of, to, strict=True))


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Start and slope of the straight line that is closest to the points, relative to their size.

    With plain least squares the largest point would decide alone.
    """
    if len(points) == 1:
        return 0.0, points[0][1] / points[0][0]
    weights = [1 / y**2 for _, y in points]
    total = sum(weights)
    mean_x = sum(w * x for w, (x, _) in zip(weights, points, strict=True)) / total
    mean_y = sum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
    spread = sum(w * (x - mean_x) ** 2 for w, (x, _) in zip(weights, points, strict=True))
    slope = sum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in zip(weights, points, strict=True)) / spread
    return mean_y - slope * mean_x, slope


def off_line(points: Sequence[tuple[float, float]]) -> float:
    """How far a point is from that line at most, as a share of the line's value there."""
    start, slope = line(points)
    return max(abs(y / (start + slope * x) - 1) for x, y in points)


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """1 where twice as much costs twice as much, 2 where it costs four times: between the last two points."""
    (x0, y0), (x1, y1) = points[-2:]
    return math.log(y1 / y0) / math.log(x1 / x0)
