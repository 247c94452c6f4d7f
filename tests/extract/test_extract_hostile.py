"""Whatever a server sends, extract returns facts within its limits and never raises."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import webencodings
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.extract import limits, link_header, robots
from tasks.extract.addresses import Addresses
from tasks.extract.page import extract
from tasks.extract.refresh import parse as parse_refresh
from tasks.extract.srcset import addresses
from tasks.extract.suspicion import is_suspicious
from tasks.fetch.charset import decode
from tasks.model import Response

PAGES = sorted((Path(__file__).parents[1] / "pages").glob("*/page.html"))
SEEDS = [file.read_bytes() for file in PAGES if file.stat().st_size < 8_000]
FRAGMENTS = st.sampled_from(
    [
        "<a ",
        "href=",
        "<svg>",
        "<title>",
        "</title>",
        "<math>",
        "<table>",
        "<td>",
        "</table>",
        "<template>",
        "<div><template shadowrootmode=open>",
        "<noscript>",
        "</head>",
        "<body>",
        "<frameset>",
        '<base href="',
        "\n    <meta name=robots content=",
        "<link rel=canonical href=",
        "<script type=application/ld+json>",
        "</script>",
        '{"@type":',
        "<h1>",
        "<img alt=",
        'srcset="',
        "\n    <select>",
        "<option>",
        "<form>",
        "<button>",
        "<p>",
        "<b id=1>",
        "</p>",
        "</b>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "&#0;",
        "&#xD800;",
        "\x00",
        '"',
        "'",
        ">",
        "<",
        "= ",
        "http://[",
        "//",
        "data:",
        "\n    itemscope ",
        "typeof= ",
        "hidden ",
        'style="display:none" ',
        "role=navigation ",
        "�",
        "\u200b",
        "茶",
        "<iframe>",
        "<textarea>",
        "<plaintext>",
    ]
)


def response(text: str | None, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(url="https://shop.example/a/", status=200, text=text, body=body, headers=headers)


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS | st.text(max_size=8), max_size=60).map("".join))
def test_any_markup_is_read(source):
    page = extract(response(source))
    assert page == extract(response(source))
    json.dumps(asdict(page))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(SEEDS), st.integers(0, 8_000), st.integers(0, 40))
def test_damaged_pages_are_read(noise, seed, position, lost):
    position %= len(seed) + 1
    body = seed[:position] + noise + seed[position + lost :]
    page = extract(response(None, body))
    assert page.html_length == len(body)
    assert page.encoding == "utf-8"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["link", "x-robots-tag", "refresh", "content-type"]), st.text(max_size=60))))
def test_any_header_is_read(headers):
    extract(response("<title>Tea</title>", b"", tuple(headers)))


@pytest.mark.parametrize("label", sorted(webencodings.LABELS))
def test_pages_in_every_encoding_of_browsers_are_read(label):
    body = b"<title>Tea</title>" + bytes(range(256)) + "\N{REPLACEMENT CHARACTER}".encode()
    decoded = decode(body, f"text/html; charset={label}")
    page = extract(replace(response(decoded.text, body), encoding=decoded.encoding))
    assert page.charset_errors == ("\N{REPLACEMENT CHARACTER}" in decoded.text)


@given(st.text(alphabet='<>;,="\\ \trelcanoic/', max_size=80))
def test_a_link_header_ends(value):
    assert len(list(link_header.parse(value))) <= value.count("<")


@given(st.text(alphabet="abc, (\t)1x", max_size=60))
def test_srcset_addresses_hold_no_space(srcset):
    assert all(address and not set(address) & set(" \t") for address in addresses(srcset) if address)


@given(st.text(alphabet="0123.;, urlURL='\"/x", max_size=40))
def test_a_refresh_has_a_delay(content):
    found = parse_refresh(content, "https://shop.example/", Addresses("https://shop.example/", None).resolve, "meta")
    assert found is None or found.delay >= 0


@given(st.text(alphabet="nofolwindex:, -_*bt", max_size=60))
def test_directives_are_never_empty(value):
    assert all(all(found.directives) and found.directives for found in robots.header(value))


LONG = {
    "nested links": "<a href=x><object>text" * 480,
    "nested hidden links": "<div hidden>" + "<a href=x><object>text" * 480,
    "nested headings": "<h1><div>text" * 480,
    "nested landmarks": "<nav><div role=banner>text" * 480,
    "nested articles, all ended": "<section>" * 4_900 + "x" + "</section>" * 4_900,
    "nested shadow roots": "<div><template shadowrootmode=open>text" * 480,
    "one long text in every link": "<a href=x><object>" * 400 + "x" * 60_000,
    "links": "<a href=/x>x</a>" * 9_000,
    "images in one link": "<a href=/x>" + "<img alt=y>" * 9_000,
    "quotes": "<p title=\"'" * 900 + ">",
    "titles": "<svg></svg><title>x</title>" * 4_900,
    "link elements": "<link rel=canonical href=/x>" * 9_000,
    "srcset": "<img srcset='" + "a," * 30_000 + "'>" + "<img srcset='" + "," * 30_000 + "'>",
    "refresh": f"<meta http-equiv=refresh content={'1' * 10_000}x>" * 50,
    "styles": f"<p style='{';' + ' ' * 30_000}'>" * 20,
    "json": "<script type='application/ld+json'>" + "[" * 50_000 + "</script>",
    "types": "<script type='application/ld+json'>"
    + json.dumps([{"@type": str(n)} for n in range(3_000)])
    + "</script>",
    "strangers in head": "<head>" + "<x></x>" * 4_000 + "<title>x</title>",
    "quotes in head": "<head><div></div>" + '<a "' * 901 + "'<title>",
    "comments in head": "<head><div></div>" + "<!--" * 9_000 + "<title>",
}


@pytest.mark.parametrize("source", LONG.values(), ids=LONG.keys())
def test_repetition_stays_within_the_limits(source):
    page = extract(response(source, source.encode()))
    assert len(page.text) <= limits.TEXT
    assert len(page.links) <= limits.LINKS
    assert all(len(link.text) <= limits.LINK_TEXT for link in page.links)
    assert len(page.titles) <= limits.HEAD_ELEMENTS
    assert len(page.headings) <= limits.HEADINGS
    assert len(page.resources) <= limits.RESOURCES
    assert all(len(item.types) <= limits.TYPES for item in page.structured_data)


MORE = {
    "headings": "<h2>a</h2>" * 2_001,
    "images": "<img alt=a>" * 10_001,
    "link-elements": "<link rel=a>" * 2_001,
    "links": "<a href=/a>a</a>" * 100_001,
    "meta-elements": "<meta name=a>" * 2_001,
    "resources": "<iframe src=/a></iframe>" * 5_001,
    "robots-directives": "<meta name=robots content=noindex,nofollow>" * 501,
    "structured-data": "<p itemscope>" * 1_001,
    "text": "tea " * 250_001,
    "titles": "<title>a</title>" * 2_001,
}


@pytest.mark.parametrize("kind", MORE)
def test_a_page_says_what_it_has_more_of(kind):
    assert extract(response(MORE[kind])).cut == (kind,)


def test_a_page_within_the_limits_is_whole():
    page = extract(response("<a href=/a>a</a>" * 100_000))
    assert (len(page.links), page.cut) == (100_000, ())


def test_directives_are_kept_up_to_their_limit_of_all_tags_and_headers():
    source = "<meta name=robots content=noindex,nofollow>" * 500
    page = extract(response(source))
    assert (sum(len(robots.directives) for robots in page.robots), page.cut) == (1_000, ())
    page = extract(response(source + "<meta name=googlebot content=none>" + source))
    assert [robots.directives for robots in page.robots[499:]] == [("noindex", "nofollow"), ()]


def test_a_long_base_costs_links_not_memory():
    base = f"<base href='/{'b' * 9_900}/x'>"
    page = extract(response(base + "".join(f"<a href=x{n}>a</a>" for n in range(20_000))))
    assert sum(len(link.url) for link in page.links) < 101_000_000
    assert page.cut == ("links",)


def test_text_of_links_within_links_is_kept_so_often_only(monkeypatch):
    monkeypatch.setattr(limits, "REPEATED_TEXT", 3_000)
    page = extract(response("<a href=x><object>" * 9 + "tea " * 250))
    assert [len(link.text) for link in page.links] == [999, 0, 0, 0, 0, 3, 999, 999, 999]


def test_repetition_is_read_in_process():
    """The pages above test what the parser's helper does not protect."""
    assert [name for name, source in LONG.items() if is_suspicious(source.encode())] == []
