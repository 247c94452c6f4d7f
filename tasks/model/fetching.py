"""How pages are fetched, and what processes agree on about hosts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from tasks.host_ports import parse_host_port
from tasks.urls import host_port, printable


def sendable_agent(text: str) -> str:
    """``text``, which can be a User-Agent header.

    Raises:
        ValueError: it cannot.
    """
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"user agent {printable(text, 200)}: only printable ASCII can be sent")
    return text


UserAgent = Annotated[str, AfterValidator(sendable_agent)]


class FetchOptions(BaseModel):
    """How pages are fetched. What changes the bytes received is part of a batch's identity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_agent: UserAgent = Field(default="", description="User-Agent header; empty for seo-scan's own.")
    allow: tuple[str, ...] = Field(
        default=(), description="host:port pairs, as written in URLs, that may be non-public or on any port."
    )
    concurrency: int = Field(default=8, ge=1, le=256, description="Connections per host in the data folder.")
    rate: float | None = Field(
        default=None,
        ge=0,
        description="Pages a second per host; 0 for no limit; None for 10, loopback unlimited.",
    )
    connect_timeout: float = Field(default=10, gt=0, description="Seconds to connect.")
    read_timeout: float = Field(default=15, gt=0, description="Seconds without a byte.")
    deadline: float = Field(default=60, gt=0, description="Seconds for one URL, redirects included.")
    max_body: int = Field(default=15 * 1024 * 1024, gt=0, description="Bytes of a body, on the wire and decoded.")
    max_redirects: int = Field(default=10, ge=0, le=20, description="Redirects followed.")
    max_tries: int = Field(default=3, ge=1, le=10, description="Fetches of a page that fails for a passing reason.")

    @field_validator("allow")
    @classmethod
    def _are_host_ports(cls, allow: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(parse_host_port, allow))

    def allowing(self, urls: Sequence[str]) -> "FetchOptions":
        """The same with the host:port of ``urls`` allowed: what a person typed may be local."""
        return self.model_copy(update={"allow": tuple(sorted({*self.allow, *map(host_port, urls)}))})


class RenderOptions(BaseModel):
    """How pages are rendered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    browser: str = Field(default="", description="Path of Chromium; empty to look for it.")


@dataclass(frozen=True, slots=True)
class HostDemand:
    """What one holder (a running chunk) wants of one host, ``host:port``.

    Attributes:
        connections: wanted now. in_use: open now; they stay claimed until they are closed.
        departures: how many request start times are wanted.
        limit: connections to this host for the whole data folder.
        spacing: seconds between request starts for the whole data folder; 0 for no limit.
    """

    host: str
    connections: int
    in_use: int
    departures: int
    limit: int
    spacing: float


@dataclass(frozen=True, slots=True)
class HostShare:
    """What a holder may do until it asks again; times in seconds since the epoch.

    Attributes:
        connections: how many it may have open.
        first_departure: when its first request may start; the next ``departures`` - 1 follow ``spacing`` apart.
        pause_until: no request to the host starts before.
        open_until: the host failed so often that nobody asks it before; 0 where it does its work.
    """

    host: str
    connections: int
    first_departure: float
    departures: int
    spacing: float
    pause_until: float
    open_until: float = 0.0
