"""A crawl that comes again: what its summary, its issues and its rows say of what changed."""

import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from deployments.cli.ending import show
from deployments.cli.exits import Exit
from deployments.cli.options import RunShown
from tasks.analyze.choosing import choose, parse_which
from tasks.model import HeadText, Issue, Page, PageState, Response, ScannedPage, Severity, Verdict
from tasks.report.markdown import summary_markdown
from tasks.report.summary import summarise
from tasks.report.terminal import summary_view
from tasks.scan.site import compare
from tasks.store import Found, RunSpec, RunState, Store
from tasks.urls import page_id

SITE = "https://a.example"


def scanned(path, title, *, status=200):
    url = f"{SITE}{path}"
    fault = Issue(
        rule="title-too-short" if status < 400 else "http-4xx",
        severity=Severity.WARNING if path == "/same" else Severity.NOTICE,
        category="c",
        message="m",
        evidence={},
        fingerprint="0" * 16,
    )
    page = Page(url=url, requested_url=url, titles=(HeadText(title),), html_length=9) if status < 400 else None
    return ScannedPage(
        page_id=page_id("default", url),
        url=url,
        state=PageState.COMPLETED,
        reason=None,
        answer=Response(url=url, status=status),
        page=page,
        verdict=Verdict((fault,)),
    )


def crawled(store, pages, earlier=None):
    spec = RunSpec(kind="crawl", start_url=f"{SITE}/same", scope="host", recipe="r", earlier_run_id=earlier)
    run = store.start_run(spec)
    store.add_found(run.run_id, 1, [Found(page.url, page.page_id) for page in pages])
    store.lease(run.run_id, 1, "h", 10)
    store.write_commit(run.run_id, 1, "h", "k", pages)
    compare(store, run.run_id, 1)
    return store.finish_run(run.run_id, 1, RunState.COMPLETED)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(data folder, first run, the one that came again)."""
    data = tmp_path_factory.mktemp("changed")
    with Store.open(data) as store:
        first = crawled(store, [scanned("/same", "A"), scanned("/edited", "B"), scanned("/removed", "C")])
        now = [
            scanned("/same", "A"),
            scanned("/edited", "B2"),
            scanned("/removed", "", status=404),
            scanned("/new", "D"),
        ]
        return data, first, crawled(store, now, first.run_id)


def text_of(summary):
    console = Console(width=140)
    with console.capture() as captured:
        console.print(summary_view(summary))
    return captured.get()


def test_the_summary_counts_what_changed(runs):
    data, first, again = runs
    assert summarise(first.run_id, data).changes == {}
    summary = summarise(again.run_id, data)
    assert summary.changes == {"new": 1, "changed": 1, "gone": 1, "unchanged": 1}
    assert f"since {first.run_id}  1 new, 1 changed, 1 gone, 1 unchanged" in text_of(summary)
    assert f"| since {first.run_id} | pages |" in summary_markdown(summary)


def test_only_issues_of_what_changed_are_counted_where_that_is_asked_for(runs):
    data, _, again = runs
    everything = summarise(again.run_id, data)
    assert (everything.severities[Severity.WARNING], everything.severities[Severity.NOTICE]) == (1, 3)
    summary = summarise(again.run_id, data, changed_only=True)
    assert (summary.severities[Severity.WARNING], summary.severities[Severity.NOTICE]) == (0, 3)
    assert [(rule.rule, rule.pages) for rule in summary.rules] == [("title-too-short", 2), ("http-4xx", 1)]
    assert "## Issues of new, changed and gone pages" in summary_markdown(summary)
    assert summary.next_commands[0] == f"seo issues {again.run_id} --changed"


def test_without_an_earlier_crawl_all_pages_are_new(runs, capsys):
    data, first, _ = runs
    assert len(summarise(first.run_id, data, changed_only=True).rules) == 2
    ended = SimpleNamespace(run=first, resume_command=None, resumed=False, failure="")
    show(ended, data, RunShown(format="jsonl"), changed_only=True)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3
    assert "no earlier crawl from here in this data folder: all pages are new" in err


def test_rows_and_status_leave_out_what_did_not_change(runs, capsys):
    data, _, again = runs
    ended = SimpleNamespace(run=again, resume_command=None, resumed=False, failure="")
    shown = RunShown(format="jsonl", fail_on=Severity.WARNING)
    assert show(ended, data, shown) is Exit.ISSUES
    capsys.readouterr()
    assert show(ended, data, shown, changed_only=True) is Exit.DONE
    urls = [json.loads(line)["url"] for line in capsys.readouterr().out.splitlines()]
    assert urls == [f"{SITE}/edited", f"{SITE}/removed", f"{SITE}/new"]


def test_pages_that_did_not_change_are_not_analysed(runs):
    data, _, again = runs
    chosen = choose(data, again.run_id, parse_which("all"), changed_only=True)
    assert len(choose(data, again.run_id, parse_which("all"))) == 4
    assert page_id("default", f"{SITE}/same") not in chosen
    assert len(chosen) == 3
