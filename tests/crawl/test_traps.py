"""Addresses without end are cut; sites of any honest size are not."""

import random
import tracemalloc
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.crawl import traps as traps_room
from tasks.crawl.traps import MAX_DATED, MAX_NUMBERED, MAX_TEMPLATES, MIN_COMBINED, Traps

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


def query(**values):
    return "&".join(f"{name}={value}" for name, value in values.items())


def test_combined_parameters(traps):
    values = random.Random(1).sample(list(product(range(8), repeat=4)), 4096)
    facets = [f"/shop?{query(**dict(zip('abcd', each, strict=True)))}" for each in values]
    found = cut(traps, facets)
    assert [path for path, _ in found] == facets[MIN_COMBINED:]
    assert {why for _, why in found} == {"500 addresses are https://site.example/shop with parameters combined anew"}
    assert cut(traps, facets[:MIN_COMBINED]) == []
    assert cut(traps, ["/shop", "/other?a=1&b=2", "/shop/x?a=9&b=9"]) == []


def test_parameters_that_come_and_go(traps):
    names = [f"/list?{'&'.join(f'f{bit}=1' for bit in range(10) if number >> bit & 1)}" for number in range(1, 1024)]
    single = ["/list?f9=1"]
    assert [path for path, _ in cut(traps, names)] == [name for name in names[MIN_COMBINED:] if name not in single]


def test_one_parameter_and_the_page_of_a_list_are_no_combination(traps):
    facets = [f"/shop?{query(a=n % 29, b=n % 31, c=n % 37)}" for n in range(600)]
    plain = [f"/shop?{query(cat=cat, page=page)}" for cat, page in product(range(40), range(15))]
    assert len(cut(traps, facets)) == len(facets) - MIN_COMBINED
    assert cut(traps, [*plain, "/shop?a=77"]) == []
    assert len(cut(traps, ["/shop?a=77&cat=1"])) == 1


SITES = {
    "things": [f"/viewtopic.php?t={n}" for n in range(12_000)],
    "things in categories": [f"/index.php?{query(route='item', id=n, path=n % 30)}" for n in range(5000)],
    "things in several categories": [
        f"/index.php?{query(route='item', path=path, id=n)}" for n in range(4000) for path in {n % 300, n * 7 % 300}
    ],
    "articles of menus": [
        f"/index.php?{query(view='article', id=n, cat=n % 500, item=menu)}"
        for n in range(3000)
        for menu in {n % 350, n % 349 if n % 10 == 0 else n % 350}
    ],
    "pages of categories": [f"/list?{query(cat=cat, page=page)}" for cat, page in product(range(40), range(1, 41))],
    "sorted pages of categories": [
        f"/list?{query(cat=cat, page=page, sort=sort, dir=way)}"
        for cat, page, sort, way in product(range(40), range(1, 9), "abcd", "ud")
    ],
    "languages": [
        f"/i?{query(lang=lang, cat=cat, sub=sub)}" for lang, cat, sub in product("defs", range(12), range(12))
    ],
    "categories of categories": [
        f"/i?{query(lang=lang, cat=sub // 10, sub=sub, page=page)}"
        for lang, sub, page in product("defs", range(300), range(5))
    ],
    "views of things": [f"/i?{query(id=n, tab=tab, print=p)}" for n, tab, p in product(range(900), range(5), range(2))],
    "part numbers": [f"/part/28{n:02}-0{m}" for n in range(40) for m in range(1, 10)],
    "plans": [f"/plan/{year}-{month:02}" for year in range(2030, 2060) for month in range(1, 13)],
}


@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize("order", [None, 1, 2])
def test_sites_that_have_an_end_are_never_cut(traps, name, order):
    paths = SITES[name]
    assert cut(traps, paths if order is None else random.Random(order).sample(paths, len(paths))) == []


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_trap_is_one_in_any_order(traps, order):
    facets = [f"/shop?{query(a=a, b=b, c=c)}" for a, b, c in product(range(30), repeat=3)]
    random.Random(order).shuffle(facets)
    assert len(cut(traps, facets)) == len(facets) - MIN_COMBINED


def test_endless_numbers_end(traps):
    found = cut(traps, [f"/next?n={number}" for number in range(MAX_NUMBERED + 2)])
    assert found == [
        (f"/next?n={number}", "50,000 addresses are https://site.example/next with other parameters or dates")
        for number in (50_000, 50_001)
    ]


@pytest.mark.parametrize("dated", [[0], [MAX_DATED], range(0, 2 * MAX_DATED, 3)])
def test_numbers_are_no_calendar_for_what_some_of_them_look_like(traps, dated):
    items = {number: f"/item?id={number}" for number in range(2 * MAX_DATED)}
    items |= {number: f"/item?id=1999-12-x{number}" for number in dated}
    assert cut(traps, items.values()) == []


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
    assert [path for path, _ in cut(traps, days)] == days[MAX_DATED:]


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


COMBINED = [f"/s?{query(a=n % 29, b=n % 31, c=n % 37)}" for n in range(600)]


def test_what_was_let_in_stays_in(traps):
    assert len(cut(traps, COMBINED)) == 100
    assert len(cut(traps, COMBINED)) == 100


def test_another_process_goes_on_where_one_stopped(traps):
    first = [SITE + path for path in COMBINED[:300] if traps.why(SITE + path) is None]
    resumed = Traps(date(2026, 11, 23))
    resumed.seed(first)
    expected = cut(traps, COMBINED[300:])
    assert [path for path, _ in expected] == COMBINED[MIN_COMBINED:]
    assert cut(resumed, COMBINED[300:]) == expected


def test_memory_is_bounded(traps, monkeypatch):
    assert cut(traps, [f"/{number}x?a" for number in range(MAX_TEMPLATES + 10)]) == []
    assert len(traps._templates) == MAX_TEMPLATES
    monkeypatch.setattr(traps_room, "MAX_ADDRESSES", MAX_TEMPLATES + 10)
    assert cut(traps, [f"/1x?a={number}" for number in range(1000)]) == []
    assert sum(len(template.variants) for template in traps._templates.values()) == MAX_TEMPLATES + 10


def test_long_addresses_are_forgotten_before_they_fill_the_memory(traps, monkeypatch):
    monkeypatch.setattr(traps_room, "MAX_CHARACTERS", 100_000)
    assert cut(traps, [f"/{number}{'x' * 1000}?{'a' * 900}" for number in range(1000)]) == []
    remembered = sum(len(name) + sum(map(len, one.variants)) for name, one in traps._templates.items())
    assert 100_000 <= remembered < 102_000


def test_one_date_far_ahead_counts_once_where_no_more_is_remembered(traps, monkeypatch):
    monkeypatch.setattr(traps_room, "MAX_ADDRESSES", 1)
    assert cut(traps, ["/plan/2026-01", *["/plan/2050-01"] * 100, "/plan/2051-01"]) == []


def test_long_addresses_that_are_looked_at_take_little_memory(traps):
    filling = "&".join(f"{first}{second}" for first, second in product("abcdefghijklmnopqrst", repeat=2))
    paths = [f"/item?id={number}&{filling}" for number in range(8 * MIN_COMBINED - 1)]
    assert cut(traps, paths) == []
    tracemalloc.start()
    try:
        assert cut(traps, [f"/item?id=last&{filling}"]) == []
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


@given(st.lists(st.text(max_size=40), max_size=8))
def test_any_text_is_judged_and_the_same_way_again(urls):
    traps = Traps()
    assert [traps.why(url) for url in urls] == [traps.why(url) for url in urls]
