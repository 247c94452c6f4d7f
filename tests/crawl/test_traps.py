"""Addresses without end are cut; sites of any honest size are not."""

import pickle
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.crawl.traps import MAX_IDENTIFIED, MAX_TEMPLATES, MAX_VARIANTS, Traps

SITE = "https://site.example"


@pytest.fixture
def traps():
    return Traps(date(2026, 11, 23))


def cut(traps, paths):
    """Those of ``paths`` that are cut, with the reasons."""
    return [(path, why) for path in paths if (why := traps.why(SITE + path)) is not None]


@pytest.mark.parametrize("path", ["/a/a/a", "/a/b/a/b/a/b/", "/x/docs/y/docs/z/docs?q=1", "/a/a/a/a/a/a.html"])
def test_repeating_segments(traps, path):
    name = "docs" if "docs" in path else "a"
    assert cut(traps, [path]) == [(path, f"path segment {name} repeats more than 2 times")]


@pytest.mark.parametrize(
    "path",
    ["/a/b/a/b", "/", "", "/1/1/1/1.png", "///x//", "/java.base/java/lang/java.html", "/a/aa/aaa", "/x?p=/a/a/a/a"],
)
def test_paths_that_do_not_repeat(traps, path):
    assert cut(traps, [path]) == []


def test_long_addresses(traps):
    path = "/" + "x" * (2083 - len(SITE) - 1)
    assert cut(traps, [path, f"{path}y"]) == [(f"{path}y", "2,084 characters long")]


def test_combined_parameters(traps):
    facets = [f"/shop?{'&'.join(f'{name}={value}' for name, value in zip('abcd', values, strict=True))}"
              for values in product(range(8), repeat=4)]  # fmt: skip
    found = cut(traps, facets)
    assert [path for path, _ in found] == facets[MAX_VARIANTS:]
    assert {why for _, why in found} == {"500 addresses are https://site.example/shop with parameters combined anew"}
    assert cut(traps, facets[:MAX_VARIANTS]) == []
    assert cut(traps, ["/shop", "/other?a=1&b=2", "/shop/x?a=9&b=9"]) == []


def test_parameters_that_come_and_go(traps):
    names = [f"/list?{'&'.join(f'f{bit}=1' for bit in range(10) if number >> bit & 1)}" for number in range(1, 1024)]
    assert [path for path, _ in cut(traps, names)] == names[MAX_VARIANTS:]


@pytest.mark.parametrize("form", ["/item?id={0}", "/index.php?route=item&id={0}&path={1}", "/topic?f={1}&t={0}&page=1"])
def test_an_identifier_makes_no_combination(traps, form):
    assert cut(traps, [form.format(number, number % 30) for number in range(MAX_IDENTIFIED)]) == []


def test_endless_identifiers_end(traps):
    found = cut(traps, [f"/next?n={number}" for number in range(MAX_IDENTIFIED + 2)])
    assert found == [
        (f"/next?n={number}", "5,000 addresses are https://site.example/next with other parameters or dates")
        for number in (5000, 5001)
    ]


def months(form, start=2026, years=40):
    return [form.format(year, month) for year in range(start, start + years) for month in range(1, 13)]


@pytest.mark.parametrize(
    "form",
    ["/events/{}/{:02}/", "/events/{}-{:02}", "/c?date={}-{:02}-01", "/c?year={}&month={}", "/c/{}/{}/1", "/{}.{:02}"],
)
def test_calendars_end_past_the_horizon(traps, form):
    found = cut(traps, months(form))
    kept = len(months(form)) - len(found)
    assert 2 * 12 + 11 <= kept <= 5 * 12 + 12
    assert found[0][1].startswith(("2029", "2030", "2031"))
    assert "years ahead, as many dates in https://site.example/" in found[0][1]
    assert found[-1][0] == form.format(2065, 12)


def test_calendars_end_in_the_past_too(traps):
    days = [
        f"/day/{year}/{month:02}/{day:02}"
        for year in range(2026, 2005, -1)
        for month in range(1, 13)
        for day in range(1, 29)
    ]
    assert [path for path, _ in cut(traps, days)] == days[MAX_IDENTIFIED:]


@pytest.mark.parametrize(
    "form",
    [
        "/archive/{}/{:02}/post-{}.html",
        "/20{0}{1:02}",
        "/part-{}{:02}",
        "/release-1.{}.{:02}",
        "/{2}-{1}.html",
        "/forum/{2}/{1}/",
    ],
)
def test_what_only_looks_like_a_calendar(traps, form):
    years = range(2000, 2027)
    paths = [form.format(year, month, year * 12 + month) for year in years for month in range(1, 13)]
    assert cut(traps, paths) == []


def test_single_dates_far_ahead_are_no_calendar(traps):
    assert cut(traps, ["/goals/2030", "/agenda-2050-01", "/part/2150-09", "/2045/06/01/plan"]) == []


def test_what_was_let_in_stays_in(traps):
    paths = [f"/s?a={number % 10}&b={number // 10}" for number in range(600)]
    assert len(cut(traps, paths)) == 100
    assert len(cut(traps, paths)) == 100


def test_another_process_goes_on_where_one_stopped(traps):
    paths = [f"/s?a={number % 25}&b={number // 25}" for number in range(600)]
    first = [SITE + path for path in paths[:300] if traps.why(SITE + path) is None]
    resumed, copied = Traps(date(2026, 11, 23)), pickle.loads(pickle.dumps(traps))  # noqa: S301 - our own
    resumed.seed(first)
    expected = cut(traps, paths[300:])
    assert [path for path, _ in expected] == paths[MAX_VARIANTS:]
    assert cut(resumed, paths[300:]) == expected
    assert cut(copied, paths[300:]) == expected


def test_templates_are_bounded(traps):
    assert cut(traps, [f"/{number}x?a" for number in range(MAX_TEMPLATES + 10)]) == []
    assert len(traps._variants) == MAX_TEMPLATES


@given(st.lists(st.text(max_size=40), max_size=8))
def test_any_text_is_judged_and_the_same_way_again(urls):
    traps = Traps()
    assert [traps.why(url) for url in urls] == [traps.why(url) for url in urls]
