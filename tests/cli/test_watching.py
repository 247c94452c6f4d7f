"""What is shown while a run goes on."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from deployments.cli import screen, watching
from tasks.store import Limits, Progress

RUN = SimpleNamespace(run_id="20260301-120000-abcd", kind="batch", total=2391, linked=5)
CRAWL = SimpleNamespace(
    run_id="c1", kind="crawl", start_url="https://a.example/\x1b[2J", scope="host", limits=Limits(max_pages=10_000)
)


@pytest.mark.parametrize(
    ("progress", "rate", "expected"),
    [
        (Progress(total=10), 0.0, "0/10 pages, 0 pages/s, 0 failed"),
        (
            Progress(total=7210, completed=1200, failed=2, quarantined=1, linked=3, retries_waiting=4),
            100.0,
            "1,203/7,210 pages, 3 cached, 100 pages/s, 3 failed, 4 retries waiting, 1:00 left",
        ),
        (Progress(total=7201, completed=1), 1.0, "1/7,201 pages, 1 pages/s, 0 failed, 2:00:00 left"),
        (Progress(total=2, completed=1, skipped=1), 1.0, "2/2 pages, 1 pages/s, 0 failed, 1 skipped"),
        (
            Progress(total=70, pending=65, held_back=60, completed=5),
            1.0,
            "5/10 pages, 60 more found, 1 pages/s, 0 failed, 0:05 left",
        ),
    ],
)
def test_counts(progress, rate, expected):
    assert watching.counts(progress, rate) == expected


def test_rate_is_that_of_the_last_looks(monkeypatch):
    now = iter([0.0, 60.0, 61.0, 62.0])
    monkeypatch.setattr(watching.time, "monotonic", lambda: next(now))
    pace = watching.Pace()
    assert [pace.look(done) for done in (0, 0, 10, 50)] == [0.0, 0.0, 10.0, 25.0]


def test_plain_lines_where_stderr_is_piped(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    with watching.watch() as watch:
        watch.started(RUN)
        for second in range(1, 12):
            now[0] = 100.0 + second
            watch.progress(Progress(total=100, completed=second * 2))
        watch.note("https://a.example/\x1b[2J: dns; try 2 in 1.0 s")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "run 20260301-120000-abcd: 2,391 pages, 5 of them from an earlier run",
        "10/100 pages, 2 pages/s, 0 failed, 0:45 left",
        "20/100 pages, 2 pages/s, 0 failed, 0:40 left",
        "https://a.example/\\x1b[2J: dns; try 2 in 1.0 s",
    ]


def test_phases_of_a_crawl_show_life(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    done = Progress(total=9, completed=9)
    with watching.watch() as watch:
        watch.started(CRAWL)
        for second, phase in enumerate(["reading robots.txt", "", "", "links: 1 of 9", "links: 2 of 9", "", ""]):
            now[0] = 100.0 + second
            watch.progress(done, phase)
        now[0] = 110.0
        watch.progress(done, "links: 9 of 9")
        now[0] = 116.0
        watch.progress(done, "links: 9 of 9")
    assert capsys.readouterr().err.splitlines() == [
        "run c1: crawling https://a.example/\\x1b[2J (host, at most 10,000 pages)",
        "reading robots.txt",
        "9/9 pages, 9 pages/s, 0 failed",
        "links: 1 of 9",
        "9/9 pages, 2 pages/s, 0 failed",
        "links: 9 of 9",
        "links: 9 of 9",
    ]


@pytest.mark.parametrize(
    ("terminal", "watch"), [("xterm", watching.LiveWatch), ("dumb", watching.LineWatch), ("", watching.LiveWatch)]
)
def test_a_terminal_that_cannot_redraw_gets_plain_lines(monkeypatch, terminal, watch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", terminal)
    assert type(watching.watch()) is watch


def test_a_terminal_gets_a_bar_with_hosts(monkeypatch):
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120, highlight=False, markup=False)
    monkeypatch.setattr(screen, "err", lambda: console)
    with watching.LiveWatch() as watch:
        watch.started(RUN)
        watch.progress(Progress(total=100, completed=40, hosts=("a.example", "b.example")))
        watch.note("[bold]note[/]")
        watch._live.refresh()
        watch.progress(Progress(total=100, completed=100), "judging the site as a whole")
        watch._live.refresh()
    assert "judging the site as a whole" in written.getvalue()
    assert "40/100 pages" in written.getvalue()
    assert "fetching from a.example, b.example" in written.getvalue()
    assert "[bold]note[/]" in written.getvalue()
