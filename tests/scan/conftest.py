import time

import pytest

from tasks.model import FetchOptions
from tasks.scan.records import begin_run, jobs_of, targets_of
from tasks.scan.settings import ScanSettings
from tasks.store import RunSpec, Store
from tests.scan.crawling import Crawl


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "data") as store:
        yield store


@pytest.fixture
def settings(store, site):
    return ScanSettings(data=str(store.path), options=FetchOptions(allow=(site.host_port,)), max_age=0)


@pytest.fixture
def begin(store, settings):
    """Starts a run over URLs; returns its reference and its jobs."""

    def begin(urls, *, settings=settings, deadline=None):
        spec = RunSpec(kind="batch", batch_id=settings.batch_id("default", urls))
        run = begin_run(store, spec, targets_of("default", urls), settings)
        deadline = time.time() + 100 if deadline is None else deadline
        return run, [job for job, _ in jobs_of(store, run, settings, deadline=deadline)]

    return begin


@pytest.fixture
def crawl(store, site):
    return lambda **rules: Crawl(store, site, **rules)
