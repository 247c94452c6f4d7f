"""Schema versions of the catalogue. A fresh folder gets the newest tables, an older one is brought forward."""

import secrets
import time
from collections.abc import Callable, Mapping

from sqlalchemy import Column, Connection, Float, Integer, LargeBinary, MetaData, String, Table, inspect, select, update

from tasks.errors import SchemaTooNew, StoreError
from tasks.store.catalogue import Catalogue
from tasks.store.migration_3 import services
from tasks.store.migration_6 import frontier_in_order
from tasks.store.projects import DEFAULT_PROJECT, LOCAL_USER, ensure
from tasks.store.schema import METADATA, meta


def _crawls(connection: Connection) -> None:
    """Runs with a start and limits, pages found on the way, parts that replace each other, robots.txt."""
    for statement in (
        "ALTER TABLE runs ADD COLUMN start_url TEXT",
        "ALTER TABLE runs ADD COLUMN scope VARCHAR",
        "ALTER TABLE runs ADD COLUMN limits TEXT DEFAULT '{}' NOT NULL",
        "ALTER TABLE frontier ADD COLUMN found_by VARCHAR DEFAULT 'list' NOT NULL",
        "ALTER TABLE frontier ADD COLUMN depth INTEGER",
        "ALTER TABLE frontier ADD COLUMN redirects BOOLEAN DEFAULT '0' NOT NULL",
        "ALTER TABLE frontier ADD COLUMN location TEXT",
        "DROP INDEX frontier_work",
        "CREATE INDEX frontier_work ON frontier (run_id, chunk, state, depth, position)",
        "ALTER TABLE parts ADD COLUMN step VARCHAR",
        "ALTER TABLE hosts ADD COLUMN crawl_delay FLOAT DEFAULT '0' NOT NULL",
    ):
        connection.exec_driver_sql(statement)
    Table(
        "robots",
        MetaData(),
        Column("origin", String, primary_key=True),
        Column("status", Integer),
        Column("reason", String),
        Column("body", LargeBinary, nullable=False),
        Column("crawl_delay", Float),
        Column("fetched_at", Float, nullable=False),
    ).create(connection)


def _crawling_again(connection: Connection) -> None:
    """Pages that were not modified since an earlier run, hashes of bodies in place of main texts, hosts left alone."""
    for statement in (
        "ALTER TABLE runs ADD COLUMN not_modified INTEGER DEFAULT '0' NOT NULL",
        "ALTER TABLE runs ADD COLUMN earlier_run_id VARCHAR",
        "ALTER TABLE frontier ADD COLUMN not_modified BOOLEAN DEFAULT '0' NOT NULL",
        "UPDATE pages SET content_hash = NULL",
        "ALTER TABLE hosts ADD COLUMN open_until FLOAT DEFAULT '0' NOT NULL",
    ):
        connection.exec_driver_sql(statement)


def _maintenance(connection: Connection) -> None:
    """Parts merged into others and dead ones, and an index of the pages that runs show from earlier ones."""
    for statement in (
        "ALTER TABLE parts ADD COLUMN merged_into VARCHAR",
        "ALTER TABLE parts ADD COLUMN dead_at FLOAT",
        "CREATE INDEX frontier_shown ON frontier (source_run_id, page_id) WHERE source_run_id <> run_id",
    ):
        connection.exec_driver_sql(statement)


def _drivers(connection: Connection) -> None:
    """Who drives a run: its machine, its run of Prefect, when it took the run and was last seen; how requests ended.

    Of a run that was resumed nobody knows which run of Prefect drives it. What every run asks of others has an index.
    """
    for statement in (
        "ALTER TABLE runs ADD COLUMN parent_node VARCHAR",
        "ALTER TABLE runs ADD COLUMN taken_at FLOAT DEFAULT '0' NOT NULL",
        "ALTER TABLE runs ADD COLUMN parent_flow_run_id VARCHAR",
        "ALTER TABLE runs ADD COLUMN seen_at FLOAT",
        "ALTER TABLE requests ADD COLUMN ended_as VARCHAR",
        "CREATE INDEX runs_newest ON runs (started_at, run_id)",
        "CREATE INDEX requests_of_run ON requests (run_id, claimed_at)",
        "CREATE INDEX requests_of_flow_run ON requests (flow_run_id)",
        "UPDATE runs SET taken_at = COALESCE(first_request_at, started_at)",
        "UPDATE runs SET parent_flow_run_id = prefect_flow_run_id WHERE epoch = 1",
    ):
        connection.exec_driver_sql(statement)


MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {
    2: _crawls,
    3: services,
    4: _crawling_again,
    5: _maintenance,
    6: frontier_in_order,
    7: _drivers,
}
"""What turns the version before into this one. Released ones are never edited."""

SCHEMA_VERSION = 1 + len(MIGRATIONS)


def bring_up_to_date(catalogue: Catalogue) -> str:
    """Creates or migrates the tables; returns the store's id.

    Raises:
        SchemaTooNew: written by a later release.
    """
    with catalogue.write() as connection:
        if not inspect(connection).has_table(meta.name):
            return _create(connection)
        return _migrate(connection, catalogue)


def check_version(catalogue: Catalogue) -> str | None:
    """The store's id where its tables are of this version, else None; writes nothing.

    Raises:
        SchemaTooNew: written by a later release.
    """
    with catalogue.read() as connection:
        if not inspect(connection).has_table(meta.name):
            return None
        store_id, version = _identity(connection, catalogue)
    return store_id if version == SCHEMA_VERSION else None


def _create(connection: Connection) -> str:
    METADATA.create_all(connection)
    store_id = secrets.token_hex(8)
    connection.execute(meta.insert(), {"store_id": store_id, "schema_version": SCHEMA_VERSION})
    ensure(connection, DEFAULT_PROJECT, LOCAL_USER, time.time())
    return store_id


def _migrate(connection: Connection, catalogue: Catalogue) -> str:
    store_id, version = _identity(connection, catalogue)
    for newer in range(version + 1, SCHEMA_VERSION + 1):
        MIGRATIONS[newer](connection)
    connection.execute(update(meta).values(schema_version=SCHEMA_VERSION))
    return store_id


def _identity(connection: Connection, catalogue: Catalogue) -> tuple[str, int]:
    row = connection.execute(select(meta.c.store_id, meta.c.schema_version)).first()
    if row is None:
        raise StoreError(f"{catalogue.name} has no identity: it was not written by seo-scan")
    store_id, version = row
    if version > SCHEMA_VERSION:
        raise SchemaTooNew(
            f"{catalogue.name} has schema version {version}, this release of seo-scan reads up to {SCHEMA_VERSION}: "
            "upgrade seo-scan or name another data folder"
        )
    return store_id, version
