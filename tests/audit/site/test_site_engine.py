"""What the rules of sites share: profiles, limits, crashes, rows."""

from dataclasses import replace

import pytest

from tasks.audit import DEFAULT, Profile, all_rules
from tasks.audit.engine import CRASHED, MAX_FINDINGS, fingerprint
from tasks.audit.rule import Findings
from tasks.audit.site.engine import SCHEMA, audit_site
from tasks.audit.site.prepare import graph, prepare
from tasks.audit.site.site import Site
from tasks.model import Outcome, Severity
from tasks.store.columns import ISSUES
from tasks.store.site_columns import GRAPH

MISSING = "canonical-missing"
BROKEN = '/ <a href="/gone">Gone</a>\n/gone 404'


def test_every_site_rule_has_one_result_in_order(judge):
    rules = [rule.id for rule in all_rules() if rule.level == "site"]
    assert [*judge(BROKEN).results] == rules == [judge.rule.id for judge in DEFAULT.site_judges]


def test_rows_fit_the_store(tables_of):
    site = prepare(tables_of(BROKEN))
    (rows,) = audit_site(site).issues()
    assert {"run_id": ISSUES.schema["run_id"], **SCHEMA} == ISSUES.schema
    assert dict(rows.schema) == SCHEMA
    assert [*graph(site).columns] == [name for name in GRAPH.schema if name != "run_id"]


def test_issue_row(judge):
    (issue,) = judge(BROKEN).of("link-broken-internal")
    assert issue | {"message": "", "evidence": ""} == {
        "page_id": issue["page_id"],
        "url": "https://example.com/",
        "rule": "link-broken-internal",
        "severity": "error",
        "category": "links",
        "message": "",
        "evidence": "",
        "fingerprint": fingerprint("link-broken-internal", "https://example.com/", "https://example.com/gone"),
        "observed": True,
        "raised_from": None,
    }


def test_profile_selects_ignores_and_sets_severity(judge):
    text = f"{BROKEN}\n/a <h1>A</h1>\n/b <h1>A</h1>"
    judged = judge(text, profile=Profile(ignore=("headings",), severity={"link-broken-internal": Severity.NOTICE}))
    assert judged.results["h1-duplicate"].why == "switched off by the profile"
    assert judged.of("h1-duplicate") == []
    assert [issue["severity"] for issue in judged.of("link-broken-internal")] == ["notice"]
    severe = Profile(severity={"link-broken-external": Severity.ERROR})
    judged = judge('/ <a href="https://x.example/">A</a>\nhttps://x.example/ 403', profile=severe)
    assert [issue["severity"] for issue in judged.of("link-broken-external")] == ["error"]


COPIES = '/ <p>Home. <a href="/a">A</a> <a href="/b">B</a>\n/a <p>Tea.\n/b <p>Tea.'


def test_a_second_look_tells_the_fault_of_a_page_again(judge):
    told = [(issue["severity"], issue["raised_from"], issue["fingerprint"]) for issue in judge(COPIES).of(MISSING)]
    prints = [fingerprint(MISSING, f"https://example.com/{name}", "") for name in "ab"]
    assert told == [("warning", "notice", prints[0]), ("warning", "notice", prints[1])]


def test_the_severity_of_a_profile_holds_for_the_second_look(judge):
    judged = judge(COPIES, profile=Profile(severity={MISSING: Severity.ERROR}))
    assert [(issue["severity"], issue["raised_from"]) for issue in judged.of(MISSING)] == [("error", "error")] * 2
    assert judge(COPIES, profile=Profile(ignore=(MISSING,))).of(MISSING) == []


@pytest.mark.parametrize("ranked_at_once", [50, 100_000])
def test_findings_of_one_page_are_limited(judge, monkeypatch, ranked_at_once):
    monkeypatch.setattr("tasks.audit.site.engine.RANKED_AT_ONCE", ranked_at_once)
    targets = [f"/{n:03}" for n in range(MAX_FINDINGS + 3)]
    links = [f'<a href="{target}">Tea</a>' for target in targets]
    gone = "\n".join(f"{target} 404" for target in targets)
    pages = f"/ {''.join(links)}\n/tea {''.join(links[:-1])}\n/few {''.join(links[:-3])}\n{gone}"
    issues = judge(pages).of("link-broken-internal")
    told = {
        path: [issue["evidence"] for issue in issues if issue["url"] == f"https://example.com{path}"]
        for path in ("/", "/tea", "/few")
    }
    first = [f"https://example.com{target}" for target in targets[:MAX_FINDINGS]]
    assert [sorted(said["target"] for said in found) for found in told.values()] == [first] * 3
    more = [{said["target"]: said["more"] for said in found if "more" in said} for found in told.values()]
    assert more == [{first[-1]: 3}, {first[-1]: 2}, {}]


def test_counts_by_severity(judge):
    judged = judge(BROKEN, profile=Profile(select=("link-broken-internal",)))
    assert judged.counts == {Severity.ERROR: 1}


@pytest.mark.parametrize("complete", [True, False])
def test_empty_crawl(judge, complete):
    judged = judge("/robots.txt 404", complete=complete)
    assert judged.issues == []
    assert {result.outcome for result in judged.results.values()} <= {*Outcome} - {Outcome.FAIL}


def test_crashing_rule_becomes_one_finding_and_the_rest_run(judge, monkeypatch):
    def check(_: Site):
        yield Findings(
            "SELECT page_id, url, 'told before the crash' AS message, {'observed': 1} AS evidence FROM nothing"
        )

    rules = tuple(replace(rule, check=check) if rule.id == "link-to-redirect" else rule for rule in all_rules())
    calm = judge(BROKEN)
    monkeypatch.setattr("tasks.audit.profile.all_rules", lambda: rules)
    judged = judge(BROKEN, profile=Profile())
    (crash,) = judged.of(CRASHED)
    assert (crash["severity"], crash["url"], crash["page_id"]) == ("warning", "https://example.com/", "")
    assert crash["evidence"]["rule"] == "link-to-redirect"
    assert "the site was not judged by it" in crash["message"]
    assert judged.results["link-to-redirect"].outcome is Outcome.UNKNOWN
    assert [issue for issue in judged.issues if issue["rule"] != CRASHED] == calm.issues


def test_hostile_texts_crash_no_rule(judge):
    lines = [
        '/ <title>\x1b]0;x\x07 "\'$limit {} %s\u202e</title><h1>" ; DROP TABLE page; --</h1>',
        '/a <title>\x1b]0;x\x07 "\'$limit {} %s\u202e</title><a href="/%zz%">%</a><a href="//[">b</a>',
        "/%zz% 404",
        '/c <link rel="canonical" href="/%zz%"><link rel="alternate" hreflang="\'" href="/%zz%">',
        "/robots.txt \x00: | Disallow '$rule | :::",
    ]
    judged = judge("\n".join(lines))
    assert judged.of(CRASHED) == []
    assert all(issue["message"].isprintable() for issue in judged.issues)
    assert judged.pages("title-duplicate") == ["/", "/a"]
