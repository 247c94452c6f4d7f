"""A run in counts, and as Markdown with everything escaped."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tasks.errors import UnknownRun
from tasks.model import FetchFailure, Issue, PageState, Reason, Response, ScannedPage, Severity, Verdict
from tasks.report.found import Wanted, issue_groups, issue_rows
from tasks.report.markdown import MAX_ROWS, summary_markdown
from tasks.report.summary import RuleCount, WorstPage, summarise
from tasks.report.task import artifact_key
from tasks.report.words import progress_words
from tasks.store import Progress, RunSpec, RunState, Store, Target
from tasks.urls import page_id

EVIL = "https://evil.example/|`<img%20src=x>[a](javascript:alert(1))"


def issue(rule, severity):
    return Issue(rule=rule, severity=severity, category="c", message="m", evidence={}, fingerprint="0" * 16)


def page(url, issues, *, status=200, reason=None, ttfb=10.0):
    answer = FetchFailure(url=url, reason=reason) if reason else Response(url=url, status=status, ttfb_ms=ttfb)
    state = PageState.FAILED if reason else PageState.COMPLETED
    return ScannedPage(page_id=page_id("default", url), url=url, state=state, reason=reason, answer=answer, page=None,
                       verdict=Verdict(tuple(issues)))  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """(data folder, run id) of four pages."""
    data = tmp_path_factory.mktemp("report")
    pages = [
        page("https://a.example/", [issue("one", Severity.NOTICE), issue("two", Severity.ERROR)]),
        page("https://a.example/2", [issue("one", Severity.NOTICE), issue("one", Severity.NOTICE)], ttfb=30.0),
        page(EVIL, [issue("three", Severity.WARNING)], status=404, ttfb=500.0),
        page("https://down.example/", [], reason=Reason.TLS),
    ]
    with Store.open(data) as store:
        run = store.start_run(RunSpec(kind="batch"))
        store.add_targets(run, [Target(found.url, found.page_id) for found in pages])
        store.mark_first_request(run.run_id)
        store.lease(run.run_id, run.epoch, "h", 10)
        store.write_commit(run.run_id, run.epoch, "h", "k", pages)
        store.finish_run(run.run_id, run.epoch, RunState.COMPLETED, incomplete_reason="a <b>reason</b>")
    return data, run.run_id


def test_counts(stored):
    data, run_id = stored
    summary = summarise(run_id, data)
    assert summary.states == {PageState.COMPLETED: 3, PageState.FAILED: 1}
    assert summary.statuses == {200: 2, 404: 1}
    assert summary.reasons == {"tls": 1}
    assert summary.severities == {Severity.ERROR: 1, Severity.WARNING: 1, Severity.NOTICE: 3}
    assert summary.rules == (
        RuleCount("two", Severity.ERROR, "c", 1, 1, "https://a.example/"),
        RuleCount("three", Severity.WARNING, "c", 1, 1, EVIL),
        RuleCount("one", Severity.NOTICE, "c", 3, 2, "https://a.example/"),
    )
    assert [(host.host, host.pages, host.median_ms) for host in summary.hosts] == [
        ("evil.example", 1, 500.0),
        ("a.example", 2, 20.0),
    ]
    assert summary.worst == (WorstPage("https://a.example/", 200, 1, 0, 1), WorstPage(EVIL, 404, 0, 1, 0))
    assert summary.pages == 4
    assert summary.wall_seconds >= 0


def test_an_unknown_run_has_no_summary(stored):
    with pytest.raises(UnknownRun):
        summarise("nope", stored[0])


def test_markdown_holds_the_counts_and_no_markup_of_pages(stored):
    data, run_id = stored
    text = summary_markdown(summarise(run_id, data))
    assert text.startswith(f"# Batch {run_id}: completed\n")
    assert "**Incomplete:** a &#60;b&#62;reason&#60;/b&#62;" in text
    assert "| completed | 3 |" in text
    assert "| 404 | 1 |" in text
    assert "1 errors, 1 warnings, 3 notices" in text
    assert "| one | notice | 3 | 2 | https://a.example/ |" in text
    row = next(line for line in text.splitlines() if line.startswith("| three "))
    assert row.count("|") == 6
    assert "javascript:alert&#40;1&#41;" in row
    assert "<" not in text.replace("&#60;", "")


def test_tables_are_cut(stored):
    data, run_id = stored
    summary = summarise(run_id, data)
    text = summary_markdown(replace(summary, reasons={f"reason {n}": 1 for n in range(MAX_ROWS + 50)}))
    assert text.count("\n| reason ") == MAX_ROWS
    assert "…and 50 more." in text


def test_empty_sections_are_left_out(tmp_path):
    with Store.open(tmp_path) as store:
        run = store.start_run(RunSpec(kind="batch"))
        text = summary_markdown(summarise(run.run_id, tmp_path))
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        f"# Batch {run.run_id}: running",
        "## Issues",
    ]


def test_issues_by_rule_and_one_by_one(stored):
    data, run_id = stored
    groups = issue_groups(Wanted(run_id=run_id), data, 2)
    assert [(group.rule, group.issues, group.pages) for group in groups] == [
        ("two", 1, 1),
        ("three", 1, 1),
        ("one", 3, 2),
    ]
    assert groups[2].examples == (("https://a.example/", "m"), ("https://a.example/2", "m"))
    rows = list(issue_rows(Wanted(run_id=run_id, rule="one", url="https://a.example/2"), data))
    assert [(row["rule"], row["severity"]) for row in rows] == [("one", "notice")] * 2
    assert list(issue_rows(Wanted(run_id=run_id, rule="' OR 1=1 --"), data)) == []


def test_progress_in_words():
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, 0, 0, 10, tzinfo=UTC)
    progress = Progress(total=5000, completed=1200, failed=2, skipped=3, linked=205, retries_waiting=4,
                        first_request_at=start, last_commit_at=end)  # fmt: skip
    assert progress_words(progress) == (
        "1,205/5,000 pages, 205 cached, 2 failed, 3 skipped, 4 retries waiting, 100 pages/s"
    )
    assert progress_words(Progress(total=2)) == "0/2 pages"


def test_artifact_keys_are_lower_case_letters_digits_and_dashes():
    assert artifact_key("seo-summary", "20260301-120000_AbC.d") == "seo-summary-20260301-120000-abc-d"
