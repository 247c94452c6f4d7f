"""``crawl``: what it refuses, how its limits are told, and how ``resume`` takes a crawl further."""

from types import SimpleNamespace

import pytest

from deployments.cli import running
from deployments.cli.crawling import check_kinds
from deployments.cli.ending import show
from deployments.cli.exits import Exit
from deployments.cli.options import RunShown
from deployments.cli.wishes import CrawlOptions, NewLimits
from tasks.crawl.scope import ScopeKind
from tasks.errors import InputError
from tasks.model import FetchFailure, PageState, Reason, ScannedPage, Verdict
from tasks.store import Found, Limits, RunSpec, RunState, Store
from tasks.store.records import PRUNED

START = "https://a.example/"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["crawl"], "requires an argument"),
        (["crawl", "htp://a.example"], "only http and https addresses"),
        (["crawl", "https://u:p@a.example/"], "carries a user name or password"),
        (["crawl", "a.example", "--scope", "world"], '"folder", "host", "domain"'),
        (["crawl", "a.example", "--max-pages", "-1"], "must be 0 or more"),
        (["crawl", "a.example", "--max-pages", "many"], "--max-pages"),
        (["crawl", "a.example", "--max-depth", "-1"], "must be 0 or more"),
        (["crawl", "a.example", "--time-budget", "0"], "must be longer than 0"),
        (["crawl", "a.example", "--check", "links"], "--check links: write external, images"),
        (["crawl", "a.example", "--select", "title-too-lng"], "did you mean title-too-long?"),
        (["crawl", "a.example", "b.example"], "b.example"),
    ],
)
def test_wrong_usage_of_crawl_is_one_line_and_status_2(seo, argv, message):
    status, out, err = seo(*argv)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("none", ()),
        ("external", ("external",)),
        ("images, external", ("external", "images")),
        ("external,images", ("external", "images")),
        ("", ()),
    ],
)
def test_kinds_of_checks(text, kinds):
    assert check_kinds(text) == kinds


@pytest.fixture
def caught(monkeypatch):
    """What a command line asks of ``running.crawl`` and ``running.resume``."""
    asked = []

    def catch(*given):
        asked.append(given)
        raise InputError("caught")

    monkeypatch.setattr(running, "crawl", catch)
    monkeypatch.setattr(running, "resume", catch)
    return asked


def test_options_reach_the_crawl(seo, caught, tmp_path):
    seo("crawl", "a.example/docs/", "--data", tmp_path)
    seo(
        *("crawl", "a.example", "--data", tmp_path, "--scope", "domain", "--max-pages", 0, "--max-depth", 3),
        *("--include", "/a*", "--include", "/b", "--exclude", "?print", "--no-sitemaps", "--ignore-robots"),
        "--follow-traps",
        *("--check", "none", "--time-budget", "5m", "--changed-only", "--refresh"),
    )
    rules = [rules for rules, _, _ in caught]
    assert [options.for_flow().refresh for _, options, _ in caught] == [False, True]
    assert rules == [
        CrawlOptions(start_url="https://a.example/docs/", scope=ScopeKind.FOLDER, max_pages=10_000),
        CrawlOptions(
            start_url=START,
            scope=ScopeKind.DOMAIN,
            max_pages=None,
            max_depth=3,
            include=("/a*", "/b"),
            exclude=("?print",),
            sitemaps=False,
            obey_robots=False,
            cut_traps=False,
            check=(),
            time_budget=300.0,
            changed_only=True,
        ),
    ]


def crawl_at_limit(data, *, left=2, kind="crawl"):
    """A crawl that may fetch nothing and found ``left`` pages."""
    with Store.open(data) as store:
        limits = Limits(max_pages=0)
        run = store.start_run(RunSpec(kind=kind, start_url=START, scope="host", limits=limits))
        found = [Found(f"{START}{n}", str(n), depth=0) for n in range(left)]
        store.commit(run.run_id, run.epoch, "h", found=found)
        return store.finish_run(run.run_id, run.epoch, RunState.COMPLETED)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (NewLimits(), Limits(10, 2)),
        (NewLimits(max_pages=20), Limits(20, 2)),
        (NewLimits(max_pages=0), Limits(None, 2)),
        (NewLimits(max_depth=0), Limits(10, 0)),
        (NewLimits(time_budget=3.0), Limits(10, 2)),
    ],
)
def test_new_limits_stand_in_for_old_ones(new, expected):
    assert new.instead_of(Limits(10, 2)) == expected


