"""What changed on a site between two crawls."""

from collections.abc import Mapping

import polars as pl

from tasks.store.catalogue import Catalogue
from tasks.store.part_folder import PartFolder
from tasks.store.views import open_limited


def changes(root: PartFolder, catalogue: Catalogue, run_id: str, earlier_run_id: str) -> pl.DataFrame:
    """New, changed and gone pages of a crawl, compared with an earlier one; rows of ``changes``.

    Pages count that answered; what either run did not look at, or got no answer from, is not compared.
    """
    with open_limited(root, catalogue, [run_id, earlier_run_id], ("pages", "links")) as connection:
        return pl.DataFrame(connection.sql(_CHANGES, params={"now": run_id, "earlier": earlier_run_id}))


def changed_pages(run: str) -> str:
    """SQL for the ids of pages that are new, changed or gone since the last crawl: all where there was none.

    ``run`` is the parameter with the run's id.
    """
    return f"""
        SELECT page_id FROM changes WHERE run_id = ${run}
        UNION ALL SELECT page_id FROM pages
        WHERE run_id = ${run} AND (SELECT earlier_run_id FROM runs WHERE run_id = ${run}) IS NULL"""  # noqa: S608 - a name


_ANSWER = {"status": "status", "final address": "final_url"}
_CONTENT = {
    "title": "title",
    "description": "meta_description",
    "h1": "h1",
    "headings": "headings",
    "text": "content_hash",
    "canonical": "canonicals",
    "robots": "robots",
    "indexability": "not_indexable",
    "hreflang": "hreflang",
    "language": "lang",
    "links": "links",
}
"""What is compared, in the order it is told, and its column: the content of what was a page both times."""


def _differences(columns: Mapping[str, str], condition: str) -> str:
    cases = (
        f"CASE WHEN {condition} AND now.{column} IS DISTINCT FROM earlier.{column} THEN '{name}' END"
        for name, column in columns.items()
    )
    return ", ".join(cases)


_PAGES_BOTH = "now.html_length IS NOT NULL AND earlier.html_length IS NOT NULL"
_DIFFERENCES = f"{_differences(_ANSWER, 'true')}, {_differences(_CONTENT, _PAGES_BOTH)}"

# Links of pages that were not modified are the same rows.
_CHANGES = f"""
WITH linked AS (
    SELECT run_id, page_id, count(*) AS number, sum(hash(url)) AS together
    FROM links WHERE page_id IN (
        SELECT page_id FROM pages WHERE run_id = $now AND revalidation IS DISTINCT FROM 'not-modified')
    GROUP BY run_id, page_id),
answered AS (
    SELECT pages.*, (linked.number, linked.together) AS links
    FROM pages LEFT JOIN linked USING (run_id, page_id)
    WHERE status IS NOT NULL AND outcome IN ('completed', 'skipped')),
now AS (SELECT * FROM answered WHERE run_id = $now),
earlier AS (SELECT * FROM answered WHERE run_id = $earlier),
compared AS (
    SELECT now.page_id, now.url,
        CASE
            WHEN earlier.page_id IS NULL THEN if(now.status < 400, 'new', NULL)
            WHEN now.status IN (404, 410) AND earlier.status < 400 THEN 'gone'
            ELSE 'changed'
        END AS change,
        if(earlier.page_id IS NULL, [], list_filter([{_DIFFERENCES}], lambda name: name IS NOT NULL)) AS fields
    FROM now LEFT JOIN earlier USING (page_id))
SELECT page_id, url, change, fields FROM compared
WHERE change IS NOT NULL AND (change <> 'changed' OR len(fields) > 0)
ORDER BY change, url
"""  # noqa: S608 - names of this module
