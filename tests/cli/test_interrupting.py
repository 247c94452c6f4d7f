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
