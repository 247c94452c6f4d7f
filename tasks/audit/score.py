"""A site's score: how much of it is as it should be, from 0 to 100.

A page begins with 1. Each rule that fails on it, however often, keeps a share of what is left: half for an error, 0.9
for a warning, 0.98 for a notice. The site's score is the mean of its pages in percent, less the same shares for each
rule that fails on the site as a whole, rounded down: 100 says that no rule failed. What is not applicable or unknown
takes nothing away.

Counted are the pages that may be indexed and the addresses that answer with an error or not at all. Pages kept out on
purpose (noindex, a canonical to another address), redirects and files count for nothing.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tasks.model import Severity

KEPT = {Severity.ERROR: 0.5, Severity.WARNING: 0.9, Severity.NOTICE: 0.98}
"""What a failed rule leaves of a page."""

WEIGHT = {Severity.ERROR: 25, Severity.WARNING: 5, Severity.NOTICE: 1}
"""What the severities take away, in proportion: by this fixes are ranked."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Alike:
    """Pages on which equally many rules of each severity failed."""

    pages: int
    failed: Mapping[Severity, int] = field(default_factory=dict)


def score(groups: Iterable[Alike], site: Mapping[Severity, int] | None = None) -> int | None:
    """The score of pages in ``groups``; ``site`` counts the rules that failed on the site as a whole.

    None where there is no page to count.
    """
    pages, sum_ = 0, 0.0
    for group in groups:
        pages += group.pages
        sum_ += group.pages * kept(group.failed)
    return math.floor(100 * kept(site or {}) * sum_ / pages + _ROUNDING) if pages else None


def kept(failed: Mapping[Severity, int]) -> float:
    """What is left of 1 after the rules that failed, counted by severity."""
    return math.prod(KEPT[severity] ** rules for severity, rules in failed.items())
