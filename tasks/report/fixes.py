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

# Ids and addresses are grouped by their hashes, 64 bits wide: texts take much more memory.
# A finding on no page of the run is on the site as a whole, or weighs as much as an average page.
_FIRST = f"""
WITH told AS NOT MATERIALIZED (
    SELECT rule, hash(page_id) AS page, url, {_RANK} AS rank FROM issues WHERE run_id = $run),
place AS (SELECT hash(page_id) AS page, pagerank FROM site_pages WHERE run_id = $run),
average AS (SELECT coalesce(avg(pagerank), 1 / greatest(count(*), 1)) AS pagerank FROM place),
found AS (SELECT rule, page, min(rank) AS rank FROM told GROUP BY rule, page, hash(url)),
weighed AS (
    SELECT rule, rank, if(list_contains($site_rules, rule), 1, coalesce(place.pagerank, average.pagerank)) AS share
    FROM found LEFT JOIN place USING (page) CROSS JOIN average),
worst AS (
    SELECT rule, min(rank) AS rank, count(*) AS pages, least(sum(share), 1) AS share,
        sum(share * {_WEIGHTS}[rank + 1]) AS weight
    FROM weighed GROUP BY rule ORDER BY weight DESC, rule LIMIT {FIRST}),
example AS (
    SELECT rule, arg_min(url, (-coalesce(place.pagerank, average.pagerank), url)) AS url
    FROM told LEFT JOIN place USING (page) CROSS JOIN average WHERE rule IN (SELECT rule FROM worst) GROUP BY rule)
SELECT rule, rank, pages, share, url FROM worst JOIN example USING (rule) ORDER BY weight DESC, rule
"""  # noqa: S608 - only constants of this room are put in

_FAILED = (
    f"SELECT rule, hash(page_id) AS page, min({_RANK}) AS rank FROM issues WHERE run_id = $run GROUP BY rule, page"  # noqa: S608 - as above
)

_PAGES = f"""
WITH counted AS (
    SELECT hash(page_id) AS page FROM pages
    WHERE run_id = $run AND outcome <> 'skipped' AND (
        coalesce(not_indexable = '' AND html_length IS NOT NULL, false) OR outcome <> 'completed' OR status >= 400)),
tally AS (
    SELECT page, count(rule) FILTER (rank = 0) AS errors, count(rule) FILTER (rank = 1) AS warnings,
        count(rule) FILTER (rank = 2) AS notices
    FROM counted LEFT JOIN ({_FAILED}) USING (page) GROUP BY page)
SELECT errors, warnings, notices, count(*) FROM tally GROUP BY ALL ORDER BY ALL
"""  # noqa: S608 - as above

_SITE = f"SELECT {_COUNTS} FROM ({_FAILED}) WHERE page = hash('') AND list_contains($site_rules, rule)"  # noqa: S608 - as above
