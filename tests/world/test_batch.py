"""The command on real sites: right, once, resumable, polite."""

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.store import connect
from tests.world.facts import wait_for_pages
from tests.world.prefect_world import processes_with

pytestmark = pytest.mark.world


def batch(seo, listed, data, site, *more):
    return [seo, "batch", str(listed), "--data", str(data), "--allow", site.host_port, *more]


FAST = ("--rate", "0", "--concurrency", "32")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, docs_site):
    return _list(tmp_path_factory, docs_site.urls())


@pytest.fixture(scope="module")
def shorter(tmp_path_factory, docs_site):
    """Half as long: 1,222 pages of two sites, in several chunks."""
    return _list(tmp_path_factory, docs_site.urls("py", "dj"))


def _list(tmp_path_factory, urls):
    path = tmp_path_factory.mktemp("lists") / "listed.txt"
    path.write_text("\n".join(urls) + "\n")
    return path


def run(command, environment, timeout=240):
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)


def pages_of(data):
    with connect(data) as facts:
        return facts.execute("select url, outcome, run_id from pages").fetchall()


def command_line(pid):
    """Of a process; None where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return None


@dataclass(frozen=True)
class Scanned:
    """A finished batch, and the command lines of its processes while it ran."""

    data: Path
    processes: list


@pytest.fixture(scope="module")
def scanned(tmp_path_factory, docs_site, mixed, seo, environment):
    folder = tmp_path_factory.mktemp("mixed")
    marked = {**environment, "WORLD": str(folder)}
    command = subprocess.Popen(
        batch(seo, mixed, folder / "data", docs_site, *FAST),
        env=marked,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wait_for_pages(folder / "data", 600)
    lines = [line for pid in processes_with(f"WORLD={folder}") if (line := command_line(pid))]
    _, errors = command.communicate(timeout=180)
    assert command.returncode == 0, errors
    return Scanned(folder / "data", lines)


def test_every_page_of_three_real_sites_is_stored_once(scanned, mixed):
    rows = pages_of(scanned.data)
    assert Counter(url for url, _, _ in rows) == Counter(mixed.read_text().split())
    assert {outcome for _, outcome, _ in rows} == {"completed"}


def test_facts_agree_with_an_independent_count(scanned):
    with connect(scanned.data) as facts:

        def count(where):
            return facts.execute(f"select count(*) from pages where {where}").fetchone()[0]  # noqa: S608 - our text

        pg, dj, py = (f"url like '%/{name}/%'" for name in ("pg", "dj", "py"))
        h1 = "len(list_filter(headings, lambda h: h.level = 1 and h.text <> ''))"
        assert (count(pg), count(dj), count(py)) == (1169, 692, 530)
        assert count(f"{pg} and {h1} = 0") == 1154
        assert count(f"{pg} and lang is null") == 1169
        assert count(f"{dj} and {h1} = 2") == 689
        assert count(f"{py} and {h1} = 0") == 2
        assert count(f"{py} and len(canonicals) > 0") == 530


def test_the_same_list_again_fetches_nothing(scanned, docs_site, mixed, seo, served_environment):
    data = scanned.data
    requests = len(docs_site.log.read_text().splitlines())
    again = run(batch(seo, mixed, data, docs_site, *FAST), served_environment)
    assert again.returncode == 0, again.stderr
    assert len(docs_site.log.read_text().splitlines()) == requests
    with connect(data) as facts:
        runs = facts.execute("select run_id, count(*) from pages group by 1 order by 1").fetchall()
    assert [count for _, count in runs] == [2391, 2391]


def begin(command, environment, marker):
    marked = {**environment, "WORLD": str(marker)}
    return subprocess.Popen(
        command, env=marked, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def assert_gone(marker):
    """All processes of a killed command end by themselves."""
    end = time.time() + 30
    while processes_with(f"WORLD={marker}"):
        assert time.time() < end
        time.sleep(0.2)


def taken_places(home):
    """Places for runs at once that Prefect's database in ``home`` counts as taken."""
    with closing(sqlite3.connect(f"file:{home}/prefect.db?mode=ro", uri=True)) as database:
        taken = "SELECT coalesce(sum(active_slots), 0) FROM concurrency_limit_v2 WHERE name = 'seo-scan-runs'"
        return database.execute(taken).fetchone()[0]


def test_killed_with_its_whole_group_and_resumed_at_once(
    tmp_path, docs_site, shorter, seo, prefect_home, environment, served_environment
):
    data = tmp_path / "data"
    command = batch(seo, shorter, data, docs_site, *FAST)
    first = begin(command, environment, tmp_path)
    wait_for_pages(data, 200)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    second = run(command, served_environment)
    assert second.returncode == 0, second.stderr
    assert "continuing run" in second.stderr
    assert_whole(data, shorter)
    assert_gone(tmp_path)
    assert taken_places(prefect_home) == 0  # nobody would ever free it


