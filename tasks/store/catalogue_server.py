"""The catalogue in a database of PostgreSQL, for several machines."""

import time
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError

from tasks.errors import StoreError
from tasks.store.catalogue import BUSY_SECONDS, Catalogue
from tasks.store.schema import meta

CONNECT_SECONDS = 10
AWAY_SECONDS = 20.0
"""How long a server is waited for that was there: as long as one takes to start again."""

LOOK_AGAIN_SECONDS = 0.25
CONNECTIONS = {"pool_size": 2, "max_overflow": 8, "pool_timeout": BUSY_SECONDS}
"""Of one process: a server admits a hundred unless told otherwise."""

# Writers of a schema take one lock in turn, as in a file: ids and sequences are then in the order of commits.
_TAKE_TURN = text(
    f"SELECT set_config('lock_timeout', '{BUSY_SECONDS:.0f}s', true), "
    "pg_advisory_xact_lock(hashtext('seo-scan'), hashtext(current_schema()))"
)


class CatalogueServer(Catalogue):
    """The tables are in the first schema of the search path.

    Args:
        url: ``postgresql://user@host/database``, with libpq's options; it may hold a password and is never shown.

    Raises:
        StoreError: no such URL, or psycopg is not installed.
    """

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        named: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "application_name": "seo-scan"}
        arguments = {name: value for name, value in named.items() if name not in parsed.query}
        try:
            engine = create_engine(parsed, pool_pre_ping=True, connect_args=arguments, **CONNECTIONS)
        except ModuleNotFoundError as error:
            raise StoreError("a catalogue on PostgreSQL needs psycopg: install seo-scan[postgresql]") from error
        self._was_there = False
        event.listen(engine, "do_connect", self._connect)
        super().__init__(
            shown(parsed),
            writer=engine,
            reader=engine,
            remedy="check that the server runs and lets this user in, or SEO_CATALOGUE_URL",
        )

    @property
    def exists(self) -> bool:
        with self.read() as connection:
            return inspect(connection).has_table(meta.name)

    def _connect(self, dialect: Any, _: object, arguments: list[Any], named: dict[str, Any]) -> Any:
        """A connection; who never had one is told at once why there is none."""
        give_up = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                made = dialect.connect(*arguments, **named)
            except dialect.loaded_dbapi.OperationalError:
                if not self._was_there or time.monotonic() > give_up:
                    raise
                time.sleep(LOOK_AGAIN_SECONDS)
            else:
                self._was_there = True
                return made

    def _take_turn(self, connection: Connection) -> None:
        connection.execute(_TAKE_TURN)


def shown(url: URL) -> str:
    """The URL as people may see it."""
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database)
    return bare.render_as_string()


def _parsed(url: str) -> URL:
    wanted = "write postgresql://user@host/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number
        raise StoreError(f"SEO_CATALOGUE_URL is no URL: {wanted}") from None
    if parsed.get_backend_name() not in {"postgresql", "postgres"} or not parsed.database:
        raise StoreError(f"SEO_CATALOGUE_URL names no database of PostgreSQL: {wanted}")
    return parsed.set(drivername="postgresql+psycopg")
