"""Where chunks are worked on, and what is said of a cluster that cannot be used."""

import socket
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from tasks.errors import InputError
from tasks.scan.chunk import Chunk, ChunkReport, Home
from tasks.scan.crawl import CrawlChunk
from tasks.scan.pool_task import WorkerDied, chunk_pool, process_pool
from tasks.scan.settings import CrawlRules, code_digest


@pytest.fixture(autouse=True)
def no_blocks_are_saved(monkeypatch):
    async def named(cls, name=None):  # noqa: ARG001 - as the block's own
        return cls().with_environment()

    monkeypatch.setattr("blocks.cluster.Cluster.named", classmethod(named))
    monkeypatch.delenv("SEO_CLUSTER", raising=False)


class Runner:
    """Stands for a task runner whose chunks end as told."""

    _max_workers = 3

    def __init__(self, ends):
        self.ends = ends
        self.jobs = []

    def duplicate(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return

    def submit(self, _, parameters):
        self.jobs.append(parameters["job"])
        future = Future()
        if isinstance(self.ends, BaseException):
            future.set_exception(self.ends)
        else:
            future.set_result(self.ends)
        return future


async def ended(runner, settings, job):
    async with chunk_pool(settings, runner) as pool:
        return await pool.run(None, job)


async def test_processes_of_this_machine_end_with_their_parent(begin, settings, site):
    _, [job] = begin([site.url()])
    runner = Runner(ChunkReport(run_id="r", index=0, pages=1))
    assert (await ended(runner, settings, job)).pages == 1
    assert runner.jobs == [job]
    assert (job.parent_pid > 0, job.home) == (True, None)


async def test_a_process_that_died_is_told_from_a_chunk_that_failed(begin, settings, site):
    _, [job] = begin([site.url()])
    with pytest.raises(WorkerDied, match="the worker of chunk 0 died"):
        await ended(Runner(BrokenProcessPool()), settings, job)
    with pytest.raises(ZeroDivisionError):
        await ended(Runner(ZeroDivisionError()), settings, job)


async def on_a_cluster(monkeypatch, settings, address):
    monkeypatch.setenv("SEO_CLUSTER", address)
    async with chunk_pool(settings, process_pool(1)):
        raise AssertionError("it cannot be used")


async def test_a_cluster_that_does_not_answer_is_named(monkeypatch, settings):
    monkeypatch.setattr("tasks.scan.pool_task.CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(InputError, match=rf"cluster at tcp://127\.0\.0\.1:{port} \(SEO_CLUSTER.* cannot be used"):
        await on_a_cluster(monkeypatch, settings, f"tcp://127.0.0.1:{port}")


@pytest.mark.parametrize(("address", "module", "extra"), [
    ("tcp://127.0.0.1:1", "distributed", "dask"),
    ("ray://127.0.0.1:1", "ray", "ray"),
])  # fmt: skip
async def test_an_extra_that_is_not_installed_is_named(monkeypatch, settings, address, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"not installed \({module}\): pip install 'seo-scan\[{extra}\]'"):
        await on_a_cluster(monkeypatch, settings, address)


@pytest.mark.parametrize(("wrong", "said"), [
    ({"store_id": "another"}, "has another folder at .*: all workers have to share one"),
    ({"code": "another"}, "has other code of seo-scan: install the same release everywhere"),
])  # fmt: skip
def test_a_worker_elsewhere_shares_folder_and_code(begin, store, site, wrong, said):
    _, [job] = begin([site.url()])
    home = Home.of(store)
    assert (home.store_id, home.code) == (store.store_id, code_digest())
    Chunk(job.model_copy(update={"home": home}), store)
    job = job.model_copy(update={"home": home.model_copy(update=wrong)})
    with pytest.raises(InputError, match=said):
        Chunk(job, store)
    rules = CrawlRules(project_id="default", start_url=site.url(), root_url=site.url())
    with pytest.raises(InputError, match=said):
        CrawlChunk(job, store, rules)
