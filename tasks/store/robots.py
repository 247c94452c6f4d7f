"""robots.txt as last answered, kept for all runs of the data folder."""

import time
from datetime import UTC, datetime
from typing import Self

from sqlalchemy import select

from tasks.model import Reason
from tasks.store.catalogue import Catalogue, upsert
from tasks.store.crawl_records import CachedRobots
from tasks.store.hosts import set_crawl_delay
from tasks.store.schema import robots
from tasks.urls import host_port

ROBOTS_SECONDS = 86400.0
"""RFC 9309, 2.4: not used for longer."""


class RobotsCache:
    """Answers to robots.txt by origin, ``scheme://host:port``.

    Args:
        realm: whose answers, where a site gives others to those it knows; crawl-delays hold for everybody.
    """

    def __init__(self, catalogue: Catalogue, realm: str = "") -> None:
        self._catalogue = catalogue
        self._realm = realm

    def under(self, realm: str) -> Self:
        """The answers given to ``realm``; everybody's where it is empty."""
        return type(self)(self._catalogue, realm) if realm else self

    def _key(self, origin: str) -> str:
        return f"{origin} {self._realm}" if self._realm else origin

    def get(self, origin: str, max_age_s: float = ROBOTS_SECONDS) -> CachedRobots | None:
        """The last answer, where it is younger than ``max_age_s``."""
        since = time.time() - max_age_s
        query = select(robots).where(robots.c.origin == self._key(origin), robots.c.fetched_at > since)
        with self._catalogue.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return CachedRobots(
            origin=origin,
            status=row.status,
            reason=Reason(row.reason) if row.reason else None,
            body=row.body,
            crawl_delay=row.crawl_delay,
            fetched_at=datetime.fromtimestamp(row.fetched_at, UTC),
        )

    def keep(self, answer: CachedRobots) -> None:
        """Replaces what is known of the origin; its crawl-delay holds for all who obey from now on."""
        with self._catalogue.write() as connection:
            statement = upsert(connection, robots).values(
                origin=self._key(answer.origin),
                status=answer.status,
                reason=answer.reason,
                body=answer.body,
                crawl_delay=answer.crawl_delay,
                fetched_at=answer.fetched_at.timestamp(),
            )
            newer = {column.name: statement.excluded[column.name] for column in robots.c if not column.primary_key}
            connection.execute(statement.on_conflict_do_update(index_elements=["origin"], set_=newer))
            set_crawl_delay(connection, host_port(answer.origin), answer.crawl_delay or 0.0)
