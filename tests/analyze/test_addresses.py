"""Addresses in what a model writes: foreign ones in any spelling go, other words stay."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.analyze.addresses import REMOVED, Named

SHOP = "https://shop.example/tea"
NAMED = Named(
    frozenset(
        {
            SHOP,
            "https://shop.com/",
            "https://shop.com/docs/readme.md",
            "mailto:ann@shop.com",
            "https://xn--mller-kva.de/",
        }
    ),
    ["Learn ASP.NET", "Tea"],
)


@pytest.mark.parametrize(
    "foreign",
    [
        "bit.ly/seo-fix", "www.evil.sh/title", "203.0.113.7/x", "203.0.113.7", "[2001:db8::7]:80/x", "fix@evil.com",
        "//evil.zip/a", "evil.ai/login", "evil.gg", "goo.gl/x", "ｅｖｉｌ．ｃｏｍ/x", "evil。com", "℀.com", "evil.com_",
        "\u0430\u0440\u0440\u04cf\u0435.com", "\u0430\u0440\u0440\u04cf\u0435。com", "e\u200dvil.c\u200dom",
        "@evil.com", "a.b.c.d.e.f.g.h.evil.com", "mailto:a@b", "file:///etc/passwd", "slack://x", "tel:+491234",
        "javascript:alert", "https:evil", "HTTPS:\\\\evil", "\\\\evil\\x", "пример.рф", "例え.みんな", "evil.xn--p1ai",
        "evil.com:8080/x", "user:pw@evil.com/x", "shop.com.evil.com", "shop.com/other", "https://shop.example/other",
        "https://shop.example@evil.com/", "evil.co.uk?x=1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("around", ["{}", "See {}, now", "({})", "“{}”", "see：{}", "x {}\u00a0y", "访问 {} 查看"])
def test_foreign_addresses_are_removed(foreign, around):
    kept = NAMED.only(around.format(foreign))
    assert REMOVED in kept
    left = kept.replace(REMOVED, "")
    for part in ("evil", "com", "203", "db8", "bit", "goo", "tel", "/x", "пример", "例え", "other"):
        assert part not in left.replace("ｃｏｍ", "com"), kept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x/evil.com", f"x/{REMOVED}"),
        ("visit evil.com.Then go on", f"visit {REMOVED}.Then go on"),
        ("index.html/evil.com and node.js#evil.com", f"index.html/{REMOVED} and node.js#{REMOVED}"),
        ("evil.com/a@b.zzz", REMOVED),
        ("请访问evil.com查看", f"{REMOVED}查看"),
        ("10:30:45/evil.com", f"10:30:45/{REMOVED}"),
    ],
)
def test_what_stands_around_hides_none(text, expected):
    assert NAMED.only(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Use Node.js and Vue.js, e.g. in index.html, i.e. at the top.",
        "Shorten the title.Keep the words; from 3.5 to 4.2, version 1.2.3, at 10:30:45, ratio 16:9.",
        "Set og:title, article:published_time and twitter:card; h1::before; and/or; 24/7; @type and @context.",
        "Structured data: add Product. Note:this. metadata:title. a.m. and U.S. readers, Ph.D. theses, No.1.",
        "Put it into robots.txt, sitemap.xml, styles.css, logo.png and image.webp.",
        "See schema.org, schema.org/Product or https://schema.org/InStock.",
        f"Link {SHOP}, or shop.com/, or shop.com.",
        "Write to ann@shop.com, see readme.md, müller.de and Learn ASP.NET.",
        "标题太短。AI 很好。标题。Keep",
        "Add a hash (#top) and a path such as /tea/green or /tea//green?page=2.",
        "Café… naïve — “quoted” words ﬁt; x = y.z",
    ],
)
def test_other_words_stay(text):
    assert NAMED.only(text) == text


@given(st.text(alphabet=st.sampled_from("ab.:/@-xco m1[]?#。\\．é中")) | st.text())
def test_no_text_breaks_it_and_twice_is_once(text):
    once = NAMED.only(text)
    assert NAMED.only(once) == once


@pytest.mark.parametrize("piece", ["a", "a.", "a@", "a:", "1.2.3.", "。a", "é."])
def test_long_words_take_no_time(piece):
    began = time.process_time()
    NAMED.only(piece * 4000)
    assert time.process_time() - began < 2
