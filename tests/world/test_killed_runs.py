"""Whole process groups killed at random points of long runs, and the runs resumed each time."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from tasks.scan.committer import COMMIT_PAGES
from tests.world.facts import TABLES, differing, rows, stored_pages, wait_for_pages
from tests.world.prefect_world import prefect_world

pytestmark = [pytest.mark.chaos, pytest.mark.beside]

FAST = ("--rate", "0", "--concurrency", "32")
PROCESSES = 3
IN_FLIGHT = 64 + COMMIT_PAGES + 32
"""Pages of one process that a kill may lose: leased by a crawl or read by a batch ahead, uncommitted, on the wire."""


@dataclass(frozen=True)
class Kills:
    """How often, and after how many further pages at most."""

    count: int
    pages: int


@pytest.fixture(scope="module")
def kills(pytestconfig):
    return Kills(3, 250) if pytestconfig.getoption("--short") else Kills(50, 150)


@pytest.fixture(scope="module")
def served(tmp_path_factory, environment):
    """A server with all services: one of them frees the places of runs that were killed."""
    with prefect_world(tmp_path_factory.mktemp("prefect")) as world:
        yield {**environment, "PREFECT_API_URL": world.api}


@pytest.fixture(scope="module")
def listed(tmp_path_factory, docs_site, pytestconfig):
    """A list of 5,000 pages of three sites: the same files are other pages under other queries."""
    count = 700 if pytestconfig.getoption("--short") else 5000
    urls = [f"{url}{query}" for query in ("", "?copy=1", "?copy=2") for url in docs_site.urls()]
    path = tmp_path_factory.mktemp("lists") / "listed.txt"
    path.write_text("\n".join(urls[:count]) + "\n")
    return path


def killed_and_resumed(line, data, environment, kills, pages):
    """Kills the command again and again, one time in five while it starts, never near its end; ends it in peace."""
    dice = random.Random(5)
    last = pages * 9 // 10
    log = data.with_name("killed.log")
    for _ in range(kills.count):
        with (
            log.open("wb") as told,
            subprocess.Popen(line, env=environment, stdout=told, stderr=told, start_new_session=True) as running,
        ):
            try:
                if dice.random() < 1 / 5:
                    time.sleep(dice.uniform(0, 5))
                else:
                    wait_for_pages(data, min(stored_pages(data) + dice.randint(1, kills.pages), last))
            except AssertionError as error:
                raise AssertionError(f"{error}; the command, {running.poll()}, said: {log.read_text()}") from error
            finally:
                os.killpg(running.pid, signal.SIGKILL)
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr


def undisturbed(line, environment):
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr


def asked_for(docs_site, before):
    """Requests by path since the log had ``before`` lines."""
    return Counter(line.split()[3] for line in docs_site.log.read_text().splitlines()[before:])


def assert_like_undisturbed(data, whole, kills, tables):
    [(epoch,)] = rows(data, "SELECT epoch FROM runs")
    assert 1 < epoch <= kills.count + 1
    assert rows(data, "SELECT count(*) - count(DISTINCT url) FROM pages") == [(0,)]
    for table in tables:
        assert differing(data, whole, table) == [], table


def assert_little_is_repeated(asked, kills):
    """At most what each kill found in flight was fetched again; the figures of that."""
    repeated = sum(asked.values()) - len(asked)
    allowed = kills.count * PROCESSES * IN_FLIGHT
    assert repeated <= allowed
    return {"kills": kills.count, "lost": 0, "doubled": 0, "fetched_again": repeated, "allowed_again": allowed}


def test_a_batch_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path, docs_site, listed, kills, seo, served, record
):
    def line(data):
        allowed = ("--allow", docs_site.host_port)
        return [seo, "batch", str(listed), "--data", str(data), "--max-age", "0", *FAST, *allowed]

    whole, data = tmp_path / "whole", tmp_path / "data"
    undisturbed(line(whole), served)
    before = len(docs_site.log.read_text().splitlines())
    killed_and_resumed(line(data), data, served, kills, stored_pages(whole))
    urls = listed.read_text().split()
    assert sorted(url for (url,) in rows(data, "SELECT url FROM pages")) == sorted(urls)
    assert_like_undisturbed(data, whole, kills, ("pages", "links", "issues", "results", "images"))
    record("killed-batch", **assert_little_is_repeated(asked_for(docs_site, before), kills), pages=len(urls))


def test_a_crawl_killed_again_and_again_equals_one_undisturbed(tmp_path, docs_site, kills, seo, served, record):
    url = f"{docs_site.base}/py/"

    def line(data):
        return [seo, "crawl", url, "--data", str(data), "--check", "none", *FAST]

    whole, data = tmp_path / "whole", tmp_path / "data"
    undisturbed(line(whole), served)
    before = len(docs_site.log.read_text().splitlines())
    each = Kills(kills.count, 800 // kills.count)
    killed_and_resumed(line(data), data, served, each, stored_pages(whole))
    assert_like_undisturbed(data, whole, kills, TABLES)
    figures = assert_little_is_repeated(asked_for(docs_site, before), kills)
    record("killed-crawl", **figures, pages=rows(data, "SELECT count(*) FROM pages")[0][0])
