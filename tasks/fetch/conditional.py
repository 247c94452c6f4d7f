"""Conditional requests: https://www.rfc-editor.org/rfc/rfc9110#section-13."""

import re
from collections.abc import Sequence

from tasks.model import Answer, Response

NOT_MODIFIED = 304
MAX_VALIDATOR = 1024
"""Characters of a validator that are sent back; no server needs more."""

Condition = Sequence[tuple[bytes, bytes]]
"""Header fields that make a request conditional; empty where it is not."""

_ENTITY_TAG = re.compile(r'(?:W/)?"[ !\x23-\x7e]*"')
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", re.ASCII)


def condition(etag: str | None, last_modified: str | None) -> Condition:
    """Asks for a page only if it changed since it had these validators, byte for byte as received.

    What is no entity tag or no date is not sent: ``If-None-Match: *`` would ask for something else.
    """
    fields = ((b"If-None-Match", etag, _ENTITY_TAG), (b"If-Modified-Since", last_modified, _HTTP_DATE))
    return [
        (name, value.encode("ascii"))
        for name, value, form in fields
        if value is not None and len(value) <= MAX_VALIDATOR and form.fullmatch(value)
    ]


def is_not_modified(answer: Answer) -> bool:
    """True for status 304 at the address that was asked for."""
    return isinstance(answer, Response) and answer.status == NOT_MODIFIED and not answer.hops
