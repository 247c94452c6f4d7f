"""Commands that only read, against a real data folder."""

import csv
import io
import json
import re
import shlex
import subprocess
import sys

import pytest

from tasks.model import Severity
from tasks.store import Found, Limits, RunSpec, RunState, Store
from tests.cli.conftest import issue, response, scanned, store_run

HOME, TEA = "https://tea.example/", "https://tea.example/tea"


def test_issues_are_grouped_by_rule_most_severe_first(seo, data, batch_id):
    status, out, err = seo("issues", batch_id, "--data", data)
    assert status == 0
    rules = re.findall(r"^(error|warning|notice) +([\w-]+)  (.*)$", out, re.MULTILINE)
    assert rules == [
        ("error", "fetch-failed", "1 on 1 page"),
        ("error", "http-4xx", "1 on 1 page"),
        ("notice", "title-too-short", "2 on 2 pages"),
        ("notice", "redirect-permanent", "1 on 1 page"),
    ]
    assert out.index(HOME) < out.index(TEA)
    assert batch_id in err


def test_issues_default_to_the_newest_run(seo, data, batch_id):
    _, out, _ = seo("issues", "--data", data, "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["rule"] for row in rows] == ["title-too-short"]
    assert rows[0]["run_id"] != batch_id


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        (["--rule", "http-4xx"], ["http-4xx"]),
        (["--severity", "error"], ["fetch-failed", "http-4xx"]),
        (["--url", "tea.example/old"], ["redirect-permanent"]),
        (["--severity", "warning"], []),
    ],
)
def test_issues_can_be_narrowed(seo, data, batch_id, options, rules):
    status, out, err = seo("issues", batch_id, "--data", data, "--format", "json", *options)
    assert (status, err) == (0, "")
    assert [row["rule"] for row in json.loads(out)] == rules


