from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks import urls
from tasks.extract.addresses import Addresses

PIECES = [
    "https://", "http://", "HTTPS://", "shop.example", "o.example", "1.2", "0x7f.1", "xn--a", "[::1]", ":81", ":443",
    ":", "/", "../", "./", "..", "a", "b.c", "?", "=", "&", "#", "%2e",
]  # fmt: skip
HREFS = st.text(alphabet="abZ09._~-/?#%:@ \\;=é\t", max_size=12) | st.lists(st.sampled_from(PIECES), max_size=7).map(
    "".join
)
BASES = [
    "https://shop.example",
    "https://shop.example/a/b/c?q=/x/#f",
    "http://shop.example:81/a//b/",
    "http://[::1]/%7e/x",
]


@settings(max_examples=500)
@given(st.sampled_from(BASES), HREFS)
@example(BASES[1], "a/.././b")
@example(BASES[1], "a/%2e%2e/b")
@example(BASES[1], "a:b")
@example(BASES[1], "//a/b")
def test_an_address_is_what_the_url_parser_makes_of_it(base, href):
    addresses = Addresses(base, None)
    resolved = urls.resolve(base, href)
    assert addresses.resolve(href) == resolved
    url = None if resolved is None else urls.address(resolved)
    assert addresses.address(href) == url
    assert addresses.target(href) == (url, addresses.is_internal(url))


def test_internal_is_the_same_host_whatever_scheme_and_port():
    addresses = Addresses("https://shop.example:8443/a", None)
    internal = ["https://shop.example:8443/b", "http://shop.example/", "https://shop.example?x"]
    external = ["https://www.shop.example/", "https://shop.example.evil.example/", "mailto:a@shop.example", None]
    assert [addresses.is_internal(url) for url in internal] == [True] * 3
    assert [addresses.is_internal(url) for url in external] == [False] * 4
