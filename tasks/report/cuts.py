"""What a crawl left out of its site and why, in words; addresses and reasons are the site's own text."""

from collections.abc import Iterator

from tasks.model import Reason
from tasks.report.fixes import Ask
from tasks.store import Progress

_SKIPPED = {
    Reason.BLOCKED_BY_ROBOTS: "disallowed by robots.txt",
    Reason.CRAWL_TRAP: "cut off as a crawl trap",
}
"""Reasons of addresses that a crawl found and did not fetch."""


def cuts_of(progress: Progress, ask: Ask) -> tuple[str, ...]:
    """A line for each kind of thing left out; what its limits left is in the run itself."""
    return (*_skipped(progress, ask), *_disallowed(ask), *_sitemaps(ask), *_elsewhere(ask), *_links(ask))


def _skipped(progress: Progress, ask: Ask) -> Iterator[str]:
    for reason, words in _SKIPPED.items():
        if count := progress.by_reason.get(reason, 0):
            [(url, detail), *_] = ask(_EXAMPLE, reason=reason.value) or [("", "")]
            why = f" ({detail})" if detail else ""
            yield f"{count:,} {'address' if count == 1 else 'addresses'} {words}, such as {url}{why}"


def _disallowed(ask: Ask) -> Iterator[str]:
    for origin, status, reason in ask(_UNREACHABLE):
        yield f"robots.txt of {origin} {_answer(status, reason)}: everything there counts as disallowed"


def _sitemaps(ask: Ask) -> Iterator[str]:
    for files, faulty, url, status, reason, error in ask(_SITEMAPS):
        why = error or _answer(status, reason)
        noun = "sitemap file" if files == 1 else "sitemap files"
        yield f"{faulty:,} of {files:,} {noun} not wholly read, such as {url} ({why})"


def _elsewhere(ask: Ask) -> Iterator[str]:
    for count, url in ask(_ELSEWHERE):
        noun = "address that sitemaps list is" if count == 1 else "addresses that sitemaps list are"
        yield f"{count:,} {noun} on hosts that were not crawled, such as {url}"


def _links(ask: Ask) -> Iterator[str]:
    for count, url in ask(_CUT_LINKS):
        pages = "page has" if count == 1 else "pages have"
        yield f"{count:,} {pages} more links than are kept, such as {url}: inlinks, depth and PageRank lack them"


def _answer(status: int | None, reason: str | None) -> str:
    if reason == Reason.BLOCKED_BY_ROBOTS:
        return "disallowed by robots.txt"
    return f"gave no answer ({reason})" if status is None else f"answered {status}"


_EXAMPLE = "SELECT url, detail FROM pages WHERE run_id = $run AND reason = $reason ORDER BY url LIMIT 1"

_UNREACHABLE = """
SELECT origin, status, reason FROM robots
WHERE run_id = $run AND (status IS NULL OR status = 429 OR status >= 500) ORDER BY origin
"""

_CUT_LINKS = """
SELECT count(*), min(url) FROM pages WHERE run_id = $run AND list_contains(cut, 'links') HAVING count(*) > 0
"""

_SITEMAPS = """
WITH file AS (
    SELECT url, status, reason, errors[1] AS error,
        len(errors) > 0 OR NOT coalesce(status BETWEEN 200 AND 299, false) AS faulty
    FROM sitemaps WHERE run_id = $run)
SELECT (SELECT count(*) FROM file), count(*) OVER (), url, status, reason, error
FROM file WHERE faulty ORDER BY url LIMIT 1
"""

_ELSEWHERE = r"""
WITH listed AS (
    SELECT DISTINCT url, regexp_extract(url, '^[a-z]+://([^/?#:]*)', 1) AS host
    FROM sitemap_entries WHERE run_id = $run)
SELECT count(*), min(url) FROM listed
WHERE host NOT IN (SELECT regexp_extract(url, '^[a-z]+://([^/?#:]*)', 1) FROM pages WHERE run_id = $run)
HAVING count(*) > 0
"""
