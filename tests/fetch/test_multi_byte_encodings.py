"""Codes by the indexes of https://encoding.spec.whatwg.org/ where Python's codecs know none, or others."""

import time

import pytest

from tasks.fetch.charset import decode

BAD = "\N{REPLACEMENT CHARACTER}"


def read(encoding, body):
    return decode(body, f"text/html; charset={encoding}").text


def jis(row, cell, first=0xA0):
    return bytes([first + row, first + cell])


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        ("euc-jp", b"\xad\xea\xa5\xc6\xa5\xb9\xa5\xc8 \xad\xa1", "㈱テスト ①"),
        ("euc-jp", jis(13, 92), "∪"),
        ("euc-jp", jis(89, 1), "纊"),
        ("euc-jp", jis(92, 94), "＂"),
        ("euc-jp", b"\xfc\xe2", "髙"),
        ("euc-jp", b"\xa1\xc1\xa1\xc2\xa1\xdd\xa1\xf1\xa1\xf2\xa2\xcc\xa1\xc0", "～∥－￠￡￢＼"),
        ("euc-jp", b"\x8e\xb1\x8f\xb0\xa1~\\", "ｱ丂~\\"),
        ("euc-jp", b"\xa9\xa1\xa4\xa2", f"{BAD}あ"),  # what follows stays in step
        ("euc-jp", b"\xad<p>\xa4\xa2\xad", f"{BAD}<p>あ{BAD}"),
        ("euc-jp", b"\xff\xa4\xa2", f"{BAD}あ"),
        ("iso-2022-jp", b"\x1b$B\x2d\x6a%F\x1b(B \x1b(I1\x1b(B!", "㈱テ ｱ!"),
        ("iso-2022-jp", b"\x1b$B\x21\x41\x1b(B~\x1b(J~", "～~‾"),
        ("iso-2022-jp", b"\xad\xa1", BAD * 2),
        ("shift_jis", b"\x87\x40\x81\x60\x81\x7c\x80\xf0\x40", "①～－\x80\ue000"),
        ("shift_jis", b"\xa0\xfd", BAD * 2),
        ("big5", b"\xa3\xe1\xa1\x45\xa1\xe3\xc6\xcf\x88\x62", "€‧～廴Ê̄"),
        ("big5", b"\xa4\xa4\x80<\xa1<", f"中{BAD}<{BAD}<"),
        ("gbk", b"\x80 100 \xd6\xd0\x80\xa2\xe3\xa3\xa0", "€ 100 中€€\N{IDEOGRAPHIC SPACE}"),
        ("gb18030", b"\x80\x81\x80\x90\x30\x81\x30", "€亐\U00010000"),
        ("gbk", b"\xff\xd6\xd0", f"{BAD}中"),
        ("euc-kr", b"\xb0\xa1\x81\x41\xc9\xa1\xb0\xa1", f"가갂{BAD}가"),
        ("koi8-u", b"\xae\xbe\xa4", "ўЎє"),
        ("windows-1255", b"\xca", "\u05ba"),
    ],
)
def test_codes_of_the_standard(encoding, body, text):
    assert read(encoding, body) == text


@pytest.mark.parametrize("row", [13, 89, 90, 91, 92])
def test_the_rows_of_nec_are_those_of_shift_jis(row):
    lead, odd = divmod(row - 1, 2)
    for cell in range(1, 95):
        trail = cell + 0x9E if odd else cell + 0x3F + (cell > 63)
        character = read("shift_jis", bytes([lead + (0x81 if row <= 62 else 0xC1), trail]))
        expected = (BAD if BAD in character else character) + "-"
        assert read("euc-jp", jis(row, cell) + b"-") == expected
        assert read("iso-2022-jp", b"\x1b$B" + jis(row, cell, 0x20) + b"\x1b(B-") == expected


@pytest.mark.parametrize("encoding", ["euc-jp", "iso-2022-jp", "big5", "gbk", "euc-kr"])
@pytest.mark.parametrize("unit", [b"\xff", b"\xad\xa1a", b"\x80", b"\xa3\xe1"])
def test_bodies_of_nothing_else_are_read_in_time(encoding, unit):
    body = unit * (2_000_000 // len(unit))
    started = time.process_time()
    assert read(encoding, body)
    assert time.process_time() - started < 1
