"""Connections to the HTTP door: those that ask for nothing keep nobody out."""

import asyncio
import resource

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""So soon a request's head is complete, counted from the connection's beginning or the last answer."""
MOST = 1000
QUEUED = 256


class Connection(H11Protocol):
    """Closed where it waits too long for a request; soonest where all places are taken and another comes."""

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look()
        if len(self.connections) > most_connections():
            _longest_idle(self).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def _look(self) -> None:
        """Waits for a request where none is being answered."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._waits is None and not self.transport.is_closing():
            self._waits = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    @property
    def idle_until(self) -> float:
        """When it is closed, by the loop's clock; never where a request is being answered."""
        return float("inf") if self._waits is None else self._waits.when()


def _longest_idle(newcomer: Connection) -> Connection:
    open_ = [one for one in newcomer.connections if isinstance(one, Connection) and not one.transport.is_closing()]
    return min(open_, key=lambda one: one.idle_until, default=newcomer)


def most_connections() -> int:
    """Open at once: the other half of the files that the process may open is for its work."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else min(MOST, files // 2)


def most_queued() -> int:
    """Not accepted yet; so many are accepted in one go."""
    return min(QUEUED, most_connections() // 2)