def test_more_of_a_rule_is_shown_by_a_command_that_names_the_run(seo, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("deployments.cli.results.EXAMPLES_OF_ONE", 4)
    with Store.open(tmp_path) as store:
        pages = [scanned(f"{HOME}{n}", response(f"{HOME}{n}", 404), issues=[issue("http-4xx", Severity.ERROR)])
                 for n in range(5)]  # fmt: skip
        run_id = store_run(store, "batch", pages).run_id
        store_run(store, "batch", pages[:4])
    of_run = seo("issues", run_id, "--data", tmp_path)[1].splitlines()[-1].strip()
    assert of_run == f"… 2 more: seo issues {run_id} --data {tmp_path} --rule http-4xx"
    of_rule = seo(*shlex.split(of_run)[4:])[1].splitlines()
    assert (len(of_rule), of_rule[-1].strip()) == (10, "… 1 more: --format csv or jsonl writes all")


def test_issue_rows_have_the_documented_columns(seo, data, batch_id):
    _, out, _ = seo("issues", batch_id, "--data", data, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == [
        "run_id", "page_id", "url", "rule", "severity", "category", "message", "evidence", "fingerprint"
    ]  # fmt: skip
    assert len(rows) == 5


def test_a_page_is_shown_with_its_facts_and_how_to_fix_its_issues(seo, data):
    status, out, err = seo("page", "tea.example", "--data", data)
    assert (status, err) == (0, "")
    assert out.startswith(HOME)
    assert "(17 characters, 31 px)" in out
    assert "7 words, 1 link (1 internal), 0 images, 45 bytes of HTML" in out
    assert "more than is kept: images, links" in out
    assert "title-too-short" in out
    assert "→ " in out


def test_control_characters_of_pages_never_reach_the_terminal(seo, data, batch_id):
    for command in (["page", HOME], ["issues", batch_id], ["sql", "SELECT title FROM pages"]):
        _, out, _ = seo(*command, "--data", data)
        assert "\x1b" not in out
    assert "\\x1b[31m" in out


def test_page_object_has_the_shape_that_others_build_on(seo, data, batch_id):
    _, out, _ = seo("page", "https://tea.example/old", "--data", data, "--format", "json", "--all-results")
    [page] = json.loads(out)
    assert page["run_id"] == batch_id
    assert (page["url"], page["final_url"], page["status"]) == ("https://tea.example/old", TEA, 200)
    assert (page["outcome"], page["reason"]) == ("completed", None)
    assert page["redirects"] == [{"url": "https://tea.example/old", "status": 301, "location": "/tea"}]
    assert page["facts"]["title"] == "Tea"
    assert page["facts"]["cut"] == ["images", "links"]
    assert page["issues"][0]["evidence"] == {"observed": 3}
    assert page["results"] == [{"rule": "redirect-permanent", "outcome": "fail", "why": ""}]


def test_page_of_a_named_run(seo, data, batch_id):
    _, newest, _ = seo("page", HOME, "--data", data, "--format", "jsonl")
    _, named, _ = seo("page", HOME, "--run", batch_id[:-1], "--data", data, "--format", "jsonl")
    assert json.loads(newest)["run_id"] != batch_id
    assert json.loads(named)["run_id"] == batch_id


def test_stored_source_is_printed_byte_for_byte(data):
    code = "import sys; from deployments.cli.app import run; sys.exit(run(sys.argv[1:]))"
    found = subprocess.run(
        [sys.executable, "-c", code, "page", HOME, "--html", "--data", str(data)], capture_output=True, check=True
    )
    assert found.stdout == b"<!doctype html><title>Tea</title><h1>T\xc3\xa9</h1>"


@pytest.mark.parametrize(
    ("encoding", "body", "shown"),
    [
        ("windows-874", "<title>ชา</title>".encode("cp874"), "<title>ชา</title>"),
        ("iso-8859-8-i", "<title>תה</title>".encode("iso-8859-8"), "<title>תה</title>"),
        ("euc-kr", "<title>뷁</title>".encode("cp949"), "<title>뷁</title>"),
        ("utf-8", b"\xef\xbb\xbf<ul>\n\t<li>\x1b[2J", "<ul>\n\t<li>\\x1b[2J"),
    ],
)
def test_a_terminal_is_shown_the_source_as_browsers_read_it(
    seo, tmp_path, stored_page, monkeypatch, encoding, body, shown
):
    stored_page(tmp_path, body, encoding)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert seo("page", HOME, "--html", "--data", tmp_path) == (0, f"{shown}\n", "")


def test_csv_cells_are_no_formulas(seo, data):
    _, out, _ = seo("page", TEA, "--data", data, "--format", "csv")
    [row] = csv.DictReader(io.StringIO(out))
    assert row["title"] == "'=1+1"
    assert (row["status"], row["word_count"], row["notices"]) == ("200", "7", "1")


def test_runs_newest_first(seo, data, batch_id):
    _, out, _ = seo("runs", "--data", data, "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["kind"] for row in rows] == ["scan", "batch"]
    assert rows[1]["run_id"] == batch_id
    assert rows[1]["state"] == "completed"
    assert seo("runs", "--data", data)[1].splitlines()[0].split()[:3] == ["run", "kind", "state"]


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (80, ["run", "kind", "state", "pages", "started", "(UTC)"]),
        (100, ["run", "kind", "state", "pages", "cached", "pages/s", "started", "(UTC)"]),
    ],
)
def test_a_run_id_is_whole_in_any_width(seo, tmp_path, monkeypatch, width, columns):
    with Store.open(tmp_path) as store:
        run = store.start_run(RunSpec(kind="crawl", limits=Limits(max_pages=1)))
        store.commit(run.run_id, run.epoch, "h", found=[Found(f"{HOME}{n}", str(n), depth=0) for n in range(1234)])
        store.lease(run.run_id, run.epoch, "h", 1)
        store.finish_run(run.run_id, run.epoch, RunState.COMPLETED)
    monkeypatch.setenv("COLUMNS", str(width))
    heading, row, *_ = seo("runs", "--data", tmp_path)[1].splitlines()
    assert heading.split() == columns
    assert row.split()[0] == run.run_id
    assert f"{run.started_at:%Y-%m-%d %H:%M:%S}" in row
    assert len(row.rstrip()) <= width


@pytest.mark.parametrize(
    ("pages", "leave", "state", "expected"),
    [
        (5, 0, RunState.COMPLETED, "completed: 5 pages"),
        (1, 0, RunState.FAILED, "failed: 1 page"),
        (5, 2, RunState.INTERRUPTED, "interrupted, incomplete: 3 of 5 pages"),
    ],
)
def test_issues_begin_with_how_far_the_run_got(seo, tmp_path, stored, pages, leave, state, expected):
    run = stored(tmp_path, pages, leave=leave, state=state)
    assert seo("issues", "--data", tmp_path)[2] == f"run {run.run_id} ({expected})\n"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("jsonl", '{"n":1,"t":"a"}\n{"n":null,"t":"=b"}\n'),
        ("json", '[\n{"n":1,"t":"a"},\n{"n":null,"t":"=b"}\n]\n'),
        ("csv", "n,t\n1,a\n,'=b\n"),
    ],
)
def test_sql_in_each_format(seo, data, form, expected):
    query = "SELECT * FROM (VALUES (1, 'a'), (NULL, '=b')) AS v(n, t)"
    assert seo("sql", query, "--data", data, "--format", form) == (0, expected, "")


