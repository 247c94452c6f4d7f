"""catalog.duckdb: the same views for any other DuckDB tool, replaced whole."""

import secrets
import threading
import time
from pathlib import Path

import duckdb

from tasks.errors import StoreError
from tasks.store.catalogue import Catalogue
from tasks.store.catalogue_views import CATALOGUE_VIEWS
from tasks.store.part_folder import PartFolder
from tasks.store.views import create_views

FILE_NAME = "catalog.duckdb"
PUBLISH_SECONDS = 30.0


class Publisher:
    """Writes the file at most every 30 s; not where the folder may lose parts that it would show."""

    def __init__(self, root: PartFolder, catalogue: Catalogue) -> None:
        self._root = root
        self._path = root.folder
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._next = 0.0

    def publish(self, *, final: bool = False) -> None:
        """Writes the file, unless that was less than 30 s ago and it is not ``final``.

        Raises:
            StoreError: it cannot be written.
        """
        with self._lock:
            if not self._root.is_copy and (final or time.monotonic() >= self._next):
                self._replace()
                self._next = time.monotonic() + PUBLISH_SECONDS

    def _replace(self) -> None:
        beside = self._path / f".{FILE_NAME}.{secrets.token_hex(4)}"
        try:
            self._build(beside)
            # A log left by a reader of the old file would be replayed into the new one.
            self._path.joinpath(f"{FILE_NAME}.wal").unlink(missing_ok=True)
            beside.replace(self._path / FILE_NAME)
        except (OSError, duckdb.Error) as error:
            raise StoreError(f"cannot write {self._path / FILE_NAME}: {str(error).splitlines()[0]}") from error
        finally:
            beside.unlink(missing_ok=True)
            beside.with_name(f"{beside.name}.wal").unlink(missing_ok=True)

    def _build(self, file: Path) -> None:
        with duckdb.connect() as connection:
            connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
            quoted = str(file).replace("'", "''")
            connection.execute(f"ATTACH '{quoted}' AS published (STORAGE_VERSION 'v1.0.0')")
            shown = [view for view in CATALOGUE_VIEWS if view.published]
            connection.execute("BEGIN TRANSACTION")
            create_views(connection, self._root, self._catalogue, prefix="published.main.", of_catalogue=shown)
            connection.execute("COMMIT")
            connection.execute("DETACH published")
