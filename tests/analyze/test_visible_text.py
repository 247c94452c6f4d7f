"""What people see, and what is kept from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.analyze.subject import subject_of
from tasks.analyze.visible import clean, hides, visible
from tasks.urls import page_id
from tests.analyze.pages import PAGE, URL, keep


def shown(body, head=""):
    found = visible(f"<html><head>{head}</head><body>{body}</body></html>", 1000)
    return found.text, found.hidden


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>Green</p><p>tea</p>", ("Green tea", 0)),
        ("Gr<b>ee</b>n", ("Green", 0)),
        ("<p>Green<br>tea</p>", ("Green tea", 0)),
        ("<p>a<!-- b -->c</p>", ("ac", 0)),
        ("<p>Tea</p><p hidden>two words</p>", ("Tea", 2)),
        ('<p>Tea</p><div style="display:none"><p>two <b>words</b></p></div>', ("Tea", 2)),
        ("<p>Tea</p><script>var a</script><style>p{}</style><noscript>no</noscript>", ("Tea", 0)),
        ("<p>Te\u200ba\u00ad</p>", ("Tea", 0)),
        ("<p>می‌خواهم</p>", ("می‌خواهم", 0)),
        ("<ul><li>a<li>b</ul>", ("a b", 0)),
        ("<details><summary>More</summary>tea</details>", ("More tea", 0)),
    ],
)
def test_text_is_what_people_read(body, expected):
    assert shown(body) == expected


@pytest.mark.parametrize(
    "style",
    [
        "display: none",
        "DISPLAY:NONE !important",
        "visibility:hidden",
        "opacity:0",
        "opacity: 0.0;color:red",
        "opacity:0%",
        "font-size:0",
        "font-size: 0.1px",
        "position:absolute;left:-10000px",
        "text-indent:-9999px",
        "height:0;overflow:hidden",
        "clip: rect(0,0,0,0)",
        "clip-path: inset(50%)",
        "transform:scale(0)",
        "color:transparent",
        "color: rgba(0, 0, 0, 0)",
        "color:#fff;background-color:white",
        "background:#000000;color:rgb(0,0,0)",
    ],
)
def test_styles_that_hide(style):
    assert hides(style)
    assert shown(f'<p>Tea</p><p style="{style}">order</p>') == ("Tea", 1)


@pytest.mark.parametrize(
    "style",
    [
        "",
        "opacity:0.5",
        "font-size:0.9em",
        "font-size:12px",
        "left:-10px",
        "line-height:0.5",
        "min-height:0",
        "color:#fff",
        "color:#fff;background:#000",
        "background-color:white;color:black",
        "border-color:transparent",
        "height:100px",
    ],
)
def test_styles_that_do_not(style):
    assert not hides(style)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("<style>.x{display:none}</style>", '<p class="a x">order</p>'),
        ("<style>p, .y , #z {opacity:0}</style>", '<p id="z">order</p>'),
        ("<style>@media all{div.q{visibility:hidden}}</style>", '<div class="q">order</div>'),
        ("<style>a{}</style><style>.late{font-size:0}</style>", '<b class="late">order</b>'),
    ],
)
def test_names_that_the_page_hides_by_its_own_styles(head, body):
    assert shown(f"<p>Tea</p>{body}", head) == ("Tea", 1)


def test_another_element_with_the_name_is_seen():
    assert shown('<p class="x">Tea</p>', "<style>div.x{display:none}</style>") == ("Tea", 0)


def test_no_more_than_wanted_and_nothing_of_a_page_made_to_be_slow():
    assert len(visible("<p>" + "tea " * 1000, 100).text) == 100
    assert visible("<div>" * 100_000, 100) is None


def test_styles_made_to_be_slow_are_read():
    hostile = "<style>" + ".a" * 10_000 + "{" * 10_000 + "}" * 10_000 + ",.b" * 5_000 + "{display:none}</style><p>Tea"
    assert visible(hostile, 100).text == "Tea"


@pytest.mark.parametrize(("encoding", "codec", "text"), [("windows-874", "cp874", "ชา"), ("euc-kr", "cp949", "뷁 차")])
def test_a_source_is_read_in_the_encoding_that_browsers_take(store, encoding, codec, text):
    keep(store, {URL: PAGE})
    page = store.latest_page(page_id("default", URL))
    page["facts"]["encoding"] = encoding
    assert subject_of(page, f"<p>{text}</p>".encode(codec)).text == text


@given(st.text(max_size=300))
def test_any_source_is_read(source):
    found = visible(source, 200)
    assert found is None or found.text == clean(found.text)
