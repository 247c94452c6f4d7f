"""How far a crawl goes."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.crawl.scope import Scope, ScopeKind, UrlPattern
from tasks.urls import registrable_domain, same_domain

START = "https://www.example.co.uk/docs/guide/start.html?x=/y/"


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [
        (
            "folder",
            [START, "https://www.example.co.uk/docs/guide/", "http://www.example.co.uk/docs/guide/a/b?c"],
            [
                "https://www.example.co.uk/docs/guide",
                "https://www.example.co.uk/docs/guided",
                "https://www.example.co.uk/Docs/guide/",
                "https://www.example.co.uk:8443/docs/guide/",
                "https://example.co.uk/docs/guide/",
            ],
        ),
        (
            "host",
            ["https://www.example.co.uk/", "http://www.example.co.uk/x", "https://www.example.co.uk/?q"],
            [
                "https://example.co.uk/",
                "https://www.example.co.uk.evil.example/",
                "https://evil.example/https://www.example.co.uk/",
                "https://www.example.co.uk:8080/",
                "ftp://www.example.co.uk/",
            ],
        ),
        (
            "domain",
            ["https://example.co.uk/", "http://a.b.example.co.uk/x"],
            [
                "https://other.co.uk/",
                "https://co.uk/",
                "https://notexample.co.uk/",
                "https://shop.example.co.uk:8080/",
                "mailto:me@example.co.uk",
                "",
            ],
        ),
    ],
)
def test_kinds(kind, inside, outside):
    scope = Scope(kind, START)
    assert [url for url in (*inside, *outside) if scope.contains(url)] == inside


@pytest.mark.parametrize(
    ("start", "url", "expected"),
    [
        ("http://localhost:8000/a/", "https://localhost:8000/a/b", True),
        ("http://localhost:8000/a/", "http://localhost/a/b", False),
        ("http://[::1]:8000/a/", "http://[::1]:8000/a/", True),
        ("https://example.com/docs", "https://example.com/other", True),
        ("https://example.com/docs?next=/a/b", "https://example.com/other", True),
        ("https://example.com/", "https://example.com/", True),
    ],
)
def test_ports_and_folders(start, url, expected):
    assert Scope(ScopeKind.FOLDER, start).contains(url) is expected


@pytest.mark.parametrize(
    ("start", "inside", "outside"),
    [
        ("http://localhost:8000/", "http://localhost:8000/x", "http://localhost:8001/"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/x", "http://127.1.0.1:8000/"),
        ("http://[::1]:8000/", "https://[::1]:8000/x", "http://[::2]:8000/"),
        ("http://[::1]/", "https://[::1]/x", "http://[::1]:1/"),
        ("https://me.github.io/", "https://me.github.io/x", "https://you.github.io/"),
    ],
)
def test_hosts_without_a_domain_of_their_own(start, inside, outside):
    scope = Scope(ScopeKind.DOMAIN, start)
    assert (scope.contains(inside), scope.contains(outside)) == (True, False)


def test_patterns_choose_within_the_scope():
    scope = Scope(
        ScopeKind.HOST, "https://a.example/", include=("/blog/", "/shop/*.html$"), exclude=("?sort=", "/tag/*/feed$")
    )
    contained = {
        "https://a.example/": True,  # the start always belongs
        "https://a.example/about": False,
        "https://a.example/blog/1": True,
        "https://a.example/en/blog/1?x=2": True,
        "https://a.example/blog/1?sort=up": False,
        "https://a.example/shop/tea.html": True,
        "https://a.example/shop/tea.html?x": False,
        "https://a.example/blog/tag/tea/feed": False,
        "https://a.example/blog/tag/tea/feed/more": True,
        "https://b.example/blog/1": False,
    }
    assert {url: scope.contains(url) for url in contained} == contained
    assert scope.covers("https://a.example/about")


def test_internal_links():
    host, domain = (Scope(kind, START) for kind in (ScopeKind.FOLDER, ScopeKind.DOMAIN))
    one, two, other = "https://a.example.com/x", "http://b.example.com:8080/", "https://example.org/"
    assert [host.is_internal(one, target) for target in (one, two, other)] == [True, False, False]
    assert [domain.is_internal(one, target) for target in (one, two, other)] == [True, True, False]


def test_a_scope_travels_between_processes():
    scope = Scope(ScopeKind.DOMAIN, START, include=("/a*b$",))
    there = pickle.loads(pickle.dumps(scope))  # noqa: S301 - our own
    assert there == scope
    assert there.contains("https://example.co.uk/a/b")


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="planet"):
        Scope("planet", START)


@given(st.text("ab*$", max_size=8), st.text("ab$*", max_size=12))
def test_a_pattern_is_a_part_of_the_address(pattern, url):
    body = ".*".join(map(re.escape, pattern.removesuffix("$").split("*")))
    expected = re.search(body + (r"\Z" if pattern.endswith("$") else ""), url) is not None
    assert UrlPattern(pattern).matches(url) is expected


def test_a_pattern_made_to_take_for_ever():
    assert not UrlPattern("*a" * 2000 + "b$").matches("a" * 8000)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("me.github.io", "me.github.io"),
        ("city.kobe.jp", "city.kobe.jp"),
        ("a.xn--55qx5d.cn", "a.xn--55qx5d.cn"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_registrable_domains(host, domain):
    assert registrable_domain(host) == domain


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_has_some_domain(one, other):
    scope = Scope(ScopeKind.DOMAIN, f"https://{one}/")
    assert scope.contains(f"https://{one}/")
    assert scope.contains(other) in {True, False}
    assert registrable_domain(one) in {one, registrable_domain(one)}


def test_same_domain():
    assert same_domain("https://a.example.com/x", "http://b.example.com:81/")
    assert not same_domain("https://a.example.com/", "https://example.org/")
