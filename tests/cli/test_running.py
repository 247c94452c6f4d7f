"""What a command does around its flow: signals, lists, notes, and runs that others work on."""

import asyncio
import contextlib
import logging
import os
import signal

import prefect
import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW,
    temporary_settings,
)

from deployments.cli import lifeline, running
from deployments.cli.lifeline import PrefectGone, PrefectUnreachable, check_api
from deployments.cli.notes import warnings_to
from deployments.cli.supervising import is_under_way, supervised
from tasks.crawl.lists import read_list
from tasks.logs import step
from tasks.store import RunSpec, Store, Target


class Notes(list):
    def note(self, text):
        self.append(text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cancels_the_flow_of_a_single_page(tmp_path, number):
    notes = Notes()

    async def flow():
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()

    assert await supervised(flow, "no-run-yet", tmp_path, notes) is None
    assert notes == ["stopping: pages in flight are finished; once more to stop at once"]


def test_a_cancellation_of_another_is_not_taken_for_an_interruption(tmp_path):
    async def flow():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(supervised(flow, "no-run-yet", tmp_path, Notes()))


@pytest.fixture
def no_server(monkeypatch):
    """Prefect's API is an address where nobody listens; its return is waited for no longer than a second."""
    monkeypatch.setattr(lifeline, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(lifeline, "LEAST_PATIENCE", 1.0)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        yield


@pytest.mark.usefixtures("no_server")
async def test_a_flow_that_waits_for_a_lost_server_is_left(tmp_path):
    notes = Notes()
    with pytest.raises(PrefectGone, match=r"API at http://127\.0\.0\.1:9/api has not answered for \d+ s") as gone:
        await supervised(asyncio.Event().wait, "no-run-yet", tmp_path, notes)
    assert not gone.value.stopped
    assert notes[0] == "Prefect's API at http://127.0.0.1:9/api does not answer; its return is waited for, up to 1 s"


@pytest.mark.usefixtures("no_server")
async def test_a_signal_ends_a_flow_that_waits_for_a_lost_server(tmp_path, monkeypatch):
    monkeypatch.setattr(lifeline, "LEAST_PATIENCE", 1e9)

    async def flow():
        os.kill(os.getpid(), signal.SIGTERM)
        with contextlib.suppress(asyncio.CancelledError):  # as Prefect's engine, which tells the server first
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    with pytest.raises(PrefectGone, match=r"stopped while Prefect's API at .* did not answer") as gone:
        async with asyncio.timeout(30):
            await supervised(flow, "no-run-yet", tmp_path, Notes())
    assert gone.value.stopped


async def test_what_a_flow_fails_with_is_told_where_the_server_answers(tmp_path, monkeypatch):
    async def answers():
        pass

    async def flow():
        raise OSError("disk full")

    monkeypatch.setattr(lifeline, "check_api", answers)
    with pytest.raises(OSError, match="disk full"):
        await supervised(flow, "no-run-yet", tmp_path, Notes())


@pytest.mark.parametrize("kind", ["batch", "crawl"])
def test_a_continued_run_is_under_way_when_the_flow_has_taken_it_over(tmp_path, kind):
    """Not before: Prefect's engine takes the signals for itself when the flow begins."""
    with Store.open(tmp_path) as store:
        run = store.start_run(RunSpec(kind=kind, parent_pid=os.getppid()))
        store.add_targets(run, [Target("https://e.com/", "p")])
        store.assign_chunks(run, 1)
        assert not is_under_way(store, run.run_id)
        store.resume_run(run.run_id, os.getpid())
        assert is_under_way(store, run.run_id)
        assert not is_under_way(store, "no such run")


def test_a_server_is_waited_for_as_long_as_prefects_client_asks_again():
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 5}):
        assert lifeline.patience() == 2 + 4 + 8 + 16 + 32
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
        assert lifeline.patience() == lifeline.LEAST_PATIENCE


def test_how_fresh_pages_have_to_be_reaches_the_batch(seo, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(running, "scan_batch", lambda _, options, __: asked.append(options.for_flow()))
    tmp_path.joinpath("list").write_text("https://a.example/")
    for freshness in ((), ("--max-age", "0"), ("--refresh",), ("--refresh", "--max-age", "1h")):
        seo("batch", tmp_path / "list", "--data", tmp_path, *freshness)
    assert [(wishes.max_age, wishes.refresh) for wishes in asked] == [
        (86400, False), (0, False), (86400, True), (3600, True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "urls", [("bad one, here", "https://a.example/"), ('"not a url', "#x", "https://a.example/x,y")]
)
def test_a_list_is_read_as_it_was_saved(tmp_path, urls):
    with running._saved_list(tmp_path, "run", urls) as saved:
        assert set(read_list(saved).urls) == {*urls} - {"#x"}
    assert list((tmp_path / "lists").iterdir()) == []


def test_a_list_goes_when_its_run_has_failed_too(tmp_path):
    with pytest.raises(OSError, match="disk full"), running._saved_list(tmp_path, "run", ["https://a.example/"]):
        raise OSError("disk full")
    assert list((tmp_path / "lists").iterdir()) == []


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
        pytest.raises(PrefectUnreachable, match=r"http://…@127.* does not answer .* unset") as caught,
    ):
        asyncio.run(check_api())
    assert "canary" not in str(caught.value)
