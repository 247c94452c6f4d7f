"""How a run ends its command: exit status, what goes to stdout and what to stderr."""

import csv
import io
import json
from types import SimpleNamespace

import pytest

from deployments.cli.ending import show
from deployments.cli.exits import Exit, exit_of
from deployments.cli.options import RunShown
from tasks.model import FetchFailure, PageState, Reason, ScannedPage, Severity, Verdict
from tasks.store import Progress, RunSpec, RunState, Store, Target


def ended(state=RunState.COMPLETED):
    return SimpleNamespace(state=state)


@pytest.mark.parametrize(
    ("state", "progress", "fail_on", "expected"),
    [
        (RunState.COMPLETED, Progress(total=1, completed=1), None, Exit.DONE),
        (RunState.COMPLETED, Progress(total=1, completed=1, issues={Severity.ERROR: 1}), None, Exit.DONE),
        (RunState.COMPLETED, Progress(total=1, completed=1, issues={Severity.ERROR: 1}), Severity.NOTICE, Exit.ISSUES),
        (RunState.COMPLETED, Progress(total=1, completed=1, issues={Severity.WARNING: 1}), Severity.ERROR, Exit.DONE),
        (RunState.COMPLETED, Progress(total=1, completed=1, issues={Severity.ERROR: 0}), Severity.ERROR, Exit.DONE),
        (RunState.COMPLETED, Progress(total=2, failed=2, by_reason={"dns": 1, "bad-url": 1}), None, Exit.USAGE),
        (RunState.COMPLETED, Progress(total=2, completed=1, failed=1, by_reason={"dns": 1}), None, Exit.DONE),
        (RunState.COMPLETED, Progress(total=1, failed=1, by_reason={"redirect-loop": 1}), None, Exit.DONE),
        (RunState.INTERRUPTED, Progress(total=2, completed=1), Severity.NOTICE, Exit.INTERRUPTED),
        (RunState.CANCELLED, Progress(total=2), None, Exit.INTERRUPTED),
        (RunState.FAILED, Progress(total=1), None, Exit.FAILED),
    ],
)
def test_exit_status(state, progress, fail_on, expected):
    assert exit_of(ended(state), progress, fail_on) is expected


def run_of(data, kind):
    with Store.open(data) as store:
        return next(run for run in store.list_runs() if run.kind == kind)


def finished(run, resume=None, failure=""):
    return SimpleNamespace(run=run, resume_command=resume, resumed=False, failure=failure)


def test_machine_output_is_alone_on_stdout(data, capsys):
    run = run_of(data, "batch")
    assert show(finished(run), data, RunShown(format="jsonl")) is Exit.DONE
    out, err = capsys.readouterr()
    pages = [json.loads(line) for line in out.splitlines()]
    assert [page["outcome"] for page in pages] == ["completed"] * 4 + ["failed"]
    assert pages[0]["url"] == "https://tea.example/"
    assert all("results" not in page for page in pages)
    assert err.splitlines()[0].startswith(f"run {run.run_id} completed: 5/5 pages, 1 failed, ")


def test_all_results_are_added_where_asked_for(data, capsys):
    show(finished(run_of(data, "batch")), data, RunShown(format="json", all_results=True))
    pages = json.loads(capsys.readouterr().out)
    assert pages[0]["results"] == [{"rule": "title-too-short", "outcome": "fail", "why": ""}]


def test_pages_as_a_spreadsheet(data, capsys):
    show(finished(run_of(data, "batch")), data, RunShown(format="csv"))
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["status"] for row in rows] == ["200", "200", "200", "404", ""]
    assert [row["redirects"] for row in rows] == ["0", "0", "1", "0", "0"]
    assert rows[4]["reason"] == "dns"
    assert rows[3]["rules"] == "http-4xx"


def test_a_batch_is_summarised_for_people(data, capsys):
    run = run_of(data, "batch")
    assert show(finished(run), data, RunShown(fail_on=Severity.ERROR)) is Exit.ISSUES
    out, err = capsys.readouterr()
    assert "4 completed, 1 failed" in out
    assert "200 × 3, 404 × 1" in out
    assert "2 errors, 3 notices" in out
    assert f"seo issues {run.run_id} --data '{data}'" in err


def test_one_page_is_shown_with_its_facts(data, capsys):
    show(finished(run_of(data, "scan")), data, RunShown())
    assert capsys.readouterr().out.startswith("https://tea.example/\n")


def test_the_resume_command_is_printed(tmp_path, capsys):
    with Store.open(tmp_path) as store:
        run = store.start_run(RunSpec(kind="batch"))
        store.add_targets(run, [Target("https://a.example/", "1"), Target("https://b.example/", "2")])
        run = store.finish_run(run.run_id, run.epoch, RunState.INTERRUPTED, incomplete_reason="stopped")
    assert show(finished(run, "seo resume 42"), tmp_path, RunShown(format="json")) is Exit.INTERRUPTED
    out, err = capsys.readouterr()
    assert [page["outcome"] for page in json.loads(out)] == ["pending", "pending"]
    assert err.splitlines()[-1] == "interrupted: stopped; what is done is kept. Continue with: seo resume 42"


def test_what_failed_after_a_run_was_complete_is_told(data, capsys):
    run = run_of(data, "batch")
    assert show(finished(run, failure="Prefect's API does not answer"), data, RunShown()) is Exit.FAILED
    told = capsys.readouterr().err
    assert "the run is complete, but Prefect's API does not answer: its summary there, advice and notifications" in told


def test_where_nothing_was_reached_the_reasons_are_told(tmp_path, capsys):
    url = "https://a.example/"
    failure = FetchFailure(url=url, reason=Reason.DNS)
    page = ScannedPage(page_id="1", url=url, state=PageState.FAILED, reason=Reason.DNS, answer=failure, page=None,
                       verdict=Verdict())  # fmt: skip
    with Store.open(tmp_path) as store:
        run = store.start_run(RunSpec(kind="scan"))
        store.add_targets(run, [Target(url, "1")])
        store.lease(run.run_id, run.epoch, "h", 1)
        store.write_commit(run.run_id, run.epoch, "h", "k", [page])
        run = store.finish_run(run.run_id, run.epoch, RunState.COMPLETED)
    assert show(finished(run), tmp_path, RunShown()) is Exit.USAGE
    out, err = capsys.readouterr()
    assert "no answer, failed (dns)" in out
    assert err.splitlines()[-1] == "nothing reachable: dns × 1"
