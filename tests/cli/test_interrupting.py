"""Ctrl-C as a terminal sends it: to the command and to all of its processes at once."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

SEO = (sys.executable, "-c", "from deployments.cli.start import main; main()")
PAGES = 250  # more than the command's own process does
SECONDS = 60


@pytest.fixture
def slow_site(site):
    """Its pages answer when the test is over."""
    over = threading.Event()

    def page(_):
        over.wait(SECONDS)
        return "<title>Tea</title>"

    site.pages |= {f"/{number}": page for number in range(PAGES)}
    yield site
    over.set()


@contextmanager
def batch(site, folder, api):
    """A batch under way, in a process group of its own; its stderr is the file ``told``."""
    folder.joinpath("list").write_text("\n".join(site.url(f"/{number}") for number in range(PAGES)))
    line = [*SEO, "batch", folder / "list", "--data", folder / "data", "--allow", site.host_port]
    with folder.joinpath("told").open("wb") as told:
        environment = {**os.environ, "PREFECT_API_URL": api, "COLUMNS": "500"}
        process = subprocess.Popen(
            line, env=environment, stdout=subprocess.DEVNULL, stderr=told, start_new_session=True
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def workers(group):
    """Processes of the group that Python's multiprocessing has begun."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line, stat = (process / "cmdline").read_bytes(), (process / "stat").read_text()
        except OSError:
            continue
        if b"spawn_main" in line and int(stat.rpartition(")")[2].split()[2]) == group:
            found.append(int(process.name))
    return found


def hears_ctrl_c(pid):
    """True where the process has a handler for it."""
    caught = re.search(r"^SigCgt:\s+(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(caught[1], 16) >> (signal.SIGINT - 1) & 1)


def newest_run(folder):
    listed = subprocess.run(
        [*SEO, "runs", "--data", folder / "data", "--format", "json"],
        capture_output=True, check=True,
    )  # fmt: skip
    return json.loads(listed.stdout)[0]["run_id"]


def test_a_worker_that_is_still_starting_hears_no_ctrl_c(slow_site, tmp_path, prefect_api):
    with batch(slow_site, tmp_path, prefect_api) as running:
        until(lambda: workers(running.pid))
        started = workers(running.pid)
        os.kill(running.pid, signal.SIGINT)
        for _ in range(60):  # at each moment of its imports
            for worker in started:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGINT)
            time.sleep(0.05)
        assert running.wait(SECONDS) == 3
    told = (tmp_path / "told").read_text()
    assert "Traceback" not in told, told
    assert re.search(r"^interrupted: .*; what is done is kept. Continue with: seo resume ", told, re.MULTILINE), told


def test_a_second_ctrl_c_ends_it_at_once_and_says_how_it_goes_on(slow_site, tmp_path, prefect_api):
    with batch(slow_site, tmp_path, prefect_api) as running:
        until(slow_site.page_paths)
        os.killpg(running.pid, signal.SIGINT)
        until(lambda: "stopping: " in (tmp_path / "told").read_text())
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(5) == 3
        until(lambda: not workers(running.pid))
    *_, before, last = (tmp_path / "told").read_text().splitlines()
    assert before == "stopping: pages in flight are finished; once more to stop at once"
    assert last == (
        "interrupted: stopped at once; what is done is kept. "
        f"Continue with: seo resume {newest_run(tmp_path)} --data {tmp_path / 'data'}"
    )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(100000) b",
        "SELECT a.range FROM range(10000000) a, range(100000) b WHERE a.range * b.range = -1",
    ],
)
def test_ctrl_c_ends_a_query_at_once(data, query):
    line = [*SEO, "sql", query, "--data", data]
    asked = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        until(lambda: b"duckdb" in Path(f"/proc/{asked.pid}/maps").read_bytes() and not hears_ctrl_c(asked.pid))
        asked.send_signal(signal.SIGINT)
        assert asked.wait(5) == -signal.SIGINT
    finally:
        asked.kill()
        told, _ = asked.communicate()
    assert told == b""
