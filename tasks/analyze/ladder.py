"""How an answer is asked for in a fixed form; servers differ in what they take."""

import threading
from enum import IntEnum
from typing import Any

from tasks.analyze.answer import wire_schema
from tasks.analyze.failures import CallFailed, Failure

_MAY_BE_THE_FORM = frozenset({400, 404, 415, 422, 500, 501})
"""Servers that do not know a form say so by these; llama.cpp, for one, by 500."""


class Rung(IntEnum):
    """From the strictest down; each lower one is taken by more servers."""

    JSON_SCHEMA = 0
    JSON_OBJECT = 1
    TEXT = 2

    def response_format(self) -> dict[str, Any] | None:
        """The request's field; None to leave it out."""
        match self:
            case Rung.JSON_SCHEMA:
                named = {"name": "recommendations", "strict": True, "schema": wire_schema()}
                return {"type": "json_schema", "json_schema": named}
            case Rung.JSON_OBJECT:
                return {"type": "json_object", "schema": wire_schema()}
            case _:
                return None


class Ladder:
    """Remembers for each server and model which rung held. Safe in threads."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Rung] = {}
        self._lock = threading.Lock()

    def rung(self, base_url: str, model: str) -> Rung:
        """Where to begin."""
        with self._lock:
            return self._held.get((base_url, model), Rung.JSON_SCHEMA)

    def remember(self, base_url: str, model: str, rung: Rung) -> None:
        """Has later calls of the model begin at ``rung``, which it took."""
        with self._lock:
            self._held[base_url, model] = rung

    def lower(self, base_url: str, model: str, rung: Rung, error: CallFailed) -> Rung | None:
        """The next rung to try after ``error``; None where it says nothing of the form, or there is none."""
        with self._lock:
            proven = (base_url, model) in self._held
        unsuited = error.status in _MAY_BE_THE_FORM and error.reason is not Failure.KEY_REFUSED
        return None if proven or not unsuited or rung is Rung.TEXT else Rung(rung + 1)


LADDER = Ladder()
"""Of this process."""
