"""Connections to the HTTP door: those that ask for nothing, or take no answer, keep nobody out."""

import asyncio
import resource

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""So soon a request's head is complete, counted from the connection's beginning or the last answer, or more is taken of
an answer."""
MOST = 1000
QUEUED = 256


class Connection(H11Protocol):
    """Closed where it waits too long for its client; soonest where all places are taken and another comes."""

    _waits: asyncio.TimerHandle | None = None
    _untaken = 0

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

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look()

    def _look(self) -> None:
        """Waits for the client where it is to ask, or to take what was answered."""
        if self.cycle is not None and not self.cycle.response_complete and not self.flow.write_paused:
            self._stop_waiting()
        elif self._waits is None and self.is_open:
            self._wait()

    def _wait(self) -> None:
        self._untaken = self.transport.get_write_buffer_size()
        self._waits = self.loop.call_later(HEAD_SECONDS, self._waited)

    def _waited(self) -> None:
        untaken = self.transport.get_write_buffer_size()
        if not untaken:
            self.transport.close()
        elif untaken < self._untaken:
            self._wait()
        else:
            self.transport.abort()

    def _stop_waiting(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    @property
    def is_open(self) -> bool:
        """Also where it is closed as soon as its answer has been taken."""
        return not self.transport.is_closing() or self.transport.get_write_buffer_size() > 0

    @property
    def idle_until(self) -> float:
        """When it is looked at, by the loop's clock; never where a request is being answered."""
        return float("inf") if self._waits is None else self._waits.when()


def _longest_idle(newcomer: Connection) -> Connection:
    open_ = [one for one in newcomer.connections if isinstance(one, Connection) and one.is_open]
    return min(open_, key=lambda one: one.idle_until, default=newcomer)


def most_connections() -> int:
    """Open at once: the other half of the files that the process may open is for its work."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else min(MOST, files // 2)


def most_queued() -> int:
    """Not accepted yet; so many are accepted in one go."""
    return min(QUEUED, most_connections() // 2)
