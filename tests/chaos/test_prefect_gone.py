"""Prefect's server killed in mid-run: pages stay, the command ends in time and says how to go on, or goes on itself."""

import random
import re
import signal
import time

import pytest

from tests.world.facts import differing, rows, stored_pages, wait_for_pages
from tests.world.prefect_world import prefect_world, processes_with, until

pytestmark = pytest.mark.chaos

KILLED_AT = 60  # before a crawl begins processes of its own: they start while the server is away
RATE = "30"
AWAY_SECONDS = 3
STOP_SECONDS = 15
IN_FLIGHT = 64 * 3
"""Pages that three processes may have asked for and not committed."""


@pytest.fixture
def kinds(short):
    return ("crawl",) if short else ("crawl", "batch")


@pytest.fixture
def patience(short):
    """Retries of Prefect's client, and the seconds for which the command then waits."""
    return ("2", 10) if short else ("5", 62)


@pytest.fixture
def listed(site, tmp_path, short):
    """A site with more pages than are scanned until the command gives up, and a list of them."""
    dice, count = random.Random(3), 600 if short else 2800

    def page(number):
        near = {(number + 1) % count, (2 * number + 1) % count, dice.randrange(count)}
        links = "".join(f"<a href='/{other}'>Page {other} of the site</a>" for other in sorted(near))
        return f"<!doctype html><html lang=en><title>Page {number} of the site</title><h1>{number}</h1>{links}</html>"

    site.pages = {f"/{number}": page(number) for number in range(count)}
    path = tmp_path / "list.txt"
    path.write_text("\n".join(map(site.url, site.pages)))
    return path


@pytest.fixture
def world(tmp_path):
    with prefect_world(tmp_path) as world:
        yield world


def command(kind, site, listed, data, rate=RATE):
    what = {"crawl": ("crawl", site.url("/0"), "--check", "none"), "batch": ("batch", str(listed), "--max-age", "0")}
    return ("seo", *what[kind], "--data", str(data), "--rate", rate, *(("--allow", site.host_port) * (kind == "batch")))


def begun(world, name, line, data, pages, **environment):
    """The command, when it has stored so many pages more."""
    more = stored_pages(data) + pages
    running = world.start(name, *line, COMMAND=str(data), **environment)
    wait_for_pages(data, more)
    return running


def ended(world, name, data, seconds):
    """Its exit status and the seconds it took; nothing of it is left alive."""
    began = time.monotonic()
    status = world.running.pop(name).wait(seconds)
    took = time.monotonic() - began
    until(lambda: not processes_with(f"COMMAND={data}"), 10, what="the end of all its processes")
    return status, took


def test_a_run_outlives_prefects_server(kinds, world, site, listed, patience, tmp_path, record, short):
    figures = {}
    for kind in kinds:
        site.requests.clear()
        data = tmp_path / kind
        line = command(kind, site, listed, data)
        legs = [gone_for_good(world, line, data, *patience)]
        if not short:
            legs.append(stopped_while_gone(world, line, data))
        away = gone_and_back(world, line, data)
        assert sorted(rows(data, "SELECT url FROM pages")) == sorted((site.url(path),) for path in site.pages)
        assert {state for (state,) in rows(data, "SELECT DISTINCT outcome FROM pages")} == {"completed"}
        again = len(site.page_paths()) - len(set(site.page_paths()))
        assert again <= (len(legs) + 1) * IN_FLIGHT
        if not short:
            assert_like_undisturbed(world, kind, site, listed, tmp_path)
        figures[kind] = {"ended_after_s": legs[0], "back_after_s": away, "fetched_again": again}
        if not short:
            figures[kind]["stopped_in_s"] = legs[1]
    for kind, measured in figures.items():
        record(f"prefect-gone-{kind}", pages=len(site.pages), lost=0, doubled=0, **measured)


def gone_for_good(world, line, data, retries, seconds):
    """How long the command lives on."""
    begun(world, "gone", line, data, KILLED_AT, PREFECT_CLIENT_MAX_RETRIES=retries)
    world.kill("server")
    status, took = ended(world, "gone", data, seconds + 120)
    told = world.log("gone")
    assert status == 4, told
    assert seconds - 10 <= took <= seconds + 60
    assert f"Prefect's API at {world.api} has not answered for" in told
    assert_resumable(told, data)
    assert stored_pages(data) > KILLED_AT
    world.start_server()
    return round(took)


def stopped_while_gone(world, line, data):
    """How long SIGTERM takes."""
    running = begun(world, "stopped", line, data, KILLED_AT)
    world.kill("server")
    until(lambda: "its return is waited for" in world.log("stopped"), 30)
    running.send_signal(signal.SIGTERM)
    status, took = ended(world, "stopped", data, 60)
    told = world.log("stopped")
    assert (status, took <= STOP_SECONDS) == (3, True), told
    assert f"stopped while Prefect's API at {world.api} did not answer" in told
    assert_resumable(told, data)
    world.start_server()
    return round(took, 1)


def gone_and_back(world, line, data):
    """How long the server was away."""
    begun(world, "back", line, data, KILLED_AT // 2, PREFECT_CLIENT_MAX_RETRIES="7")  # a busy machine starts it late
    world.kill("server")
    killed = time.monotonic()
    time.sleep(AWAY_SECONDS)
    world.start_server()
    away = time.monotonic() - killed
    status, _ = ended(world, "back", data, 180)
    told = world.log("back")
    assert status == 0, told
    assert "continuing run" in told
    assert f"Prefect's API at {world.api} answers again" in told
    return round(away)


def assert_resumable(told, data):
    assert re.search(rf"what is done is kept\. Continue with: seo resume \S+ --data {data}$", told, re.MULTILINE), told
    assert "Traceback" not in told
    assert "resource_tracker" not in told


def assert_like_undisturbed(world, kind, site, listed, tmp_path):
    whole = tmp_path / f"whole-{kind}"
    done = world.run(*command(kind, site, listed, whole, "0"), timeout=240)
    assert done.returncode == 0, done.stderr
    for table in ("pages", "links", "issues", "results"):
        assert differing(tmp_path / kind, whole, table) == [], table
