"""A site of six pages, the options to scan it, and the events that Prefect is told."""

import pytest
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker

from tasks.events import RECORDS, REQUESTS
from tasks.scan.settings import ScanOptions
from tasks.store import Store

PAGE = '<!doctype html><html lang="en"><title>{0} is a page of the test site</title><h1>{0}</h1>'


@pytest.fixture
def options(tmp_path, site):
    site.pages = {f"/{n}": PAGE.format(n) for n in range(6)}
    return ScanOptions(data=str(tmp_path / "data"), allow=(site.host_port,))


@pytest.fixture
def store(options):
    with Store.open(options.data) as opened:
        yield opened


class Emitted:
    """Our events as they were emitted, oldest first: (name, payload)."""

    def __call__(self):
        EventsWorker.instance().wait_until_empty()
        known = {**RECORDS, **REQUESTS}
        events = [event for client in AssertingEventsClient.all for event in client.events]
        return [(event.event, event.payload) for event in events if event.event in known]

    def named(self, name):
        return [payload for emitted, payload in self() if emitted == name]


@pytest.fixture
def emitted():
    EventsWorker.drain_all()
    AssertingEventsClient.reset()
    EventsWorker.set_client_override(AssertingEventsClient)
    yield Emitted()
    EventsWorker.drain_all()
    EventsWorker.set_client_override(None)
