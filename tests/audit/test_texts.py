"""Lengths, not-found phrases and language codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.audit.indexability import same_address
from tasks.audit.languages import LANGUAGES, REGIONS, SCRIPTS, fault_of, language_of
from tasks.audit.length import units
from tasks.audit.not_found import looks_missing
from tasks.audit.phrases import NOT_FOUND


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("Tea", 3),
        ("Thé", 3),
        ("The\u0301", 3),
        ("👩‍👩‍👧‍👦", 1),
        ("🇯🇵", 1),
        ("นี้", 1),
        ("お茶", 4),
        ("が", 2),
        ("か\u3099", 2),
        ("\u1100\u1161\u11a8", 2),
        ("한국", 4),
        ("Ａ、", 4),
        ("Чай", 3),
    ],
)
def test_units(text, expected):
    assert units(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Page not found",
        "PAGE NOT FOUND | Teas",
        "404 Not Found",
        "404 - Page not found - Teas",
        "Error 404 (Not Found)!!1",
        "Teas: Page not found",
        "404 error",
        "HTTP 404",
        "Oops! That page can’t be found.",
        "Sorry, this page isn't available.",
        "Page not found (404)",
        "Seite nicht gefunden – Tee",
        "Page introuvable",
        "ページが見つかりません",
        "404 页面不存在",
        "الصفحة غير موجودة",
        "Ошибка 404",
        "Страница не найдена",
    ],
)
def test_not_found_phrases(text):
    assert looks_missing(text, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "404",
        "Peugeot 404",
        "Error",
        "Errors and how to find them",
        "How to fix 404 Not Found errors",
        "Lost and found",
        "What to do when a page is not found",
        "Fehler",
        "Teas | Home",
    ],
)
def test_other_texts(text):
    assert not looks_missing(text, None)


def test_phrases_are_those_of_the_declared_language_and_english():
    assert looks_missing("Seite nicht gefunden", "de-AT")
    assert looks_missing("Page not found", "de")
    assert not looks_missing("Seite nicht gefunden", "en")
    assert looks_missing("Seite nicht gefunden", "tlh")


def test_every_listed_phrase_is_recognised():
    assert len(NOT_FOUND) >= 12
    assert set(NOT_FOUND) <= LANGUAGES
    for language, phrases in NOT_FOUND.items():
        assert all(looks_missing(phrase, language) for phrase in phrases)


@given(st.text(max_size=400), st.none() | st.text(max_size=10))
def test_no_text_upsets_the_readers(text, language):
    looks_missing(text, language)
    assert units(text) >= 0
    assert (fault_of(text) == "") == (language_of(text) != "" or text.strip().lower() == "x-default")


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("en-UK", '"UK" is no ISO 3166-1 region, GB is meant'),
        ("iw", '"iw" is no ISO 639-1 language, he is meant'),
        ("jp", '"jp" is no ISO 639-1 language, ja is meant'),
        ("en_US", "the parts are joined by a hyphen, not an underscore"),
        ("zh-Hanz", '"Hanz" is no ISO 15924 script'),
        ("en-GB-oed", '"oed" is one part too many'),
        ("en-", '"" is no ISO 3166-1 region'),
        ("", "it is empty"),
        ("en-Latn-US-x-y", '"x-y" is one part too many'),
    ],
)
def test_faults_of_language_codes(code, fault):
    assert fault_of(code) == fault


def test_tables():
    assert (len(LANGUAGES), len(REGIONS)) == (183, 249)
    assert "UK" not in REGIONS
    assert "bh" not in LANGUAGES
    assert all(script.istitle() and len(script) == 4 for script in SCRIPTS)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.org/%7eb", "https://a.org/~b#c", True),
        ("https://a.org/%c3%a9", "https://a.org/%C3%A9", True),
        ("https://a.org/a%2Fb", "https://a.org/a/b", False),
        ("https://a.org/a", "https://a.org/a/", False),
        ("https://a.org/?a=1&b=2", "https://a.org/?b=2&a=1", False),
        ("http://a.org/", "https://a.org/", False),
    ],
)
def test_same_address(one, other, same):
    assert same_address(one, other) is same
