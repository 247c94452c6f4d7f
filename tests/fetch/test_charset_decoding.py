import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webencodings.labels import LABELS

from tasks.fetch.charset import Decoded, decode, text_of
from tasks.fetch.prescan import prescan

LATIN = "é€".encode("windows-1252")


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", None, Decoded("", "utf-8")),
        (b"abc", None, Decoded("abc", "utf-8")),
        ("é".encode(), None, Decoded("é", "utf-8")),
        (LATIN, None, Decoded("é€", "windows-1252")),
        (b"\x81\x8d", None, Decoded("\x81\x8d", "windows-1252")),
        (LATIN, "text/html; charset=utf-8", Decoded("\ufffd", "utf-8")),
        ("é".encode(), "text/html;charset=iso-8859-1", Decoded("Ã©", "windows-1252")),
        (b"\xef\xbb\xbfa", "text/html; charset=latin1", Decoded("a", "utf-8")),
        (b"\xff\xfea\0", "text/html; charset=utf-8", Decoded("a", "utf-16le")),
        (b"\xfe\xff\0a", None, Decoded("a", "utf-16be")),
        (b"a\0", "text/html; charset=utf-16", Decoded("a", "utf-16le")),
        (b"a\0b", "text/html; charset=utf-16", Decoded("a\ufffd", "utf-16le")),
        (b"\x83\x65", "text/html; charset=sjis", Decoded("テ", "shift_jis")),
        (b"\x80", "text/html; charset=gb2312", Decoded("€", "gbk")),
        (b"\x81\x30\x81\x30", "text/html; charset=gbk", Decoded("\x80", "gbk")),
        (b"\xaa", "text/html; charset=windows-1253", Decoded("\ufffd", "windows-1253")),
        (b"\xc4", "text/html; charset=koi8-r", Decoded("д", "koi8-r")),
        (b"\x80", "text/html; charset=x-user-defined", Decoded("\uf780", "x-user-defined")),
        (b"abc", "text/html; charset=iso-2022-kr", Decoded("\ufffd", "replacement")),
        (b"", "text/html; charset=hz-gb-2312", Decoded("", "replacement")),
    ],
)
def test_encoding_is_found_as_browsers_do(body, content_type, expected):
    assert decode(body, content_type) == expected


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html; charset=KOI8-R",
        'text/html; charset="koi8-r"',
        'text/html; charset="koi8\\-r"',
        "text/html;CHARSET=koi8-r",
        "text/html; a=b; charset=koi8-r",
        'text/html; a="; charset=utf-8"; charset=koi8-r',
        "text/html; charset=koi8-r; charset=utf-8",
        "text/html; charset= koi8-r ",
        'text/html; charset="koi8-r',
    ],
)
def test_charset_parameter(content_type):
    assert decode(b"\xc4", content_type).encoding == "koi8-r"


HOSTILE_LABELS = ["utf-7", "idna", "zlib_codec", "zlib", "hex", "rot13", "undefined", "unicode_escape", "punycode",
                  "raw_unicode_escape", "mbcs", "utf-32", "x" * 60_000, "\0", "é", "\ud800", "K", ""]  # fmt: skip


@pytest.mark.parametrize("label", HOSTILE_LABELS)
def test_unknown_labels_are_not_honoured(label):
    body = b"+ADw-script+AD4- \\u0041"
    assert decode(body, f"text/html; charset={label}") == Decoded(body.decode(), "utf-8")
    meta = f'<meta charset="{label[:500]}">'.encode("utf-8", "replace")
    assert decode(meta, None) == Decoded(meta.decode(), "utf-8")


