"""One run as a database of its own, for judging a crawl as a whole."""

import os
from collections.abc import Collection

import duckdb

from tasks.errors import StoreError
from tasks.model import Reason
from tasks.store import runs
from tasks.store.catalogue import Catalogue
from tasks.store.limits import state_counts
from tasks.store.part_folder import PartFolder
from tasks.store.runs import OPEN_STATES
from tasks.store.views import open_limited

THREADS = min(os.cpu_count() or 1, 2)

JUDGED = ("pages", "links", "images", "redirects", "robots", "sitemaps", "sitemap_entries", "targets")
"""Views that a site is judged by."""


def connect(
    root: PartFolder, catalogue: Catalogue, run_id: str, tables: Collection[str], *, complete: bool | None
) -> duckdb.DuckDBPyConnection:
    with catalogue.read() as reader:
        run = runs.get(reader, run_id)
        counts = state_counts(reader, run.run_id)
    left = any(state in OPEN_STATES or reason == Reason.HOST_DOWN for state, reason, _ in counts)
    if complete is None:
        complete = not (left or run.incomplete)
    connection = open_limited(root, catalogue, [run.run_id], tables, threads=THREADS)
    try:
        connection.execute(
            "CREATE TABLE run AS SELECT $1::VARCHAR AS run_id, $2::VARCHAR AS start_url, $3::VARCHAR AS scope, "
            "$4::BOOLEAN AS complete",
            [run.run_id, run.start_url, run.scope, complete],
        )
    except duckdb.Error as error:
        connection.close()
        raise StoreError(f"cannot read the facts in {root}: {str(error).splitlines()[0]}") from error
    return connection
