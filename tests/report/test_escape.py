"""Untrusted text where it leaves."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report.escape import cell, markdown, terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – text", "plain – text"),
        ("a\r\n\tb", "a b"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("a\u2028b\ud800", "a\\u2028b\\ud800"),
        ("no\xa0break 👩\u200d💻", "no\xa0break 👩\u200d💻"),
    ],
)
def test_terminal(text, shown):
    assert terminal(text) == shown


def test_terminal_cuts():
    assert terminal("abcdef", 4) == "abc…"
    assert terminal("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a&#124;b"),
        ("<script>", "&#60;script&#62;"),
        ("[x](javascript:alert(1))", "&#91;x&#93;&#40;javascript:alert&#40;1&#41;&#41;"),
        ("`code` & *more*", "&#96;code&#96; &#38; &#42;more&#42;"),
        ("line\n# heading", "line &#35; heading"),
    ],
)
def test_markdown(text, shown):
    assert markdown(text) == shown


@given(st.text())
def test_markdown_never_holds_markup(text):
    shown = markdown(text)
    assert not set("<>|`[]()*_~!\\\n\r\x1b") & set(shown)


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "-", "+1-1"])
def test_formulas_are_quoted(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=b", "-1", "+3.5", "-1e9", "https://a.example/?a=b", " =1"])
def test_other_cells_stay(text):
    assert cell(text) == text


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_no_cell_read_back_from_csv_begins_a_formula(text):
    out = io.StringIO()
    csv.writer(out).writerow([cell(text)])
    [row] = csv.reader(io.StringIO(out.getvalue(), newline=""))
    read = row[0] if row else ""
    assert not read.startswith(("=", "@", "\t", "\r"))
