import pytest
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


@pytest.mark.parametrize(
    ("encoding", "href", "address"),
    [
        ("windows-1251", "/search?q=Привет", "/search?q=%CF%F0%E8%E2%E5%F2"),
        ("windows-1251", "поиск?q=я+%D1&b=a b'#я", "/%D0%BF%D0%BE%D0%B8%D1%81%D0%BA?q=%FF+%D1&b=a%20b%27#%D1%8F"),
        ("windows-1251", "?q=é漢", "/?q=%26%23233%3B%26%2328450%3B"),
        ("windows-1252", "?q=é€", "/?q=%E9%80"),
        ("shift_jis", "?q=ソ～", "/?q=%83\\%81`"),
        ("euc-jp", "?q=日本", "/?q=%C6%FC%CB%DC"),
        ("euc-jp", "?q=東～京－㈱№①", "/?q=%C5%EC%A1%C1%B5%FE%A1%DD%AD%EA%AD%E2%AD%A1"),
        ("euc-jp", "?q=①€", "/?q=%AD%A1%26%238364%3B"),
        ("iso-2022-jp", "?q=～", "/?q=%1B$B!A%1B(B"),
        ("big5", "?q=中～‧￥€", "/?q=%A4%A4%A1%E3%A1E%A2D%A3%E1"),
        ("gbk", "?q=€中", "/?q=%80%D6%D0"),
        ("euc-kr", "?q=갂", "/?q=%81A"),
        ("gbk", "?q=中文", "/?q=%D6%D0%CE%C4"),
        ("big5", "?q=中文", "/?q=%A4%A4%A4%E5"),
        ("x-user-defined", "?q=\uf780é", "/?q=%80%26%23233%3B"),
        *((unicode, "?q=é", "/?q=%C3%A9") for unicode in ("utf-8", "utf-16le", "utf-16be", "replacement", None)),
    ],
)
def test_queries_go_out_in_the_encoding_of_the_page(encoding, href, address):
    addresses = Addresses("https://shop.example/", None, encoding)
    assert addresses.resolve(href) == f"https://shop.example{address}"
    assert addresses.address(href) == f"https://shop.example{address.partition('#')[0]}"


def test_queries_of_other_schemes_are_utf8():
    addresses = Addresses("https://shop.example/", None, "windows-1251")
    assert addresses.resolve("mailto:a@shop.example?subject=я") == "mailto:a@shop.example?subject=%D1%8F"


def test_internal_is_the_same_host_whatever_scheme_and_port():
    addresses = Addresses("https://shop.example:8443/a", None)
    internal = ["https://shop.example:8443/b", "http://shop.example/", "https://shop.example?x"]
    external = ["https://www.shop.example/", "https://shop.example.evil.example/", "mailto:a@shop.example", None]
    assert [addresses.is_internal(url) for url in internal] == [True] * 3
    assert [addresses.is_internal(url) for url in external] == [False] * 4
