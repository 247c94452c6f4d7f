"""Where the chunks of large runs are worked on: processes of this machine, or a Dask or Ray cluster."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from prefect import get_run_logger
from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED, temporary_settings
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner
from prefect.tasks import Task

from blocks import Cluster
from tasks.errors import InputError, SeoScanError
from tasks.scan.chunk import ChunkJob, ChunkReport, Home
from tasks.scan.process import POOL_SIZE, enter_pool_child, interrupts_kept_back
from tasks.scan.settings import ScanSettings
from tasks.store import Store

CHUNKS_IN_FLIGHT = 8
CONNECT_SECONDS = 20
RAY_SETUP_HOOK = "tasks.scan.process.enter_cluster_worker"

Runner = TaskRunner[PrefectFuture[Any]]


class WorkerDied(SeoScanError):
    """A process that worked on chunks died, or its cluster went away; what it committed is kept."""


def process_pool(workers: int = POOL_SIZE) -> Runner:
    """The runner of chunks where no cluster is named: processes of this machine."""
    # Prefect's own runners are no TaskRunner[PrefectFuture] for a type checker: the parameter is invariant.
    return ProcessPoolTaskRunner(max_workers=workers, initializer=enter_pool_child)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Way:
    """How chunks are worked on; ``losses`` are what a runner raises for a chunk whose worker died."""

    runner: Runner
    workers: Callable[[], int]
    losses: tuple[type[BaseException], ...]


class ChunkPool:
    """A task runner under way.

    Attributes:
        workers: processes that work on chunks.
        in_flight: chunks handed to it at once.
    """

    def __init__(self, way: _Way, home: Home | None) -> None:
        self.workers = way.workers()
        self.in_flight = max(CHUNKS_IN_FLIGHT, 2 * self.workers)
        self._way = way
        self._home = home
        # Of its own: a thread for each chunk in flight would leave none of the event loop's for anything else.
        self._waiting = ThreadPoolExecutor(self.in_flight, thread_name_prefix="chunk")

    async def run(self, chunk: Task[[ChunkJob], Any], job: ChunkJob) -> ChunkReport:
        """The chunk's report.

        Raises:
            WorkerDied: the process that worked on it died, more often than the runner tries again.
        """
        if self._home is not None:
            job = job.model_copy(update={"home": self._home, "parent_pid": 0})
        with interrupts_kept_back():  # the runner starts a thread, which starts the processes
            future = self._way.runner.submit(chunk, {"job": job})
        try:
            report: ChunkReport = await asyncio.get_running_loop().run_in_executor(self._waiting, future.result)
        except self._way.losses as error:
            raise WorkerDied(f"the worker of chunk {job.index} died: {type(error).__name__}") from error
        return report

    def close(self) -> None:
        self._waiting.shutdown(wait=False)


async def check_cluster(name: str | None) -> None:
    """Raises ValueError where the SEO Cluster block ``name`` or its variable cannot be used."""
    await Cluster.named(name)


@asynccontextmanager
async def chunk_pool(settings: ScanSettings, here: Runner) -> AsyncIterator[ChunkPool]:
    """The cluster that block or environment name, else a copy of ``here``, started.

    Raises:
        InputError: the cluster cannot be used; names it and the remedy.
    """
    address = (await Cluster.named(settings.cluster)).address
    way = _way_to(address) if address else _processes(here.duplicate())
    home = await asyncio.to_thread(_home, settings.data) if address else None
    # The flow has compared versions. A worker that did so while the server is away would exit in a way that leaves the
    # pool's futures open for good.
    with temporary_settings({PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED: False}), way.runner:
        pool = await asyncio.to_thread(_started, way, home, address)
        if address:
            get_run_logger().info("chunks go to the cluster at %s, %d workers", address, pool.workers)
        try:
            yield pool
        finally:
            pool.close()


def _home(data: str) -> Home:
    with Store.open(data) as store:
        return Home.of(store)


def _started(way: _Way, home: Home | None, address: str) -> ChunkPool:
    if home is None:
        return ChunkPool(way, None)
    try:
        pool = ChunkPool(way, home)
    except Exception as error:  # a cluster's own errors are of many kinds
        raise InputError(
            f"the cluster at {address} (SEO_CLUSTER, or the {Cluster.get_block_type_name()} block) cannot be used: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not pool.workers:
        raise InputError(f"the cluster at {address} has no worker: start some, with this release of seo-scan")
    return pool


def _way_to(address: str) -> _Way:
    kind = "ray" if address.startswith("ray://") else "dask"
    try:
        return _ray(address) if kind == "ray" else _dask(address)
    except ImportError as error:
        raise InputError(
            f"SEO_CLUSTER={address} takes what is not installed ({error.name}): pip install 'seo-scan[{kind}]'"
        ) from error


def _processes(runner: Any) -> _Way:
    return _Way(runner, lambda: runner._max_workers, (BrokenProcessPool,))  # noqa: SLF001 - it has no other name


def _dask(address: str) -> _Way:
    from distributed import KilledWorker  # noqa: PLC0415 - an extra
    from distributed.client import FutureCancelledError  # noqa: PLC0415 - an extra
    from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 - an extra

    from tasks.scan.dask_worker import PreparedWorker  # noqa: PLC0415 - an extra

    runner: Any = DaskTaskRunner(address=address, client_kwargs={"timeout": CONNECT_SECONDS})

    def workers() -> int:
        runner.client.register_plugin(PreparedWorker())
        return sum(runner.client.nthreads().values())

    return _Way(runner, workers, (KilledWorker, FutureCancelledError))


def _ray(address: str) -> _Way:
    import ray  # noqa: PLC0415 - an extra
    from prefect_ray.task_runners import RayTaskRunner  # noqa: PLC0415 - an extra

    logging.getLogger("ray").setLevel(logging.WARNING)  # else it speaks on stderr
    prepared = {"worker_process_setup_hook": RAY_SETUP_HOOK}
    runner: Any = RayTaskRunner(address, {"runtime_env": prepared, "log_to_driver": False})
    losses = (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError)
    return _Way(runner, lambda: int(ray.cluster_resources().get("CPU", 0)), losses)