def test_killed_alone_and_resumed_at_once(tmp_path, docs_site, shorter, seo, environment, served_environment):
    data = tmp_path / "data"
    first = begin(batch(seo, shorter, data, docs_site, *FAST), environment, tmp_path)
    wait_for_pages(data, 200)
    first.kill()
    first.wait()
    second = run([seo, "resume", "--data", str(data)], served_environment)
    assert second.returncode == 0, second.stderr
    assert_whole(data, shorter)
    assert_gone(tmp_path)


def assert_whole(data, listed):
    rows = pages_of(data)
    assert Counter(url for url, _, _ in rows) == Counter(listed.read_text().split())
    assert len({run_id for _, _, run_id in rows}) == 1
    assert {outcome for _, outcome, _ in rows} == {"completed"}


def test_ctrl_c_keeps_what_is_committed_and_names_the_command_that_goes_on(
    tmp_path, docs_site, shorter, seo, served_environment
):
    data = tmp_path / "data"
    command = batch(seo, shorter, data, docs_site, "--rate", "300")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, served_environment)  # noqa: S606 - a child with this terminal
    shown = bytearray()
    os.set_blocking(terminal, False)

    def read():
        try:
            shown.extend(os.read(terminal, 65536))
        except (BlockingIOError, OSError):
            time.sleep(0.05)

    wait_for_pages(data, 100)
    os.write(terminal, b"\x03")
    pressed = time.time()
    status = None
    while status is None and time.time() - pressed < 30:
        read()
        done, waited = os.waitpid(pid, os.WNOHANG)
        status = os.waitstatus_to_exitcode(waited) if done else None
    read()
    text = shown.decode(errors="replace")
    assert status == 3, text
    assert "Traceback" not in text
    resume = re.search(r"seo resume (\S+)", text)
    assert resume, text
    kept = len(pages_of(data))
    assert 100 <= kept < 1222
    second = run([seo, "resume", resume[1], "--data", str(data)], served_environment)
    assert second.returncode == 0, second.stderr
    assert_whole(data, shorter)


def test_a_batch_is_cancelled_from_another_terminal(tmp_path, docs_site, seo, served_environment):
    data, listed = tmp_path / "data", tmp_path / "list.txt"
    listed.write_text("\n".join(docs_site.urls("pg")[:400]))
    command = subprocess.Popen(
        batch(seo, listed, data, docs_site, "--rate", "20"),
        env=served_environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_pages(data, 20)
    run_id = pages_of(data)[0][2]
    told = run([seo, "cancel", run_id, "--data", str(data)], served_environment)
    _, errors = command.communicate(timeout=180)
    kept = len(pages_of(data))
    goes_on = f"`seo resume {run_id} --data {data}` goes on"
    assert (told.returncode, told.stdout) == (
        0,
        f"run {run_id} cancelled: {kept} of 400 pages are done; {goes_on}\n",
    )
    assert (command.returncode, 20 <= kept < 400) == (3, True), errors
    resumed = run([seo, "resume", run_id, "--data", str(data)], served_environment)
    assert resumed.returncode == 0, resumed.stderr
    assert_whole(data, listed)


def test_two_commands_at_once_share_one_hosts_limits(tmp_path, docs_site, seo, served_environment):
    data = tmp_path / "data"
    urls = docs_site.urls("pg")
    lists = []
    for number in range(2):
        path = tmp_path / f"{number}.txt"
        path.write_text("\n".join(urls[number * 60 : number * 60 + 60]))
        lists.append(path)
    before = len(docs_site.log.read_text().splitlines())
    limits = ("--rate", "20", "--concurrency", "4")
    running = [
        subprocess.Popen(
            batch(seo, path, data, docs_site, *limits),
            env=served_environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for path in lists
    ]
    for command in running:
        _, errors = command.communicate(timeout=180)
        assert command.returncode == 0, errors
    lines = [line.split() for line in docs_site.log.read_text().splitlines()[before:]]
    assert sum(not line[-1].endswith("/robots.txt") for line in lines) == 120
    starts = sorted(float(end) - float(took) for end, took, *_ in lines)
    # A loaded machine delivers late what all four connections have under way; apart they would come to 40.
    assert max(sum(1 for other in starts if start <= other < start + 1) for start in starts) <= 20 + 1 + 4
    assert len(pages_of(data)) == 120


def test_three_commands_at_once_on_a_fresh_home_all_succeed(tmp_path, docs_site, seo, environment):
    fresh = {**environment, "PREFECT_HOME": str(tmp_path / "home")}
    url = f"{docs_site.base}/pg/index.html"
    running = [
        subprocess.Popen(
            [seo, "scan", url, "--data", str(tmp_path / "data"), "--format", "json"],
            env=fresh,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for command in running:
        output, errors = command.communicate(timeout=240)
        assert command.returncode == 0, errors
        assert [page["status"] for page in json.loads(output)] == [200]


def test_there_is_one_prefect_server_however_many_processes(scanned):
    assert sum("deployments.cli.prefect_server" in line for line in scanned.processes) == 1
    assert sum(any("spawn_main" in part for part in line) for line in scanned.processes) >= 2
