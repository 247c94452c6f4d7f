"""What a command does around its flow: signals, lists, notes, and runs that others work on."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import prefect
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW, temporary_settings

from deployments.cli import running
from deployments.cli.notes import warnings_to
from deployments.cli.owner import is_alive
from deployments.cli.wishes import RunOptions
from tasks.crawl.lists import read_list
from tasks.logs import step
from tasks.store import RunSpec, Store


class Notes(list):
    def note(self, text):
        self.append(text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cancels_the_flow_of_a_single_page(tmp_path, number):
    notes = Notes()

    async def flow():
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()

    options = RunOptions(data=tmp_path)
    assert await running._watched(flow, "no-run-yet", options, notes) is None
    assert notes == ["stopping: pages in flight are finished; once more to stop at once"]


def test_a_cancellation_of_another_is_not_taken_for_an_interruption(tmp_path):
    async def flow():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(running._watched(flow, "no-run-yet", RunOptions(data=tmp_path), Notes()))


@pytest.mark.parametrize(
    "urls", [("bad one, here", "https://a.example/"), ('"not a url', "#x", "https://a.example/x,y")]
)
def test_a_list_is_read_as_it_was_saved(tmp_path, urls):
    saved = running._save_list(tmp_path, "batch", urls)
    assert set(read_list(saved).urls) == {*urls} - {"#x"}


@pytest.fixture
def other():
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        yield process
        process.stdin.close()


def test_a_run_is_alive_while_its_process_is(tmp_path, other):
    with Store.open(tmp_path) as store:
        run = store.start_run(RunSpec(kind="batch", batch_id="b", recipe="r", options="{}", parent_pid=other.pid))
    long_ago = datetime.now(UTC) - timedelta(days=1)
    taken_over = replace(run, started_at=long_ago)
    assert is_alive(run)
    assert is_alive(taken_over)
    assert is_alive(replace(taken_over, first_request_at=datetime.now(UTC)))
    assert not is_alive(replace(taken_over, parent_pid=os.getpid()))
    if sys.platform == "linux":
        assert not is_alive(replace(run, first_request_at=long_ago))
    other.stdin.close()
    other.wait()
    assert not is_alive(run)


def test_notes_are_what_our_tasks_say_with_what_went_wrong():
    notes = Notes()
    logger = logging.getLogger("prefect.task_runs")
    with warnings_to(notes), temporary_settings({PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore"}):
        logger.warning("try %d", 2)
        logger.info("not this")
        logger.error("chunk 1", exc_info=OSError("disk full"))
        with pytest.raises(OSError, match="again"), step(logger, "save"):
            raise OSError("told by whoever hears of it again")
        logger.handle(logging.LogRecord(logger.name, 40, prefect.__file__, 1, "Prefect's own", (), None))
    assert notes == ["try 2", "chunk 1: disk full"]


def test_a_prefect_api_that_does_not_answer_is_named_without_its_password():
    with (
        temporary_settings({PREFECT_API_URL: "http://user:canary@127.0.0.1:9/api"}),
        pytest.raises(running.PrefectUnreachable, match=r"http://…@127.* does not answer .* unset") as caught,
    ):
        asyncio.run(running.check_api())
    assert "canary" not in str(caught.value)