@pytest.mark.parametrize("width", [60, 120])
def test_rows_with_more_columns_than_a_line_takes_are_lists_of_all_their_values(seo, data, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    columns = json.loads(seo("sql", "SELECT * FROM pages LIMIT 1", "--data", data, "--format", "jsonl")[1])
    out = seo("sql", "SELECT * FROM pages ORDER BY url, run_id LIMIT 2", "--data", data)[1]
    lists = [[line.split() for line in one.splitlines() if line[0] != " "] for one in out.split("\n\n")]
    assert [[name for name, *_ in one] for one in lists] == [list(columns)] * 2
    assert [words[1] for one in lists for words in one if words[0] == "url"] == ["https://down.example/", HOME]
    assert seo("sql", "SELECT * FROM pages LIMIT 0", "--data", data)[1] == "no rows\n"


def test_long_values_of_few_columns_are_folded_in_a_table(seo, data, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    query = "SELECT 1 AS n, repeat('ab ', 12) AS words, 'cd' AS t"
    assert [line.split() for line in seo("sql", query, "--data", data)[1].splitlines()] == [
        ["n", "words", "t"], ["1", *["ab"] * 11, "cd"], ["ab"]
    ]  # fmt: skip


def test_sql_of_nothing_is_an_empty_array(seo, data):
    assert seo("sql", "SELECT 1 AS n WHERE false", "--data", data, "--format", "json")[1] == "[]\n"


@pytest.mark.parametrize(
    "query",
    [
        "DROP VIEW pages",
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY pages TO '/tmp/x.csv'",
        "SELEC 1",
        "SELECT nope",
    ],
)
def test_sql_that_is_refused_or_wrong_is_wrong_usage(seo, data, query):
    status, out, err = seo("sql", query, "--data", data)
    assert (status, out) == (2, "")
    assert err.startswith("seo: ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["issues", "2019"], "did you mean"),
        (["issues", "--rule", "title-too-lng"], "did you mean title-too-long?"),
        (["page", "https://tea.example/teaa"], "did you mean https://tea.example/tea?"),
        (["page", HOME, "--run", "nope"], "`seo runs` lists all"),
        (["resume", "nope"], "`seo runs` lists all"),
        (["runs", "--limit", "0"], "must be 1 or more"),
    ],
)
def test_what_does_not_exist_is_answered_with_the_nearest(seo, data, argv, message):
    status, out, err = seo(*argv, "--data", data)
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "argv",
    [
        ["runs", "--limit"],
        ["notifications", "--limit"],
        ["notifications", "read"],
        ["outbox", "list", "--limit"],
        ["store", "compact", "--above"],
        ["templates", "show"],
        ["templates", "activate"],
        ["analyze", HOME, "--template"],
        ["resume", "--max-depth"],
    ],
)
def test_a_number_larger_than_anything_is_wrong_usage(seo, data, argv):
    status, out, err = seo(*argv, 10**20, "--data", data)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert " to 1000000000" in err
    assert seo("runs", "--limit", 10**9, "--data", data)[0] == 0


@pytest.mark.parametrize("command", [["issues"], ["runs"], ["resume"], ["page", HOME], ["sql", "SELECT 1"]])
def test_reading_never_makes_a_data_folder(seo, tmp_path, command):
    folder = tmp_path / "nowhere"
    status, _, err = seo(*command, "--data", folder)
    assert status == 2
    assert "name another folder with --data" in err
    assert not folder.exists()


def test_data_folder_comes_from_the_environment(seo, data, monkeypatch):
    monkeypatch.setenv("SEO_DATA", str(data))
    assert seo("sql", "SELECT count(*) AS n FROM pages", "--format", "jsonl")[1] == '{"n":6}\n'
