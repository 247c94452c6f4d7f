"""A data folder with two runs: a batch of five pages, and a later scan of one of them."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployments.cli import app
from tasks.model import (
    FetchFailure,
    Heading,
    HeadText,
    Hop,
    Issue,
    Link,
    Outcome,
    Page,
    PageState,
    Reason,
    Response,
    RuleResult,
    ScannedPage,
    Severity,
    Verdict,
)
from tasks.store import RunSpec, RunState, Store, Target
from tasks.urls import page_id

HOME, TEA, OLD, GONE = (f"https://tea.example/{path}" for path in ("", "tea", "old", "gone"))
DOWN = "https://down.example/"
HTML = b"<!doctype html><title>Tea</title><h1>T\xc3\xa9</h1>"
FETCHED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def issue(rule, severity, message="seen"):
    return Issue(
        rule=rule, severity=severity, category="title", message=message, evidence={"observed": 3}, fingerprint="f" * 16
    )


def response(url, status=200, hops=()):
    headers = (("content-type", "text/html; charset=utf-8"),)
    return Response(url=url, status=status, headers=headers, body=HTML, text=HTML.decode(), encoding="utf-8", hops=hops,
                    ttfb_ms=12.0, elapsed_ms=20.0, fetched_at=FETCHED)  # fmt: skip


def scanned(url, answer, *, title=None, issues=(), reason=None):
    state = PageState.FAILED if reason else PageState.COMPLETED
    page = None
    if title is not None:
        page = Page(
            url=answer.url,
            requested_url=url,
            titles=(HeadText(title),),
            headings=(Heading(1, "Té"),),
            links=(Link("/tea", TEA, "Tea", internal=True),),
            html_length=len(HTML),
            word_count=7,
            title_px=31,
            cut=("images", "links"),
        )
    results = tuple(RuleResult(found.rule, Outcome.FAIL) for found in issues)
    return ScannedPage(page_id=page_id("default", url), url=url, state=state, reason=reason, answer=answer, page=page,
                       verdict=Verdict(tuple(issues), results))  # fmt: skip


PAGES = [
    scanned(HOME, response(HOME), title="Tea \x1b[31m=cmd|'x'", issues=[issue("title-too-short", Severity.NOTICE)]),
    scanned(TEA, response(TEA), title="=1+1", issues=[issue("title-too-short", Severity.NOTICE)]),
    scanned(OLD, response(TEA, hops=(Hop(OLD, 301, "/tea"),)), title="Tea",
            issues=[issue("redirect-permanent", Severity.NOTICE)]),
    scanned(GONE, response(GONE, 404), issues=[issue("http-4xx", Severity.ERROR, "status 404 <b>|`x`")]),
    scanned(DOWN, FetchFailure(url=DOWN, reason=Reason.DNS, detail="no such host", fetched_at=FETCHED),
            reason=Reason.DNS, issues=[issue("fetch-failed", Severity.ERROR)]),
]  # fmt: skip


def store_run(store, kind, pages, *, state=RunState.COMPLETED, leave=0, error=None):
    run = store.start_run(RunSpec(kind=kind, batch_id=f"b{len(pages)}", recipe="r", options=json.dumps({})))
    store.add_targets(run, [Target(page.url, page.page_id) for page in pages])
    store.mark_first_request(run.run_id)
    done = pages[: len(pages) - leave]
    if done:
        leased = store.lease(run.run_id, run.epoch, "h", len(done))
        assert len(leased) == len(done)
        store.write_commit(run.run_id, run.epoch, "h", "k", done)
    return store.finish_run(run.run_id, run.epoch, state, error=error)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """For tests that only read: a batch of five pages, then a scan of the first of them."""
    folder = tmp_path_factory.mktemp("cli") / "tea data"
    with Store.open(folder) as store:
        store_run(store, "batch", PAGES)
        store_run(store, "scan", PAGES[:1])
    return folder


@pytest.fixture(scope="session")
def batch_id(data):
    with Store.open(data) as store:
        return next(run.run_id for run in store.list_runs() if run.kind == "batch")


@pytest.fixture
def stored():
    """Makes a batch of the first ``pages`` of five in a folder, ``leave`` of them not done."""

    def batch(folder, pages, *, leave=0, state=RunState.COMPLETED):
        with Store.open(folder) as store:
            return store_run(store, "batch", PAGES[:pages], leave=leave, state=state)

    return batch


@pytest.fixture
def stored_page():
    """Makes a scan of the home page whose source is ``body``."""

    def scan(folder, body, encoding):
        answer = replace(response(HOME), body=body, encoding=encoding)
        with Store.open(folder) as store:
            store_run(store, "scan", [scanned(HOME, answer, title="Tea")])

    return scan


def in_a_process(*arguments):
    """Runs the command as people do, beside the Prefect server of the tests."""
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - takes seconds, and most tests need none

    environment = {**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value(), "COLUMNS": "120"}
    command = [sys.executable, "-c", "from deployments.cli.start import main; main()", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def seo(capsys, monkeypatch):
    """Runs one command line in this process, as in a pipe: (status, stdout, stderr)."""
    monkeypatch.delenv("COLUMNS", raising=False)
    for process_wide in ("give_memory_back", "collect_rarely"):
        monkeypatch.setattr(f"deployments.cli.running.{process_wide}", lambda: None)

    def command(*argv):
        status = app.run([str(argument) for argument in argv])
        captured = capsys.readouterr()
        return int(status), captured.out, captured.err

    return command
