"""Rows for other programs."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report.formats import PAGE_COLUMNS, page_row, write

CET = timezone(timedelta(hours=1))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def written(rows, form, columns=()):
    out = io.StringIO(newline="")
    write(rows, form, out, columns)
    return out.getvalue()


@given(st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=3), max_size=4))
def test_json_and_jsonl_say_the_same(rows):
    assert json.loads(written(rows, "json")) == rows
    lines = written(rows, "jsonl").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == rows
    assert lines[-1] == ""


def test_values_that_json_does_not_know():
    row = {
        "nan": float("nan"),
        "list": [float("inf"), 1.5],
        "when": [
            datetime(2026, 3, 1, 12, tzinfo=UTC),
            datetime(2026, 3, 1, 12, 0, 0, 5),  # noqa: DTZ001 - as DuckDB gives them
            datetime(2026, 3, 1, 14, tzinfo=CET),
        ],
        "day": date(2026, 3, 1),
        "long": timedelta(seconds=90),
        "body": b"caf\xc3\xa9 \xff",
        "money": Decimal("1.50"),
    }
    assert json.loads(written([row], "jsonl")) == {
        "nan": None,
        "list": [None, 1.5],
        "when": ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000005Z", "2026-03-01T13:00:00Z"],
        "day": "2026-03-01",
        "long": 90.0,
        "body": "café \\xff",
        "money": "1.50",
    }


def test_rows_are_written_as_they_come():
    out = io.StringIO()

    def rows():
        yield {"n": 1}
        assert out.getvalue() == '{"n":1}\n'
        yield {"n": 2}

    write(rows(), "jsonl", out)
    assert out.getvalue().count("\n") == 2


def test_streams_of_other_encodings_get_ascii():
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="latin-1")
    write([{"t": "✓é"}], "jsonl", out)
    out.flush()
    assert json.loads(raw.getvalue()) == {"t": "✓é"}


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, ""),
        (True, "true"),
        (-3, "-3"),
        (2.5, "2.5"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ('say "hi", twice\nnow', 'say "hi", twice\nnow'),
        ([1, "a"], '[1,"a"]'),
        ({"a": None}, '{"a":null}'),
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00Z"),
    ],
)
def test_csv_cells(value, read):
    [row] = csv.DictReader(io.StringIO(written([{"c": value, "d": "x"}], "csv", ("c", "d")), newline=""))
    assert row == {"c": read, "d": "x"}


HOSTILE = "\x1b]0;owned\x07 \x9b31m \u202egnp.exe \u2028 \U000e0041 \ud800 caf\u00e9 \u200d\t\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_no_control_character_reaches_a_terminal(form):
    out = Terminal(newline="")
    write([{"t": HOSTILE, "l": [HOSTILE]}], form, out, ("t", "l", "\x1b"))
    assert set(out.getvalue()).isdisjoint(set(HOSTILE) - set("\t\n caf\u00e9 \u200d]0;owned31mgnp.exe"))
    assert "caf\u00e9 \u200d" in out.getvalue()


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_has_no_control_character_and_the_same_value_wherever_it_goes(form):
    text = written([{"t": HOSTILE, HOSTILE: 1}], form)
    assert json.loads(text) in ({"t": HOSTILE, HOSTILE: 1}, [{"t": HOSTILE, HOSTILE: 1}])
    assert not set("\x1b\x07\x9b\u202e\u2028\U000e0041\ud800") & set(text)
    text.encode()


def test_csv_in_a_file_is_as_it_was_stored():
    [row] = csv.DictReader(io.StringIO(written([{"t": HOSTILE}], "csv", ("t",)), newline=""))
    assert row == {"t": HOSTILE}


def test_a_page_that_was_never_fetched_is_a_flat_row_too():
    facts = {"title": None, "meta_description": None, "canonicals": [], "h1": None, "lang": None, "word_count": None,
             "html_length": None, "links": [], "images": []}  # fmt: skip
    page = {"run_id": "r", "page_id": "p", "url": "ftp://x", "final_url": None, "status": None, "outcome": "failed",
            "reason": "bad-url", "redirects": [], "facts": facts, "issues": []}  # fmt: skip
    row = page_row(page)
    assert list(row) == list(PAGE_COLUMNS)
    assert {name: value for name, value in row.items() if value} == {
        "run_id": "r",
        "url": "ftp://x",
        "outcome": "failed",
        "reason": "bad-url",
    }
