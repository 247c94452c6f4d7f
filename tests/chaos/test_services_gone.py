"""Pusher and the model, stopped in mid-run: the run is as it would have been, what is missing is had later."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.notify.channels import ChannelNames
from tasks.notify.messages import BATCH_PROGRESS, NOTIFICATION_RECEIVED
from tasks.store import Store
from tests.loopback import free_port
from tests.world.facts import rows, wait_for_pages
from tests.world.prefect_world import until
from tests.world.soketi import PysherClient, Site, Soketi, wait_until

pytestmark = pytest.mark.chaos

NAMES = ChannelNames()
ANN, SHOP = NAMES.user("ann"), NAMES.project("shop")
SENDS = 12
KEY = "canary-model-key"
MODEL = """
import sys
from tests.analyze.server import by_findings, serving
from threading import Event
with serving(int(sys.argv[1])) as model:
    def told(body):
        print("asked", flush=True)
        Event().wait(0.2)
        return by_findings(body)
    model.default = told
    Event().wait()
"""


@pytest.fixture
def listed(site, tmp_path, short):
    count = 60 if short else 180
    site.pages = {f"/{number}": f"<title>Page {number}</title><h1>{number}</h1>" for number in range(count)}
    path = tmp_path / "list.txt"
    path.write_text("\n".join(map(site.url, site.pages)))
    return path


@pytest.fixture
def run(prefect_api, tmp_path):
    """Starts `seo` with these arguments and variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SEO_"))}
    home = {"PREFECT_HOME": str(tmp_path / "home"), "PREFECT_API_URL": prefect_api, "NO_COLOR": "1"}

    def run(*arguments, **variables):
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("seo")), *arguments, "--data", str(tmp_path / "data")],
            env={**kept, **home, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


def ended(command, seconds=240):
    """What it told; it did all it could."""
    _, told = command.communicate(timeout=seconds)
    assert command.returncode == 0, told
    return told


@pytest.fixture
def soketi(tmp_path):
    server = Soketi(free_port(), tmp_path / "soketi.log")
    server.start()
    yield server
    server.stop()


@contextmanager
def listening(soketi):
    site = Site(soketi.channel(), (ANN, SHOP))
    client = PysherClient(soketi, (ANN, SHOP), site.authority)
    client.connect()
    try:
        wait_until(lambda: all(soketi.listeners(channel) for channel in (ANN, SHOP)))
        yield client.heard
    finally:
        client.close()
        site.shutdown()
        site.server_close()


def test_pusher_gone_in_mid_run_costs_no_page_and_no_message(run, soketi, site, listed, tmp_path, record):
    data = tmp_path / "data"
    batch = ("batch", str(listed), "--user", "ann", "--project", "shop", "--rate", "8", "--allow", site.host_port)
    with listening(soketi) as before:
        scanning = run(*batch, **soketi.variables())
        wait_for_pages(data, 25)
        wait_until(lambda: before.of(SHOP, BATCH_PROGRESS))
        soketi.stop()
        told = ended(scanning)
    assert "waits" in told
    assert "Pusher cannot be reached" in told
    assert rows(data, "SELECT DISTINCT outcome, count(*) FROM pages GROUP BY outcome") == [
        ("completed", len(site.pages))
    ]
    with Store.open(data) as store:
        kept = store.outbox.counts()["pending"]
        assert kept >= 2
        assert [told.title for told in store.notifications.list("ann")] == ["Batch Complete"]
        soketi.start()
        with listening(soketi) as after:
            for _ in range(SENDS):
                ended(run("outbox", "send", **soketi.variables()))
                if not store.outbox.counts()["pending"]:
                    break
            assert store.outbox.counts() == {
                "pending": 0, "delivered": store.outbox.counts()["delivered"], "refused": 0, "expired": 0
            }  # fmt: skip
            wait_until(lambda: after.of(ANN, NOTIFICATION_RECEIVED))
            wait_until(lambda: [step["status"] for step in after.of(SHOP, BATCH_PROGRESS)][-1:] == ["completed"])
            heard = [step["sequence"] for step in (*before.of(SHOP), *after.of(SHOP))]
    assert sorted(set(heard)) == list(range(1, max(heard) + 1))
    record("pusher-gone", pages=len(site.pages), messages=max(heard) + 1, waited=kept, lost=0)


class Model:
    """The model server as a process."""

    def __init__(self, folder):
        self.port = free_port()
        self._log = folder / "model.log"
        self._process = None

    def start(self):
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-c", MODEL, str(self.port)], stdout=log)

    def kill(self):
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def asked(self):
        return self._log.read_text().count("asked")

    def variables(self):
        place = f"127.0.0.1:{self.port}"
        return {
            "SEO_MODEL_URL": f"http://{place}/api/v1",
            "SEO_MODEL_ALLOW": place,
            "SEO_MODEL_KEY": KEY,
            "SEO_MODEL_CONCURRENCY": "2",
            "SEO_MAX_COST_PER_RUN": "100",
            "SEO_MAX_COST_PER_DAY": "100",
        }


@pytest.fixture
def model(tmp_path):
    server = Model(tmp_path)
    server.start()
    yield server
    server.kill()


def test_the_model_gone_in_mid_analysis_costs_what_is_missing_and_no_more(run, model, site, listed, tmp_path, record):
    data, count = tmp_path / "data", len(site.pages)
    batch = ("batch", str(listed), "--user", "ann", "--analyze", "all", "--rate", "0", "--allow", site.host_port)
    analysing = run(*batch, **model.variables())
    until(lambda: model.asked() > count // 3, 120, what="pages analysed")
    model.kill()
    told = ended(analysing)
    assert "no advice from the model: unreachable" in told
    assert KEY not in told
    assert rows(data, "SELECT DISTINCT outcome FROM pages") == [("completed",)]
    with Store.open(data) as store:
        assert [told.title for told in store.notifications.list("ann")] == ["Analysis Incomplete", "Batch Complete"]
        assert "no advice from the model: unreachable" in store.notifications.list("ann")[0].message
    by = dict(rows(data, "SELECT source, count(DISTINCT page_id) FROM recommendations GROUP BY source"))
    assert sum(by.values()) == count
    assert by["llm"] >= count // 3
    before = model.asked()
    assert before - 2 <= by["llm"] <= before  # two were on their way
    model.start()
    again = ended(run(*batch, **model.variables()))
    assert "cached" in again
    newest = "run_id = (SELECT max(run_id) FROM runs)"
    query = f"SELECT source, count(DISTINCT page_id) FROM recommendations WHERE {newest} GROUP BY source"  # noqa: S608 - ours
    assert rows(data, query) == [("llm", count)]
    assert model.asked() - before == count - by["llm"]
    record("model-gone", pages=count, analysed_before=by["llm"], asked_after=model.asked() - before, asked_twice=0)
