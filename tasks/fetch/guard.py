"""Which addresses may be connected to, judged at the moment of connecting.

A check of the URL alone is worthless: names resolve to anything, and a second look-up may answer differently.
"""

import socket
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from tasks.errors import AddressRefused

WEB_PORTS = ("80", "443")

# https://www.iana.org/assignments/iana-ipv4-special-registry
_NOT_PUBLIC_V4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",  # Azure's host service: reachable from inside only
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
# https://www.iana.org/assignments/iana-ipv6-special-registry
_NOT_PUBLIC_V6 = ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
_GLOBAL_V6 = IPv6Network("2000::/3")
_CARRIES_V4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
_LOW_32_BITS = 0xFFFFFFFF


class AddressTable:
    """Address blocks that a crawler has no business in."""

    def __init__(self, v4: Iterable[str] = _NOT_PUBLIC_V4, v6: Iterable[str] = _NOT_PUBLIC_V6) -> None:
        self._v4 = tuple(map(IPv4Network, v4))
        self._v6 = tuple(map(IPv6Network, v6))

    def is_public(self, address: IPv4Address | IPv6Address) -> bool:
        """True for global unicast addresses; those that carry an IPv4 address are judged by it."""
        if isinstance(address, IPv4Address):
            return not any(address in network for network in self._v4)
        if any(address in network for network in _CARRIES_V4):
            return self.is_public(IPv4Address(int(address) & _LOW_32_BITS))
        return address in _GLOBAL_V6 and not any(address in network for network in self._v6)


_TABLE = AddressTable()


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is an ordinary destination on the internet.

    Raises:
        ValueError: ``address`` is no IP address.
    """
    return _TABLE.is_public(ip_address(address.partition("%")[0]))


@dataclass(slots=True)
class Exchange:
    """One request on its way, seen by the layers below the HTTP client.

    Attributes:
        destination: ``host:port`` as written in the URL.
        fresh: it must not go over a connection that was kept.
        refused: the guard refused an address of it.
        stale: it went over one, which ended before any byte of the answer.
        judged: it may be connected to by way of the proxy, which is where the next socket leads.
        ttfb: seconds from the request to the head of the answer.
    """

    destination: str
    fresh: bool = False
    refused: bool = False
    stale: bool = False
    judged: bool = False
    ttfb: float | None = None


current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")


class Guard:
    """Opens sockets to public addresses on web ports, and to what ``allow`` names as ``host:port``."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._allow = frozenset(allow)

    def check_port(self, destination: str) -> None:
        """Refuses ports other than 80 and 443 before any name is looked up.

        Raises:
            AddressRefused: naming what would allow it.
        """
        if destination.rpartition(":")[2] not in WEB_PORTS and destination not in self._allow:
            raise AddressRefused(f"only ports 80 and 443 are fetched: --allow {destination} lets it through")

    def open_socket(self, address_info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """A socket for the very address about to be connected; the connector's socket factory.

        Raises:
            AddressRefused: the address is not public and the current request's destination is not allowed.
        """
        family, kind, protocol, _, address = address_info
        exchange = current_exchange.get()
        if not exchange.judged:
            self.check_address(exchange, address[0])
        return socket.socket(family=family, type=kind, proto=protocol)

    def allows(self, destination: str) -> bool:
        """Whether ``host:port`` may be at any address."""
        return destination in self._allow

    def check_address(self, exchange: Exchange, address: str) -> None:
        """Refuses an address of the exchange's destination that is not public, unless that is allowed.

        Raises:
            AddressRefused: naming what would allow it.
        """
        if exchange.destination not in self._allow and not is_public(address):
            exchange.refused = True
            raise refusal(exchange.destination)


def refusal(destination: str) -> AddressRefused:
    """The error that names the way to let ``destination``, ``host:port``, through."""
    # the address itself stays unsaid: a page that names hosts must not learn how they resolve here
    return AddressRefused(f"{destination} is not a public address: --allow {destination} lets it through")
