"""Addresses that a crawler has no business at, in every spelling we know of."""

import ipaddress

LOOPBACK = (
    "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F000001", "0x7f.1",
    "0x7f.0x0.0x0.0x1", "0177.0.0.1", "0177.1", "017700000001", "127.0.0.0x1", "127.0.0.01", "0x7f.0.1",
    "127.0.0.1.", "0", "0.0.0.0", "0x0", "00", "localhost", "LOCALHOST", "localhost.", "LoCaLhOsT.",
    "①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "ｌｏｃａｌｈｏｓｔ",
    "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "%6c%6f%63%61%6c%68%6f%73%74", "127.0.0.1%00", "127.0\u00ad.0.1",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[::ffff:0:127.0.0.1]", "[::1%25lo]",
    "user@127.0.0.1", "user:password@127.0.0.1", "good.example@127.0.0.1", "127.0.0.1:80@127.0.0.1",
)  # fmt: skip
_INSIDE_V4 = (
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.255", "100.64.0.1",
    "100.127.255.255", "169.254.169.254", "169.254.0.1", "169.254.170.2", "168.63.129.16", "192.0.0.1", "192.0.0.170",
    "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "192.88.99.1", "192.31.196.1",
    "192.52.193.1", "192.175.48.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "0.1.2.3",
)  # fmt: skip
_INSIDE_V6 = (
    "fc00::1", "fd00:ec2::254", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "100::1", "2001::1", "2001:2::1",
    "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "5f00::1", "2620:4f:8000::1", "64:ff9b:1::1", "::2",
    "4000::1", "8000::1",
)  # fmt: skip
NAMED = {
    "rebound.test": ("127.0.0.1",),
    "several.test": ("127.0.0.1", "127.0.0.2", "127.0.0.3"),
    "inside-first.test": ("10.0.0.1", "127.0.0.1"),
    "six.test": ("::1",),
    "mapped.test": ("::ffff:127.0.0.1",),
    "translated.test": ("64:ff9b::7f00:1",),
    "metadata.test": ("169.254.169.254",),
    "zero.test": ("0.0.0.0",),
    "xn--bcher-kva.test": ("127.0.0.1",),
    "bücher.test": ("127.0.0.1",),
}
"""Names, and what the tests' resolver says they are."""


def hosts() -> list[str]:
    """As written in a URL."""
    found = [*LOOPBACK, *NAMED, *_INSIDE_V4, *(f"[{address}]" for address in _INSIDE_V6)]
    for address in ("169.254.169.254", "10.0.0.1", "192.168.0.1", "100.64.0.1", "168.63.129.16"):
        number = int(ipaddress.IPv4Address(address))
        low = f"{number >> 16:x}:{number & 0xFFFF:x}"
        found += [str(number), hex(number), f"0{number:o}", f"[::ffff:{address}]", f"[::ffff:{low}]"]
        found += [
            f"[64:ff9b::{address}]",
            f"[2002:{low}::]",
            f"[::{address}]",
            ".".join(map(hex, address_bytes(number))),
        ]
    return list(dict.fromkeys(found))


def address_bytes(number: int) -> bytes:
    return number.to_bytes(4)


def urls(port: int) -> list[str]:
    """Each host at the canary's port, and addresses that parsers disagree about."""
    odd = (
        "http://good.test\\@127.0.0.1:{port}/", "http://127.0.0.1\\@good.test:{port}/", "http:/\\127.0.0.1:{port}/",
        "http:127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "http://127.0.0.1:{port}#@good.test/",
        "http://good.test#@127.0.0.1:{port}/", "http://127.0.0.1:{port}?@good.test/", "http://12\t7.0.0.1:{port}/",
        "ht\ntp://127.0.0.1:{port}/", " http://127.0.0.1:{port}/", "HTTP://127.0.0.1:{port}/", "https://127.0.0.1:{port}/",
        "http://[::1]:{port}/../../x", "http://127.0.0.1:0{port}/", "http://127.0.0.1:{port}/%2e%2e/",
        "//127.0.0.1:{port}/", "http://127.0.0.1:22/", "http://127.0.0.1:6379/", "http://127.0.0.1:9200/_cat",
        "file:///etc/passwd", "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_x", "dict://127.0.0.1:{port}/x",
        "ws://127.0.0.1:{port}/", "unix:///var/run/docker.sock", "http+unix://%2Frun%2Fx/", "jar:http://127.0.0.1:{port}!/",
        "data:text/html,x", "javascript:fetch('http://127.0.0.1:{port}')", "view-source:http://127.0.0.1:{port}/",
    )  # fmt: skip
    return [*(f"http://{host}:{port}/" for host in hosts()), *(url.format(port=port) for url in odd)]
