"""Which pages of a run are analysed."""

import re
from dataclasses import dataclass
from pathlib import Path

from tasks.audit.score import WEIGHT
from tasks.errors import InputError
from tasks.model import Severity
from tasks.store import changed_pages, connect
from tasks.urls import printable

_TOP = re.compile(r"top:([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Which:
    """``limit`` pages at most; None for all with issues, 0 for none."""

    limit: int | None

    def __str__(self) -> str:
        return "all" if self.limit is None else f"top:{self.limit}" if self.limit else "none"


def parse_which(text: str) -> Which:
    """What ``none``, ``top:N`` or ``all`` asks for.

    Raises:
        InputError: it is none of them.
    """
    word = text.strip().lower()
    if word == "none":
        return Which(0)
    if word == "all":
        return Which(None)
    top = _TOP.fullmatch(word)
    if top and int(top[1]):
        return Which(int(top[1]))
    raise InputError(f"analyze {printable(text, 50)!r}: write none, all, or top:N such as top:20")


def choose(data: Path | str, run_id: str, which: Which, *, changed_only: bool = False) -> list[str]:
    """Page ids of a run, the ones first whose issues weigh most: severity × PageRank, where that is known.

    ``changed_only`` leaves out those that did not change since the last crawl of the site.
    """
    if which.limit == 0:
        return []
    chosen = _CHOSEN.format(among=f"AND pages.page_id IN ({changed_pages('run')})" if changed_only else "")
    with connect(data, ("pages", *_WEIGHED, *(_CHANGED if changed_only else ())), [run_id]) as facts:
        rows = facts.execute(chosen, {"run": run_id, "limit": which.limit or _NO_LIMIT}).fetchall()
    return [page_id for (page_id,) in rows]


def weights_of(data: Path | str, run_id: str) -> dict[str, float]:
    """By rule, what its issues weigh on the run's site: the PageRank of the pages they are on."""
    with connect(data, _WEIGHED, [run_id]) as facts:
        return dict(facts.execute(_WEIGHTS, {"run": run_id}).fetchall())


_NO_LIMIT = 2**31
_WEIGHED = ("issues", "site_pages")
_CHANGED = ("changes", "runs")
_WEIGHT = "CASE severity " + " ".join(f"WHEN '{severity}' THEN {WEIGHT[severity]}" for severity in Severity) + " END"

# A page that no crawl has ranked weighs as an average one.
_PLACES = """
WITH place AS (SELECT page_id, pagerank FROM site_pages WHERE run_id = $run),
average AS (SELECT coalesce(avg(pagerank), 1) AS pagerank FROM place)
"""
_CHOSEN = f"""{_PLACES}
, failed AS (
    SELECT page_id, rule, max({_WEIGHT}) AS weight FROM issues WHERE run_id = $run GROUP BY page_id, rule)
SELECT pages.page_id FROM pages JOIN failed USING (page_id) LEFT JOIN place USING (page_id) CROSS JOIN average
WHERE pages.run_id = $run AND pages.outcome = 'completed' {{among}}
GROUP BY pages.page_id, pages.url
ORDER BY sum(weight) * any_value(coalesce(place.pagerank, average.pagerank)) DESC, pages.url LIMIT $limit
"""  # noqa: S608 - only constants of this room are put in
_WEIGHTS = f"""{_PLACES}
, failed AS (SELECT DISTINCT rule, page_id FROM issues WHERE run_id = $run)
SELECT rule, sum(coalesce(place.pagerank, average.pagerank))
FROM failed LEFT JOIN place USING (page_id) CROSS JOIN average GROUP BY rule
"""  # noqa: S608 - as above
