"""Per-host limits that hold for the whole data folder, whatever processes use it."""

from collections.abc import Callable, Sequence
from typing import Self

from sqlalchemy import Connection, delete, func, select, update

from tasks.model import HostDemand, HostShare
from tasks.store.catalogue import Catalogue, upsert
from tasks.store.leases import AHEAD_SECONDS, is_over
from tasks.store.schema import host_holders, hosts

HOLDER_SECONDS = 30.0
"""A holder that does not renew for so long gives up its shares."""

DEPARTURES_AHEAD = 1000
"""More than all holders together have to come at a host."""


class HostLedger:
    """Shares connections and request start times of each host among holders; one transaction a call.

    Args:
        obey: crawl-delays count.
    """

    def __init__(self, catalogue: Catalogue, *, obey: bool = True) -> None:
        self._catalogue = catalogue
        self._obey = obey

    def without_crawl_delay(self) -> Self:
        """The same limits for who fetches what a person named: robots.txt does not slow that down."""
        return type(self)(self._catalogue, obey=False)

    def renew(self, holder: str, demands: Sequence[HostDemand], now: float) -> Sequence[HostShare]:
        """What ``holder`` may do at the hosts it names; its claims on other hosts live on."""
        with self._catalogue.write() as connection:
            connection.execute(delete(host_holders).where(is_over(host_holders.c.expires_at, now)))
            connection.execute(
                host_holders.update().where(host_holders.c.holder == holder).values(expires_at=now + HOLDER_SECONDS)
            )
            return [_share(connection, holder, demand, now, obey=self._obey) for demand in demands]

    def pause(self, host: str, until: float) -> None:
        """No request of anyone to ``host`` starts before ``until``, seconds since the epoch."""
        with self._catalogue.write() as connection:
            _set_host(connection, host, next_departure=until, pause_until=until)

    def leave_alone(self, host: str, until: float) -> None:
        """Nobody asks ``host`` before ``until``, seconds since the epoch; 0 where it does its work again."""
        with self._catalogue.write() as connection:
            row = upsert(connection, hosts).values(host=host, next_departure=0.0, pause_until=0.0, open_until=until)
            connection.execute(row.on_conflict_do_update(index_elements=["host"], set_={"open_until": until}))

    def set_crawl_delay(self, host: str, seconds: float) -> None:
        """Requests to ``host`` (``host:port``), of all who obey, start at least ``seconds`` apart."""
        with self._catalogue.write() as connection:
            set_crawl_delay(connection, host, seconds)

    def release(self, holder: str) -> None:
        """Gives back all shares of the holder."""
        with self._catalogue.write() as connection:
            connection.execute(delete(host_holders).where(host_holders.c.holder == holder))

    def give_back(self, is_gone: Callable[[str], bool]) -> None:
        """Frees what holders have of whom ``is_gone`` knows that they died."""
        with self._catalogue.read() as connection:
            holders = connection.execute(select(host_holders.c.holder).distinct()).scalars().all()
        for holder in filter(is_gone, holders):
            self.release(holder)


def _share(connection: Connection, holder: str, demand: HostDemand, now: float, *, obey: bool) -> HostShare:
    if not demand.connections and not demand.in_use:
        mine = (host_holders.c.host == demand.host, host_holders.c.holder == holder)
        connection.execute(delete(host_holders).where(*mine))
        return _depart(connection, demand, 0, now, obey=obey)
    granted = _grant(connection, holder, demand)
    claim = upsert(connection, host_holders).values(
        host=demand.host,
        holder=holder,
        wanted=demand.connections,
        granted=max(granted, demand.in_use),
        expires_at=now + HOLDER_SECONDS,
    )
    newer = {name: claim.excluded[name] for name in ("wanted", "granted", "expires_at")}
    connection.execute(claim.on_conflict_do_update(index_elements=["host", "holder"], set_=newer))
    return _depart(connection, demand, granted, now, obey=obey)


def _grant(connection: Connection, holder: str, demand: HostDemand) -> int:
    """Connections: of what is free, but leaving each other holder what it wants of an equal share."""
    columns = select(host_holders.c.wanted, host_holders.c.granted)
    rows = connection.execute(columns.where(host_holders.c.host == demand.host, host_holders.c.holder != holder)).all()
    equal = max(demand.limit // (len(rows) + 1), 1)
    free: int = demand.limit - sum(row.granted for row in rows)
    unclaimed: int = demand.limit - sum(max(row.granted, min(row.wanted, equal)) for row in rows)
    return max(min(demand.connections, free, max(equal, unclaimed)), 0)


def _depart(connection: Connection, demand: HostDemand, granted: int, now: float, *, obey: bool) -> HostShare:
    next_departure, pause_until, delay, open_until = _times(connection, demand, now)
    spacing = max(demand.spacing, delay) if obey else demand.spacing
    first = max(now, pause_until, next_departure if spacing else 0.0)
    departures = _spread(demand, spacing) if granted else 0
    if spacing and departures:
        _set_host(connection, demand.host, next_departure=first + departures * spacing, pause_until=pause_until)
    return HostShare(demand.host, granted, first, departures, spacing, pause_until, open_until)


def _times(connection: Connection, demand: HostDemand, now: float) -> tuple[float, float, float, float]:
    """Next departure, end of a pause, crawl-delay and when the host may be asked again."""
    this = hosts.c.host == demand.host
    row = connection.execute(select(hosts).where(this)).first()
    if row is None:
        return 0.0, 0.0, 0.0, 0.0
    latest = now + AHEAD_SECONDS + DEPARTURES_AHEAD * max(demand.spacing, row.crawl_delay)
    if max(row.next_departure, row.pause_until, row.open_until) <= latest:
        return row.next_departure, row.pause_until, row.crawl_delay, row.open_until
    connection.execute(update(hosts).where(this).values(next_departure=0.0, pause_until=0.0, open_until=0.0))
    return 0.0, 0.0, row.crawl_delay, 0.0


def _spread(demand: HostDemand, spacing: float) -> int:
    """The departures wanted, or as many as fit into the same time where the host asks for wider spacing."""
    if spacing <= demand.spacing or not demand.departures:
        return demand.departures
    return max(int(demand.departures * demand.spacing / spacing), 1)


def set_crawl_delay(connection: Connection, host: str, seconds: float) -> None:
    row = upsert(connection, hosts).values(host=host, next_departure=0.0, pause_until=0.0, crawl_delay=seconds)
    connection.execute(row.on_conflict_do_update(index_elements=["host"], set_={"crawl_delay": seconds}))


def _set_host(connection: Connection, host: str, *, next_departure: float, pause_until: float) -> None:
    """Moves the host's times forward, never back."""
    row = upsert(connection, hosts).values(host=host, next_departure=next_departure, pause_until=pause_until)
    newest = func.greatest if connection.dialect.name == "postgresql" else func.max
    later = {name: newest(hosts.c[name], row.excluded[name]) for name in ("next_departure", "pause_until")}
    connection.execute(row.on_conflict_do_update(index_elements=["host"], set_=later))
