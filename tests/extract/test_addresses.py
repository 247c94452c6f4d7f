from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks import urls
from tasks.extract.addresses import Addresses

BASES = [
    "https://shop.example",
    "https://shop.example/a/b/c?q=/x/#f",
    "http://shop.example:81/a//b/",
    "http://[::1]/%7e/x",
]


@settings(max_examples=500)
@given(st.sampled_from(BASES), st.text(alphabet="abZ09._~-/?#%:@ \\;=é\t", max_size=12))
@example(BASES[1], "a/.././b")
@example(BASES[1], "a/%2e%2e/b")
@example(BASES[1], "a:b")
@example(BASES[1], "//a/b")
def test_an_address_is_what_the_url_parser_makes_of_it(base, href):
    addresses = Addresses(base, None)
    resolved = urls.resolve(base, href)
    assert addresses.resolve(href) == resolved
    assert addresses.address(href) == (None if resolved is None else urls.address(resolved))


def test_internal_is_the_same_host_whatever_scheme_and_port():
    addresses = Addresses("https://shop.example:8443/a", None)
    internal = ["https://shop.example:8443/b", "http://shop.example/", "https://shop.example?x"]
    external = ["https://www.shop.example/", "https://shop.example.evil.example/", "mailto:a@shop.example", None]
    assert [addresses.is_internal(url) for url in internal] == [True] * 3
    assert [addresses.is_internal(url) for url in external] == [False] * 4
