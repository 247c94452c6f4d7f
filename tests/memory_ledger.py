"""The host ledger of a single process."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.model import HostDemand, HostShare

CLAIM_SECONDS = 30.0


@dataclass(slots=True)
class _Claim:
    connections: int
    renewed_at: float


@dataclass(slots=True)
class _Host:
    claims: dict[str, _Claim] = field(default_factory=dict)
    next_departure: float = 0.0
    pause_until: float = 0.0
    open_until: float = 0.0


class MemoryLedger:
    """Shares hosts between the gates of one process; forgotten with it."""

    def __init__(self) -> None:
        self._hosts: defaultdict[str, _Host] = defaultdict(_Host)
        self._lock = threading.Lock()

    def renew(self, holder: str, demands: Sequence[HostDemand], now: float) -> list[HostShare]:
        with self._lock:
            return [_share(self._hosts[demand.host], holder, demand, now) for demand in demands]

    def pause(self, host: str, until: float) -> None:
        with self._lock:
            row = self._hosts[host]
            row.pause_until = max(row.pause_until, until)

    def leave_alone(self, host: str, until: float) -> None:
        with self._lock:
            self._hosts[host].open_until = until

    def release(self, holder: str) -> None:
        with self._lock:
            for row in self._hosts.values():
                row.claims.pop(holder, None)


def _share(row: _Host, holder: str, demand: HostDemand, now: float) -> HostShare:
    first = max(row.next_departure, now, row.pause_until)
    if demand.departures:
        row.next_departure = first + demand.departures * demand.spacing
    return HostShare(
        host=demand.host,
        connections=_connections(row, holder, demand, now),
        first_departure=first,
        departures=demand.departures,
        spacing=demand.spacing,
        pause_until=row.pause_until,
        open_until=row.open_until,
    )


def _connections(row: _Host, holder: str, demand: HostDemand, now: float) -> int:
    """What is free for a newcomer, the fair share for everyone; what is open stays claimed."""
    row.claims = {name: claim for name, claim in row.claims.items() if now - claim.renewed_at < CLAIM_SECONDS}
    row.claims.pop(holder, None)
    if not demand.connections and not demand.in_use:
        return 0
    fair = max(1, demand.limit // (len(row.claims) + 1))
    free = demand.limit - sum(claim.connections for claim in row.claims.values())
    granted = max(min(demand.connections, fair, free), 0)
    row.claims[holder] = _Claim(max(granted, demand.in_use), now)
    return granted
