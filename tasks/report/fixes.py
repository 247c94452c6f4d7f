"""What to fix first, and the score: both weigh issues by severity, the first also by where they are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tasks.audit.registry import all_rules
from tasks.audit.rule import Applies
from tasks.audit.score import WEIGHT, Alike, score
from tasks.model import Severity

FIRST = 5

Ask = Callable[..., list[tuple[Any, ...]]]
"""The rows of a query on the views; keywords are its ``$names``."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A rule worth fixing before others.

    Attributes:
        severity: the worst of its issues.
        pages: addresses it failed on.
        share: of the site's internal PageRank that they have, 0 to 1.
        example: the most important one of them.
        how: how to fix it; empty for a rule that is no more.
    """

    rule: str
    severity: Severity
    pages: int
    share: float
    example: str
    how: str


def first_fixes(ask: Ask) -> tuple[Fix, ...]:
    """The rules whose failures weigh most: severity × PageRank, summed up over the pages."""
    how = {rule.id: rule.fix for rule in all_rules()}
    severities = list(Severity)
    return tuple(
        Fix(rule, severities[rank], pages, share, example, how.get(rule, ""))
        for rule, rank, pages, share, example in ask(_FIRST, site_rules=_site_rules())
    )


def score_of(ask: Ask) -> int | None:
    """The score of the run's pages; None where none counts."""
    groups = [Alike(pages, _by_severity(failed)) for *failed, pages in ask(_PAGES)]
    ((*site,),) = ask(_SITE, site_rules=_site_rules())
    return score(groups, _by_severity(site))


def _site_rules() -> list[str]:
    return [rule.id for rule in all_rules() if rule.applies is Applies.SITE]


def _by_severity(counts: list[int]) -> dict[Severity, int]:
    return dict(zip(Severity, counts, strict=True))


_RANK = "list_position(['error', 'warning', 'notice'], severity) - 1"
_WEIGHTS = [WEIGHT[severity] for severity in Severity]
_COUNTS = ", ".join(f"count(*) FILTER (rank = {rank})" for rank in range(len(Severity)))

# A finding on no page of the run is on the site as a whole, or weighs as much as an average page.
_FIRST = f"""
WITH found AS (
    SELECT rule, page_id, url, min({_RANK}) AS rank FROM issues WHERE run_id = $run GROUP BY rule, page_id, url),
place AS (SELECT page_id, pagerank FROM site_pages WHERE run_id = $run),
average AS (SELECT coalesce(avg(pagerank), 1 / greatest(count(*), 1)) AS pagerank FROM place),
weighed AS (
    SELECT rule, rank, url,
        if(list_contains($site_rules, rule), 1, coalesce(place.pagerank, average.pagerank)) AS share
    FROM found LEFT JOIN place USING (page_id) CROSS JOIN average)
SELECT rule, min(rank), count(*), least(sum(share), 1), arg_min(url, (-share, url))
FROM weighed GROUP BY rule ORDER BY sum(share * {_WEIGHTS}[rank + 1]) DESC, rule LIMIT {FIRST}
"""  # noqa: S608 - only constants of this room are put in

_FAILED = f"SELECT rule, page_id, min({_RANK}) AS rank FROM issues WHERE run_id = $run GROUP BY rule, page_id"  # noqa: S608 - as above

_PAGES = f"""
WITH counted AS (
    SELECT page_id FROM pages
    WHERE run_id = $run AND outcome <> 'skipped' AND (
        coalesce(not_indexable = '' AND html_length IS NOT NULL, false) OR outcome <> 'completed' OR status >= 400)),
tally AS (
    SELECT page_id, count(rule) FILTER (rank = 0) AS errors, count(rule) FILTER (rank = 1) AS warnings,
        count(rule) FILTER (rank = 2) AS notices
    FROM counted LEFT JOIN ({_FAILED}) USING (page_id) GROUP BY page_id)
SELECT errors, warnings, notices, count(*) FROM tally GROUP BY ALL ORDER BY ALL
"""  # noqa: S608 - as above

_SITE = f"SELECT {_COUNTS} FROM ({_FAILED}) WHERE page_id = '' AND list_contains($site_rules, rule)"  # noqa: S608 - as above
