"""Run every site rule on one site.

Fetch facts, robots, redirects, canonical clusters and indexability are settled in the tables by then.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from tasks.audit.engine import CRASHED, MAX_FINDINGS, crash, fingerprint
from tasks.audit.profile import DEFAULT, Judge, Profile
from tasks.audit.rule import Applies, Check, Findings, NotApplicable, Unknown
from tasks.audit.site.site import Site
from tasks.model import Outcome, RuleResult, Severity

ROWS_AT_ONCE = 5_000
SCHEMA = {
    "page_id": pl.String(),
    "url": pl.String(),
    "rule": pl.String(),
    "severity": pl.String(),
    "category": pl.String(),
    "message": pl.String(),
    "evidence": pl.String(),
    "fingerprint": pl.String(),
    "observed": pl.Boolean(),
    "raised_from": pl.String(),
}

_FINDING = """
CREATE OR REPLACE TEMP TABLE finding (
    rule VARCHAR, page_id VARCHAR, url VARCHAR, severity VARCHAR, category VARCHAR, message VARCHAR, evidence VARCHAR,
    key VARCHAR, raised_from VARCHAR)
"""
_KEEP = """
INSERT INTO finding
WITH found AS (
    SELECT NULL::VARCHAR AS severity, '' AS key, NULL::VARCHAR AS raised_from WHERE false UNION ALL BY NAME ({})),
counted AS (
    SELECT * REPLACE (coalesce(key, '') AS key), row_number() OVER page AS place,
        count(*) OVER (PARTITION BY page_id, url) AS places
    FROM found WINDOW page AS (PARTITION BY page_id, url ORDER BY key))
SELECT $rule, page_id, url, coalesce($severity, severity, $default), $category, message,
    if(place = $most AND places > $most,
        json_merge_patch(to_json(evidence), to_json({{'more': places - $most}})), to_json(evidence))::VARCHAR,
    key, if(raised_from IS NULL, NULL, coalesce($severity, raised_from))
FROM counted WHERE place <= $most ORDER BY url, key
"""


@dataclass(frozen=True, slots=True)
class SiteVerdict:
    """All that the site rules say of one site.

    Attributes:
        results: of every site rule, about the run as a whole.
        counts: issues by severity.
    """

    results: tuple[RuleResult, ...]
    counts: Mapping[Severity, int]
    site: Site

    def issues(self) -> Iterator[pl.DataFrame]:
        """The issues by rule and address, as rows for the store's table but for the run id, 5,000 at a time.

        At most 100 findings of a rule for one address become issues; the last one's evidence counts the rest as
        ``more``.
        """
        rows = self.site.count("FROM finding")
        for start in range(0, rows, ROWS_AT_ONCE):
            found = self.site.db.sql(
                "SELECT * FROM finding WHERE rowid >= $start AND rowid < $stop ORDER BY rowid",
                params={"start": start, "stop": start + ROWS_AT_ONCE},
            )
            yield _issues(pl.DataFrame(found))


def _issues(found: pl.DataFrame) -> pl.DataFrame:
    prints = map(fingerprint, found["rule"], found["url"], found["key"])
    return found.with_columns(fingerprint=pl.Series(list(prints), dtype=pl.String), observed=pl.lit(value=True)).select(
        pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()
    )


def audit_site(site: Site, profile: Profile = DEFAULT) -> SiteVerdict:
    """Judge the site; what ``prepare`` made is read, and the connection with it."""
    site.db.execute(_FINDING)
    results = tuple(_judged(site, judge) for judge in profile.site_judges)
    for judge in profile.second_judges:
        _judged(site, judge)
    return _verdict(site, results)


def audit_list(site: Site, profile: Profile = DEFAULT) -> SiteVerdict:
    """Judge a list of pages by the rules that make sense without a crawl; reads what ``prepare_list`` made."""
    site.db.execute(_FINDING)
    return _verdict(site, tuple(_judged(site, judge) for judge in profile.site_judges if judge.rule.of_lists))


def _verdict(site: Site, results: tuple[RuleResult, ...]) -> SiteVerdict:
    counts = site.db.execute("SELECT severity, count(*) FROM finding GROUP BY severity").fetchall()
    return SiteVerdict(results, {Severity(name): number for name, number in counts}, site)


def _judged(site: Site, judge: Judge) -> RuleResult:
    rule = judge.rule
    if judge.check is None:
        return RuleResult(rule.id, Outcome.NOT_APPLICABLE, "switched off by the profile")
    if rule.applies is Applies.COMPLETE_CRAWL and not site.complete:
        return RuleResult(rule.id, Outcome.UNKNOWN, "the crawl is incomplete")
    try:
        return _outcome(site, judge, judge.check)
    except Exception as error:  # noqa: BLE001 - one broken rule must not silence the others
        site.db.execute("DELETE FROM finding WHERE rule = $rule", {"rule": rule.id})
        issue = crash(rule, error, site.start_url, "the site")
        evidence = json.dumps(issue.evidence, ensure_ascii=False)
        row = (CRASHED, "", site.start_url, issue.severity.value, issue.category, issue.message, evidence, rule.id)
        site.db.execute("INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", row)
        return RuleResult(rule.id, Outcome.UNKNOWN, "the rule crashed")


def _outcome(site: Site, judge: Judge, check: Check) -> RuleResult:
    words: list[NotApplicable | Unknown] = []
    for word in check(site):
        if isinstance(word, Findings):
            if _keep(site, judge, word):
                return judge.failed
        else:
            words.append(word)
    if words:
        outcome = Outcome.NOT_APPLICABLE if isinstance(words[0], NotApplicable) else Outcome.UNKNOWN
        return RuleResult(judge.rule.id, outcome, words[0].why)
    if judge.rule.applies is Applies.CRAWL and not site.complete:
        return RuleResult(judge.rule.id, Outcome.UNKNOWN, "nothing found so far; the crawl is incomplete")
    return judge.passed


def _keep(site: Site, judge: Judge, findings: Findings) -> bool:
    """Puts the findings down; False where there are none."""
    rule = judge.rule
    values = {
        "rule": rule.id,
        "severity": judge.severity,
        "default": rule.severity.value,
        "category": rule.category,
        "most": MAX_FINDINGS,
    }
    ((kept,),) = site.db.execute(_KEEP.format(findings.sql), values | dict(findings.values)).fetchall()
    return bool(kept)