@pytest.mark.parametrize("label", sorted(LABELS))
def test_every_label_of_the_standard_decodes_every_byte(label):
    body = bytes(range(256)) * 2
    decoded = decode(body, f"text/html; charset={label}")
    assert decoded.encoding == LABELS[label]
    assert decoded.text == text_of(body, decoded.encoding) != ""


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"<meta charset=koi8-r>", "koi8-r"),
        (b"<META CHARSET='koi8-r'>", "koi8-r"),
        (b'<meta\tname=x charset = "koi8-r" >', "koi8-r"),
        (b"<meta/charset=koi8-r/>", None),
        (b"<meta/charset=koi8-r />", "koi8-r"),
        (b'<meta http-equiv=Content-Type content="text/html; charset=koi8-r">', "koi8-r"),
        (b'<meta content="text/html; charset=koi8-r" http-equiv=content-type>', "koi8-r"),
        (b"<meta http-equiv=content-type content='a;charset = \"koi8-r\"'>", "koi8-r"),
        (b'<meta content="text/html; charset=koi8-r">', None),
        (b'<meta http-equiv=refresh content="text/html; charset=koi8-r">', None),
        (b"<meta charset=bogus><meta charset=koi8-r>", "koi8-r"),
        (b"<meta charset=koi8-r charset=utf-8>", "koi8-r"),
        (b"<meta charset=utf-16>", "utf-8"),
        (b"<meta charset=utf-16be>", "utf-8"),
        (b"<meta charset=x-user-defined>", "windows-1252"),
        (b"<!-- <meta charset=utf-8> --><meta charset=koi8-r>", "koi8-r"),
        (b"<!--><meta charset=koi8-r>", "koi8-r"),
        (b"<!doctype html><title>a>b</title><meta charset=koi8-r>", "koi8-r"),
        (b"<a title='<meta charset=utf-8>'><meta charset=koi8-r>", "koi8-r"),
        (b"<a title='><meta charset=koi8-r>", None),
        (b"</p <meta charset=utf-8><meta charset=koi8-r>", "koi8-r"),
        (b"<? <meta charset=utf-8> ?><meta charset=koi8-r>", "koi8-r"),
        (b"a < b <meta charset=koi8-r>", "koi8-r"),
        (b"<metadata charset=utf-8><meta charset=koi8-r>", "koi8-r"),
        (b"<meta charset=koi8-r", None),
        (b"<meta =charset=koi8-r>", None),
        (b" " * 1003 + b"<meta charset=koi8-r>", "koi8-r"),
        (b" " * 1004 + b"<meta charset=koi8-r>", None),
        (b'<?xml version="1.0" encoding="koi8-r"?><html>', "koi8-r"),
        (b"<?xml version='1.0' encoding='utf-16'?>", "utf-8"),
        (b'<?xml version="1.0" encoding="koi8-r"', None),
        (b"<\0?\0x\0m\0l\0", "utf-16le"),
        (b"\0<\0?\0x\0m\0l", "utf-16be"),
    ],
)
def test_prescan(head, expected):
    assert prescan(head) == expected


def test_header_wins_over_meta():
    assert decode(b"<meta charset=koi8-r>\xc4", "text/html; charset=windows-1252").text.endswith("Ä")


LATE, CYRILLIC = b" " * 1100, "Привет".encode("windows-1251")
META = b"<meta charset=windows-1251>"


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"<script>'<meta charset=koi8-r>'</script>",
        b"<!-- <meta charset=koi8-r> -->",
        b"<title><meta charset=koi8-r></title>",
        b"<meta name=a content=b><meta charset=none><p>",
        b"<script>1</script>" * 200,
    ],
)
@pytest.mark.parametrize("meta", [META, b'<META http-equiv=content-type content="text/html; charset=windows-1251" />'])
def test_a_late_meta_counts_where_nothing_else_says_it(before, meta):
    body = LATE + before + meta + CYRILLIC
    assert decode(body, "text/html") == Decoded(body.decode("windows-1251"), "windows-1251")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (LATE + META + "Привет".encode(), "utf-8"),
        (LATE + META + b"abc", "utf-8"),
        (LATE + b"<!--" + META + CYRILLIC, "windows-1252"),
        (LATE + b"<script>" + META + CYRILLIC, "windows-1252"),
        (LATE + b"<meta charset=windows-1251" + CYRILLIC, "windows-1252"),
        (b"<meta charset=koi8-r>" + LATE + META + CYRILLIC, "koi8-r"),
        (LATE + b"<meta charset=utf-16>" + CYRILLIC, "utf-8"),
        (b" " * 300_000 + META + CYRILLIC, "windows-1252"),
    ],
)
def test_where_a_late_meta_does_not_count(body, encoding):
    assert decode(body, "text/html").encoding == encoding


@pytest.mark.parametrize(
    "unit", [b"<!--", b"<script ", b"<meta ", b"<meta charset=x>", b"<script></script", b"<title>"]
)
def test_bodies_of_nothing_but_beginnings_are_read_in_time(unit):
    started = time.process_time()
    decode(LATE + unit * 100_000 + b"\xff", None)
    assert time.process_time() - started < 1


@given(body=st.binary(max_size=3000), content_type=st.none() | st.text(max_size=80))
def test_any_bytes_decode(body, content_type):
    decoded = decode(body, content_type)
    assert decoded.encoding in {*LABELS.values()}
    assert text_of(body, decoded.encoding) == decoded.text
    decoded.text.encode("utf-8")  # no lone surrogates


MARKUP = st.lists(
    st.sampled_from([b"<", b"<meta ", b">", b"charset", b"=", b"utf-8", b"'", b'"', b" ", b"/", b"<!--", b"-->",
                     b"<?xml", b"http-equiv=content-type", b"content", b"encoding", b"a", b"\0", b"\xff"]),
    max_size=120,
)  # fmt: skip


@given(pieces=MARKUP)
def test_prescan_of_any_markup(pieces):
    assert prescan(b"".join(pieces)) in {None, "utf-8"}


@given(text=st.text(max_size=500))
def test_utf8_survives(text):
    assert decode(b"\xef\xbb\xbf" + text.encode(), None) == Decoded(text, "utf-8")
    assert decode(text.encode(), "text/html; charset=UTF-8").text == text.removeprefix("\ufeff")
