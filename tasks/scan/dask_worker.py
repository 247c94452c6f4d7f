"""Imported only where a Dask cluster is used."""

from distributed import Worker, WorkerPlugin

from tasks.scan.process import enter_cluster_worker


class PreparedWorker(WorkerPlugin):
    """Has each worker process prepared before its first chunk, those that start later too."""

    name = "seo-scan"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's interface
        enter_cluster_worker()
