"""What servers see of four commands at once: connections, pauses and delays are those of the data folder."""

import subprocess

import pytest

from tests.generated.reply import Reply, plain
from tests.generated.server import serve
from tests.generated.star import star

pytestmark = pytest.mark.world

PAGES = 80
CONNECTIONS = 4
ANSWER_SECONDS = 0.2
RETRY_AFTER = 5
CRAWL_DELAY = 0.4
LEARNT = 2.5
"""Seconds in which a process has looked again at what is shared, on a loaded machine."""


def pausing():
    """Asks once, in the middle, to be left alone."""
    asked = []

    def reply(path):
        if path == "/20" and not asked:
            asked.append(path)
            return Reply(503, (("Retry-After", str(RETRY_AFTER)),))
        return star(PAGES, delay=ANSWER_SECONDS)(path)

    return reply


def slow_and_private(path):
    """Wants a pause between requests, and none at all for a part of it."""
    if path == "/robots.txt":
        return plain(f"User-agent: *\nCrawl-delay: {CRAWL_DELAY}\nDisallow: /7\n")
    return star(12)(path)


def most_within(starts, seconds):
    return max(sum(1 for other in starts if start <= other < start + seconds) for start in starts)


def pages_asked(served):
    return [request for request in served.requests() if request.path != "/robots.txt"]


def test_three_hosts_are_treated_as_they_wish_by_four_processes(tmp_path, seo, served_environment):
    data = ("--data", str(tmp_path / "data"), "--rate", "0", "--concurrency", str(CONNECTIONS))
    with serve(star(PAGES, delay=ANSWER_SECONDS)) as busy, serve(pausing()) as paused, serve(slow_and_private) as shy:
        commands = []
        for number in range(2):
            listed = tmp_path / f"{number}.txt"
            mine = [f"{site.origin}/{page}" for page in range(1 + number, PAGES + 1, 2) for site in (busy, paused)]
            listed.write_text("\n".join(mine))
            allowed = ("--allow", busy.host_port, "--allow", paused.host_port)
            commands.append([seo, "batch", str(listed), *data, *allowed])
        commands += [[seo, "crawl", f"{shy.origin}/{end}", *data, "--check", "none"] for end in ("", "?other")]
        running = [
            subprocess.Popen(command, env=served_environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for command in commands
        ]
        for process in running:
            _, errors = process.communicate(timeout=180)
            assert process.returncode == 0, errors

    asked = pages_asked(busy)
    assert sorted(request.path for request in asked) == sorted(f"/{page}" for page in range(1, PAGES + 1))
    assert most_within([request.time for request in asked], 0.95 * ANSWER_SECONDS) <= CONNECTIONS

    asked = pages_asked(paused)
    assert len(asked) == PAGES + 1
    [(wanted, status)] = [(request.time, request.status) for request in asked if request.status != 200]
    assert status == 503
    for request in asked:
        same_process = int(request.path[1:]) % 2 == 0
        known = wanted + ANSWER_SECONDS + (0 if same_process else LEARNT)
        assert not known < request.time < wanted + RETRY_AFTER, request

    starts = [request.time for request in shy.requests()]
    assert len(starts) == len({(request.path, request.time) for request in shy.requests()}) >= 2 * 12
    # A loaded machine delivers late: windows of ten delays, with one request of slack.
    assert most_within(starts, 10 * CRAWL_DELAY) <= 12
    assert "/7" not in {request.path for request in shy.requests()}
