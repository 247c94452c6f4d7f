"""What a browser makes of a page."""

from dataclasses import dataclass

from tasks.model.answers import Response
from tasks.model.pages import Page

SMALL_PIXELS = 12
"""Text under this size is small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a page did in a browser until it had settled.

    Attributes:
        led_to: address of the page that it went on to by itself; None where it stayed.
        errors: uncaught exceptions, each once, one line; at most 20.
        settled: no request was open for half a second; what came later is not in the facts.
        small_text: part of the visible characters that is shown smaller than 12 px, 0 to 1; None without any.
        requests: how many it made. kept_back: how many of them were not let out: images, fonts and the like, what
            robots.txt disallows, and what is over the limit.
        refused: connections that the address guard refused.
        elapsed_ms: from the request to the settled page, milliseconds.
    """

    led_to: str | None = None
    errors: tuple[str, ...] = ()
    settled: bool = True
    small_text: float | None = None
    requests: int = 1
    kept_back: int = 0
    refused: int = 0
    elapsed_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A document as it stood in a browser: the DOM as HTML, under the address and headers it was got by."""

    document: Response
    behaviour: Behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a browser made of a page, beside the facts of its raw answer; ``page`` has those of the settled DOM."""

    page: Page
    behaviour: Behaviour