def test_new_limits_reach_the_resumed_run(seo, caught, tmp_path):
    run = crawl_at_limit(tmp_path)
    seo("resume", run.run_id, "--data", tmp_path, "--max-pages", 9, "--time-budget", "1m")
    [(run_id, options, _, wanted)] = caught
    assert (run_id, options.data, wanted) == (run.run_id, tmp_path, NewLimits(9, None, 60.0))


def test_a_complete_crawl_is_not_resumed(seo, tmp_path):
    run = crawl_at_limit(tmp_path, left=0)
    status, _, err = seo("resume", run.run_id, "--data", tmp_path, "--max-pages", 9)
    assert (status, err.endswith("shows what it found\n")) == (2, True)


def test_a_pruned_run_is_not_resumed(seo, tmp_path):
    with Store.open(tmp_path) as store:
        run = store.start_run(RunSpec(kind="crawl", start_url=START, scope="host"))
        store.finish_run(run.run_id, run.epoch, RunState.INTERRUPTED, incomplete_reason=PRUNED)
    status, _, err = seo("resume", run.run_id, "--data", tmp_path, "--max-pages", 9)
    assert (status, f"run {run.run_id} was pruned" in err, "begin a new one" in err) == (2, True, True)
    status, _, err = seo("resume", "--data", tmp_path)
    assert (status, "no unfinished run in this data folder" in err) == (2, True)


def test_a_crawl_at_its_limit_names_the_command_that_goes_on(seo, tmp_path):
    run = crawl_at_limit(tmp_path)
    status, _, err = seo("resume", run.run_id, "--data", tmp_path)
    assert status == 2
    assert f"limit of 0 pages reached: 2 pages left): `seo resume {run.run_id} --max-pages 0 --data {tmp_path}`" in err


@pytest.mark.parametrize("state", [RunState.COMPLETED, RunState.INTERRUPTED])
def test_a_limit_of_no_more_pages_than_are_done_is_refused(seo, tmp_path, state):
    found = [Found(f"{START}{number}", str(number), depth=0) for number in range(3)]
    with Store.open(tmp_path) as store:
        run = store.start_run(RunSpec(kind="crawl", start_url=START, scope="host", limits=Limits(max_pages=2)))
        store.commit(run.run_id, run.epoch, "h", found=found)
        leased = store.lease(run.run_id, run.epoch, "h", 2)
        store.write_commit(run.run_id, run.epoch, "h", "k", [unreached(lease.url, lease.page_id) for lease in leased])
        store.finish_run(run.run_id, run.epoch, state)
    for limit in (1, 2):
        status, _, err = seo("resume", run.run_id, "--data", tmp_path, "--max-pages", limit)
        assert (status, err) == (
            2,
            f"seo: --max-pages {limit}: 2 pages are done: write more than 2, or 0 for no limit\n",
        )


def unreached(url, page_id):
    return ScannedPage(
        page_id=page_id,
        url=url,
        state=PageState.FAILED,
        reason=Reason.DNS,
        answer=FetchFailure(url=url, reason=Reason.DNS),
        page=None,
        verdict=Verdict(),
    )


def test_only_crawls_have_new_limits(seo, tmp_path):
    run = crawl_at_limit(tmp_path, kind="batch")
    status, _, err = seo("resume", run.run_id, "--data", tmp_path, "--max-pages", 9)
    assert (status, f"run {run.run_id} is a batch: only crawls have limits" in err) == (2, True)


def test_a_crawl_that_goes_on_has_a_budget_and_no_timeout(seo, tmp_path):
    run = crawl_at_limit(tmp_path)
    assert seo("resume", run.run_id, "--data", tmp_path, "--timeout", "1h") == (
        2,
        "",
        f"seo: run {run.run_id} is a crawl: write --time-budget instead of --timeout\n",
    )


def test_a_limit_that_was_reached_is_said_on_stderr_and_in_runs(seo, tmp_path, capsys):
    run = crawl_at_limit(tmp_path)
    ended = SimpleNamespace(run=run, resume_command=None, resumed=False, failure="")
    assert show(ended, tmp_path, RunShown(format="jsonl")) is Exit.DONE
    err = capsys.readouterr().err.splitlines()
    goes_on = f"seo resume {run.run_id} --max-pages 0 --data {tmp_path}"
    assert err[1] == f"incomplete: limit of 0 pages reached: 2 pages left. Go on with: {goes_on}"
    assert "completed, incomplete" in seo("runs", "--data", tmp_path)[1]
