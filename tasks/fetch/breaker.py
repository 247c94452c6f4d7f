"""A host that keeps failing is left alone for a while, then asked by one request."""

FAILURES = 10
"""In a row, until a host is left alone."""

COOL_DOWN = 15.0
MAX_COOL_DOWN = 600.0


class Breaker:
    """What is known of a host's failures; times in seconds since the epoch.

    Attributes:
        open_until: the host is not asked before. Then one request is let through; its outcome decides for the others.
        failures: in a row.
        last: what the last one was.
    """

    __slots__ = ("_cool_down", "_probing", "failures", "last", "open_until")

    def __init__(self) -> None:
        self.open_until = 0.0
        self.failures = 0
        self.last = ""
        self._cool_down = COOL_DOWN
        self._probing = False

    def refuses(self, now: float) -> bool:
        """True where a request must not be made."""
        return bool(self.open_until) and (now < self.open_until or self._probing)

    def begin(self) -> bool:
        """A request is made; True where it is the one that decides, and has to be ended by ``end``."""
        self._probing = bool(self.open_until)
        return self._probing

    def end(self) -> None:
        """The request that was to decide is over; where it told nothing of the host, the next one decides."""
        self._probing = False

    def failed(self, why: str, now: float) -> bool:
        """Notes a failure; True where the host is to be left alone from now on."""
        self.failures += 1
        self.last = why
        if self._probing:
            self._cool_down = min(2 * self._cool_down, MAX_COOL_DOWN)
        elif self.failures < FAILURES or self.open_until:
            return False
        self._probing = False
        self.open_until = now + self._cool_down
        return True

    def answered(self) -> bool:
        """Notes that the host does its work; True where it had been left alone."""
        was_open = bool(self.open_until)
        self._close()
        return was_open

    def learn(self, open_until: float) -> None:
        """Takes over what another process found out; 0 where the host does its work."""
        if open_until:
            self.open_until = open_until
        elif self.open_until:
            self._close()

    def _close(self) -> None:
        self.open_until, self.failures, self._cool_down, self._probing = 0.0, 0, COOL_DOWN, False
