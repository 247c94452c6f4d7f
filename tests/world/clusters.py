"""A batch on a cluster that loses a worker, beside one on this machine's process pool."""

import os
import signal
import subprocess

from tests.world.facts import differing, rows, wait_for_pages
from tests.world.prefect_world import until

PAGES = 700
PACE = ("--rate", "250", "--concurrency", "32")  # not over before a worker is killed


def assert_equal_despite_a_loss(folder, site, seo, environment, address, busy):
    """``busy`` returns the process ids of all workers once each has a chunk in hand."""
    listed = folder / "listed.txt"
    listed.write_text("\n".join(site.urls("py", "dj")[:PAGES]))

    def begun(data, **cluster):
        line = [seo, "batch", str(listed), "--data", str(data), "--allow", site.host_port, *PACE]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(line, env={**environment, "PYTHONFAULTHANDLER": "1", **cluster}, **quiet)

    here, there = folder / "here", folder / "there"
    _ended(begun(here))
    running = begun(there, SEO_CLUSTER=address)
    wait_for_pages(there, 100)
    os.kill(until(busy, every=0.05, what="workers that are all busy")[0], signal.SIGKILL)
    assert running.poll() is None
    _ended(running)
    assert rows(there, "SELECT count(*), count(DISTINCT url) FROM pages") == [(PAGES, PAGES)]
    for table in ("pages", "links", "issues", "results", "images"):
        assert differing(there, here, table) == [], table


def _ended(command):
    try:
        _, errors = command.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        command.send_signal(signal.SIGABRT)  # and it says what its threads are at
        _, errors = command.communicate(timeout=30)
    assert command.returncode == 0, errors
