"""Addresses as people write them."""

import tracemalloc

import ada_url
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.errors import BadUrl
from tasks.urls import is_http, is_loopback, nameable, parse, printable, resolve, without_userinfo


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("example.com", "https://example.com/"),
        ("  EXAMPLE.com/A%2fb?q#part ", "https://example.com/A%2fb?q"),
        ("example.com:443/x", "https://example.com/x"),
        ("example.com:8443/x", "http://example.com:8443/x"),
        ("example.com:80", "http://example.com/"),
        ("example.com?next=http://b.example:8080/", "https://example.com/?next=http://b.example:8080/"),
        ("localhost", "http://localhost/"),
        ("localhost:8000/x", "http://localhost:8000/x"),
        ("localhost:443", "https://localhost/"),
        ("shop.localhost/x", "http://shop.localhost/x"),
        ("127.0.0.1/x", "http://127.0.0.1/x"),
        ("127.example.com", "https://127.example.com/"),
        ("[::1]:8000?q", "http://[::1]:8000/?q"),
        ("[::1]", "http://[::1]/"),
        ("http:/example.com", "http://example.com/"),
        ("http://h/?mail=a@b", "http://h/?mail=a@b"),
        ("//example.com/x", "https://example.com/x"),
    ],
)
def test_what_a_person_means(text, url):
    assert parse(text) == url


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (" ", "empty URL"),
        ("not a url", "not a URL: not a url"),
        ("/tea", "/tea names no host: write the whole address"),
        ("/example.com/tea", "/example.com/tea names no host"),
        ("../tea?x#y", r"\.\./tea\?x#y names no host"),
        ("htp://x", "cannot fetch htp://x"),
        ("mailto:tea@example.com", "cannot fetch mailto:tea@example.com"),
        ("http://example.com:99999/", "not a URL: http://example.com:99999/"),
        ("\x1b]0;x\x07", r"not a URL: \\x1b\]0;x\\x07:"),
        ("a" * 9000, r"URL of 9009 characters \(aaa"),
    ],
)
def test_unusable_addresses_are_named(text, why):
    with pytest.raises(BadUrl, match=f"^{why}"):
        parse(text)


CREDENTIALS = [
    "http://user:canary@h.example/",
    "http:user:canary@h.example/",
    "https:\\\\user:canary@h.example/",
    "http:///user:canary@h.example/x",
    "//user:canary@h.example/x",
    "user:canary@h.example/x",
    "canary@h.example",
    "ht\ntp://user:canary@h.example/",
    "http://user:canary@h.example:99999/",
    "http://user:canary@[bad/",
    "http://user:can/canary@h.example/",
    "user:can/canary@h.example",
    "http://user:p#canary@h.example/",
    "http://user:p?canary@h.example/x@y",
    "ftp://user:canary@h.example/",
    "ht tp://user:canary@h.example/",
    "\0http://user:canary@h.example/",
    "x://y://user:canary@h.example/",
]


@pytest.mark.parametrize("text", CREDENTIALS)
def test_credentials_are_refused_and_never_named(text):
    with pytest.raises(BadUrl) as caught:
        parse(text)
    assert "canary" not in str(caught.value)
    assert "canary" not in nameable(text)


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("http://user:pw@h/a@b?c@d#e@f", "http://h/a@b?c@d#e@f"),
        ("http:user:pw@h/", "http:h/"),
        ("http://h?x=a@b", "http://h?x=a@b"),
        ("http://h#a@b", "http://h#a@b"),
        ("http://a:b@c@d/", "http://d/"),
        ("//user@h/", "//h/"),
        ("user:pw@h", "h"),
        ("mailto:a@b", "mailto:a@b"),
    ],
)
def test_userinfo_is_removed_and_nothing_else(url, without):
    assert without_userinfo(url) == without


def test_what_is_cut_is_not_read():
    """What scripts of a page throw, or a server says, has any length."""
    text = "a\n" * 500_000
    tracemalloc.start()
    assert printable(text, 6) == "a\\na\\n…"
    assert tracemalloc.get_traced_memory()[1] < 10_000
    tracemalloc.stop()
    assert (printable("a\n", 3), printable("a\n", 2), printable("a\n", 0)) == ("a\\n", "a\\…", "…")


def test_a_name_costs_linear_work():
    """A quadratic one would not end before the test session is given up."""
    assert nameable("http://a@[" + " " * 1_000_000 + "x").endswith("…")
    with pytest.raises(BadUrl):
        parse("[" + " " * 1_000_000 + "x")


NEAR_URLS = st.lists(st.sampled_from([*"htp:/\\@?#[]. \t1%…", "http://", "user:pw@", "h.example", "\0"]), max_size=12)


@given(NEAR_URLS.map("".join))
@example("http://…@h.example/")
def test_a_name_is_stable_and_belongs_to_no_fetchable_address(text):
    assert nameable(nameable(text)) == nameable(text)
    try:
        parse(text)
    except BadUrl:
        with pytest.raises(BadUrl):
            parse(nameable(text))


@given(NEAR_URLS.map("".join))
def test_what_parses_has_no_credentials_and_parses_again(text):
    try:
        url = parse(text)
    except BadUrl:
        return
    assert is_http(url)
    assert not ada_url.URL(url).username
    assert parse(url) == url == without_userinfo(url)


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "a.localhost:1", "127.0.0.1:80", "127.9.9.9", "[::1]"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["127.example.com:80", "localhost.example", "128.0.0.1:80", "notlocalhost", "[::2]"])
def test_no_loopback(host):
    assert not is_loopback(host)


def test_resolving_keeps_encodings_and_fragment():
    assert resolve("https://a.example/b/", "../%7e%2F?q=%41#x") == "https://a.example/%7e%2F?q=%41#x"
    assert resolve("https://a.example/", "http://[") is None
