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
RANKED_AT_ONCE = 100_000
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
    key VARCHAR, raised_from VARCHAR, place UBIGINT)
"""
_KEEP = """
INSERT INTO finding
WITH found AS (
    SELECT NULL::VARCHAR AS severity, '' AS key, NULL::VARCHAR AS raised_from WHERE false UNION ALL BY NAME ({}))
SELECT $rule, page_id, url, coalesce($severity, severity, $default), $category, message, to_json(evidence)::VARCHAR,
    coalesce(key, ''), if(raised_from IS NULL, NULL, coalesce($severity, raised_from)), hash(page_id, url)
FROM found
"""

# A site may have millions of findings. No step holds more than some of them, and none holds what they say.
_CROWDED = """
CREATE OR REPLACE TEMP TABLE crowded AS
SELECT place, count(*) AS findings FROM finding WHERE rule = $rule GROUP BY place HAVING findings > $most
"""
_SURPLUS = """
CREATE OR REPLACE TEMP TABLE surplus AS
SELECT * FROM (
    SELECT finding.rowid AS number, findings - $most AS more, row_number() OVER (PARTITION BY place ORDER BY key) AS nth
    FROM finding JOIN crowded USING (place) WHERE rule = $rule AND place % $slices = $slice)
WHERE nth >= $most
"""
_SAY_MORE = """
UPDATE finding SET evidence = json_merge_patch(evidence::JSON, to_json({'more': more}))::VARCHAR
FROM surplus WHERE finding.rowid = number AND nth = $most
"""
_CUT = "DELETE FROM finding USING surplus WHERE finding.rowid = number AND nth > $most"


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
        """The issues rule by rule, as rows for the store's table but for the run id, at most 5,000 at a time.

        At most 100 findings of a rule for one address become issues; the last one's evidence counts the rest as
        ``more``.
        """
        rows = self.site.db.execute("SELECT coalesce(max(rowid) + 1, 0) FROM finding").fetchall()[0][0]
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
    if rule.applies is Applies.COMPLETE_CRAWL and site.gap:
        return RuleResult(rule.id, Outcome.UNKNOWN, site.gap)
    try:
        return _outcome(site, judge, judge.check)
    except Exception as error:  # noqa: BLE001 - one broken rule must not silence the others
        site.db.execute("DELETE FROM finding WHERE rule = $rule", {"rule": rule.id})
        issue = crash(rule, error, site.start_url, "the site")
        evidence = json.dumps(issue.evidence, ensure_ascii=False)
        row = (CRASHED, "", site.start_url, issue.severity.value, issue.category, issue.message, evidence, rule.id)
        site.db.execute("INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, 0)", row)
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
    if judge.rule.applies is Applies.CRAWL and site.gap:
        return RuleResult(judge.rule.id, Outcome.UNKNOWN, f"nothing found so far; {site.gap}")
    return judge.passed


def _keep(site: Site, judge: Judge, findings: Findings) -> bool:
    """Puts the findings down; False where there are none."""
    rule = judge.rule
    values = {
        "rule": rule.id,
        "severity": judge.severity,
        "default": rule.severity.value,
        "category": rule.category,
    }
    ((kept,),) = site.db.execute(_KEEP.format(findings.sql), values | dict(findings.values)).fetchall()
    if kept > MAX_FINDINGS:
        _cut(site, rule.id)
    return bool(kept)


def _cut(site: Site, rule: str) -> None:
    """Leaves at most 100 findings of one address; the last one counts the rest."""
    values = {"rule": rule, "most": MAX_FINDINGS}
    site.db.execute(_CROWDED, values)
    crowd = site.db.execute("SELECT coalesce(sum(findings), 0)::BIGINT FROM crowded").fetchall()[0][0]
    slices = -(-crowd // RANKED_AT_ONCE)
    for number in range(slices):
        site.db.execute(_SURPLUS, values | {"slice": number, "slices": slices})
        site.db.execute(_SAY_MORE, {"most": MAX_FINDINGS})
        site.db.execute(_CUT, {"most": MAX_FINDINGS})
