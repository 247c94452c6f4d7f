"""docs/first-service.md, followed to the letter: its commands in bash, those that last in terminals of their own.

The ports alone are others, since a machine that runs tests may have its own service on those of the page. What is
installed there by npm, .ci/worlds has installed.
"""

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.loopback import free_port
from tests.world.prefect_world import kill_all, until

pytestmark = pytest.mark.world

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "first-service.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORTS = ("4200", "6001", "8000", "8080")
INSTALLS = "npm ci "
SETTINGS = "source first-service/settings"
COMMAND_SECONDS, STOP_SECONDS = 120, 30
SERVE, API, LISTEN = "seo serve", "seo api", "python docs/listen.py"
LASTING = {
    "prefect server start": "",
    "python -m http.server": "",
    "SOKETI_HOST=": "",
    SERVE: "Ctrl-C ends it",
    API: "listening on",
    LISTEN: " subscribed ",
}
"""Commands that last, with what some of them say when they are ready."""


class Reader:
    """Someone at some terminals, in a folder that looks like the clone."""

    def __init__(self, folder, scripts):
        self.folder = folder
        self.ports = {number: str(free_port()) for number in PORTS}
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SEO_", "PUSHER_"))
        }
        self._environment = {
            **kept,
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "DO_NOT_TRACK": "1",
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self._terminals = {}
        self._state = folder / "state"
        for name in ("docs", "tests"):
            (folder / name).symlink_to(ROOT / name)

    def address(self, port):
        return f"http://127.0.0.1:{self.ports[port]}"

    def follow(self, block):
        """Does a block; of a command that lasts, until it is ready. Returns what it printed."""
        block = re.sub("|".join(PORTS), lambda found: self.ports[found[0]], block)
        name = next((name for name in LASTING if block.startswith(name)), None)
        if name is None:
            return self._do(block)
        self._begin(name, block)
        until(lambda: self._is_ready(name) or self._has_ended(name), COMMAND_SECONDS, what=f"the start of {name}")
        assert not self._has_ended(name), self.log(name)
        return ""

    def _do(self, block):
        """As the further words at one terminal: what a block sets holds for the next."""
        script = f"set -a; [ ! -e {self._state} ] || source {self._state}\n{block}\nexport -p > {self._state}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{block}{done.stdout}{done.stderr}"
        return done.stdout

    def _begin(self, name, block):
        with (self.folder / f"{len(self._terminals)}.log").open("wb") as log:
            self._terminals[name] = subprocess.Popen(
                ["bash", "-c", f"{SETTINGS}\n{block}"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _has_ended(self, name):
        return self._terminals[name].poll() is not None

    def log(self, name):
        return (self.folder / f"{list(self._terminals).index(name)}.log").read_text(errors="replace")

    def interrupt(self, name):
        """Ctrl-C, which a terminal sends to all that runs in it; the exit status."""
        process = self._terminals[name]
        os.killpg(process.pid, signal.SIGINT)
        return process.wait(STOP_SECONDS)

    def leave(self):
        for process in self._terminals.values():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            process.wait(STOP_SECONDS)
        kill_all(f"PREFECT_HOME={self.folder}")  # runs of `seo serve` have left its group

    def _listens(self, port):
        try:
            socket.create_connection(("127.0.0.1", int(self.ports[port])), 1).close()
        except OSError:
            return False
        return True

    def _is_ready(self, name):
        match name:
            case "prefect server start":
                return self._listens("4200") and get(f"{self.address('4200')}/api/health")
            case "python -m http.server":
                return self._listens("8080")
            case "SOKETI_HOST=":
                return self._listens("6001")
        return self.log(name).count(LASTING[name]) == (2 if name == LISTEN else 1)


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - loopback
        return answer.read().decode()


def flow_runs(reader):
    """States of the runs, by flow."""

    def found(kind):
        address = f"{reader.address('4200')}/api/{kind}/filter"
        request = urllib.request.Request(address, b"{}", {"Content-Type": "application/json"})  # noqa: S310 - loopback
        return json.loads(get(request))

    runs = found("flow_runs")
    return {
        flow["name"]: [run["state_type"] for run in runs if run["flow_id"] == flow["id"]] for flow in found("flows")
    }


@pytest.fixture
def reader(tmp_path, seo):
    someone = Reader(tmp_path, Path(seo).parent)
    try:
        yield someone
    finally:
        someone.leave()


def completions(reader):
    """What the listener was told of as complete, in order."""
    lines = (line.split(" ", 2) for line in reader.log(LISTEN).splitlines() if " notification-received " in line)
    return [message for _, _, data in lines if "Complete" in (message := json.loads(data))["notification"]["title"]]


def titles(reader):
    return [message["notification"]["title"] for message in completions(reader)]


def test_the_page_leads_to_a_scan_that_is_seen_and_heard(reader):
    blocks = [block for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if not block.startswith(INSTALLS)]
    asks = next(number for number, block in enumerate(blocks) if "/scan" in block)
    *_, answer = [reader.follow(block) for block in blocks[: asks + 1]]
    queued = json.loads(answer)
    assert queued["message"] == "Scan queued"

    until(lambda: len(completions(reader)) == 2, what=reader.log(SERVE))
    assert sorted(titles(reader)) == ["Analysis Complete", "Scan Complete"]  # each is told by a run of its own
    assert [message["sequence"] for message in completions(reader)] == [1, 2]
    assert {message["notification"]["run_id"] for message in completions(reader)} == {queued["run_id"]}
    until(lambda: flow_runs(reader)["scan-page"] == flow_runs(reader)["analyze-page"] == ["COMPLETED"])
    assert "<html" in get(reader.address("4200"))

    listed, found, others = [reader.follow(block) for block in blocks[asks + 1 :]]
    assert "Analysis Complete" in listed
    page = json.loads(found.partition("\n}\n")[0] + "}")
    assert page["page_id"] == queued["page_id"]
    assert {advice["source"] for advice in page["recommendations"]} == {"rules"}
    assert "description-missing" in found
    assert "127-0-0-1" in others
    until(
        lambda: titles(reader).count("Scan Complete") == 2 and "Batch Complete" in titles(reader),
        180,
        what=f"{reader.log(LISTEN)}{reader.log(SERVE)}",
    )
    assert "private-project-tea batch-progress" in reader.log(LISTEN)

    assert [reader.interrupt(name) for name in (LISTEN, API, SERVE)] == [0, 0, 0]
    assert "Traceback" not in reader.log(SERVE) + reader.log(API) + reader.log(LISTEN)
