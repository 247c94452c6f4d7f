"""Wrong usage: one clear line, status 2, nothing on stdout; help and version."""

import io
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.cli import start
from deployments.cli.options import Place, duration


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["scna"], 'Did you mean "scan"'),
        (["scan"], "no URL: write an address"),
        (["scan", "https://a.example", "--frmat", "json"], "Did you mean --format"),
        (["scan", "https://a.example", "--format", "xml"], '"table", "json", "jsonl", "csv"'),
        (["scan", "https://a.example", "--fail-on", "fatal"], '"error", "warning", "notice"'),
        (["scan", "https://a.example", "--rate", "-1"], "must be 0 or more"),
        (["scan", "https://a.example", "--rate", "nan"], "must be 0 or more"),
        (["scan", "https://a.example", "--concurrency", "0"], "must be 1 to 256"),
        (["scan", "https://a.example", "--timeout", "0"], "must be longer than 0"),
        (["scan", "https://a.example", "--allow", "localhost"], "is no host:port"),
        (["scan", "https://a.example", "--user-agent", "Mäuse"], "user agent Mäuse: only printable ASCII can be sent"),
        (["scan", "https://a.example", "--select", "title-too-lng"], "did you mean title-too-long?"),
        (["scan", "htp://a.example"], "only http and https addresses are scanned"),
        (["scan", "https://u:p@a.example/"], "carries a user name or password"),
        (["scan", "https://a.example", "\x1b[2J"], "not a URL: \\x1b[2J"),
        (["batch"], "requires an argument"),
        (["batch", "/nonexistent/list"], "no such file: /nonexistent/list"),
        (["batch", "/"], "is a folder"),
        (["batch", "--frmat"], "unknown option --frmat"),
        (["batch", "/dev/null", "extra"], "extra"),
        (["scan", "https://a.example", "--data", "/dev/null"], "cannot use data folder /dev/null"),
        (["runs", "--data", "/dev/null"], "no results in /dev/null"),
        (["batch", "/dev/null", "--max-age", "soon"], "write 24h, 30m, 90s, 7d or 0"),
        (["rules", "title-too-lng"], "did you mean title-too-long?"),
        (["page"], "requires an argument"),
        (["blocks", "regster"], 'Did you mean "register"'),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(seo, argv, message):
    status, out, err = seo(*argv)
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert err.startswith("seo: ")


@pytest.mark.parametrize("argv", [["serve"], ["deploy"], ["blocks", "store", "."], ["schedule", "list"]])
def test_a_command_that_needs_a_prefect_server_says_so_with_status_2(seo, monkeypatch, tmp_path, argv):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    status, out, err = seo(*argv)
    assert (status, out) == (2, "")
    assert err.startswith("seo: no Prefect API is configured: start a server with `prefect server start`")


def test_a_prefect_api_that_does_not_answer_is_status_2(seo, tmp_path):
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        status, out, err = seo("scan", "http://127.0.0.1:9/", "--data", str(tmp_path))
    assert (status, out) == (2, "")
    assert "Prefect's API at http://127.0.0.1:9/api does not answer" in err


def test_a_prefect_folder_that_cannot_be_written_is_one_line_and_status_4(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_HOME", "/dev/null/prefect")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert start.status_of(["scan", "https://a.example"]) == 4
    assert capsys.readouterr().err == (
        "seo: cannot write /dev/null/prefect for a temporary Prefect server (Not a directory): "
        "set PREFECT_HOME to a folder that can be written\n"
    )


def test_ctrl_c_as_a_command_begins_is_one_line_and_status_3(monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(start, "needs_prefect", interrupted)
    assert (start.status_of(["runs"]), *capsys.readouterr()) == (3, "", "seo: interrupted\n")


def test_passwords_are_not_repeated(seo):
    assert ":p@" not in seo("scan", "https://u:p@a.example/")[2]


def test_a_hyphen_is_standard_input(seo, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"# no page\n")))
    assert seo("batch", "-", "--rate", "0")[::2] == (
        2,
        "seo: no URLs in standard input: write one a line, or a CSV file with a column `url`\n",
    )


def test_version(seo):
    assert seo("--version") == (0, f"{version('seo-scan')}\n", "")


def test_help_names_every_command(seo):
    _, out, _ = seo("--help")
    for command in ("crawl", "scan", "batch", "resume", "issues", "page", "runs", "sql", "rules", "demo", "blocks"):
        assert f"│ {command} " in out


def test_what_needs_no_flow_imports_no_prefect():
    code = """
import sys
from deployments.cli.app import run
for argv in (["--help"], ["batch", "--help"], ["--version"], ["rules"], ["rules", "noindex"], ["scan"], ["batch", "/"]):
    run(argv)
print(sorted({"prefect", "polars", "duckdb", "sqlalchemy"} & set(sys.modules)), file=sys.stderr)
run(["issues", "--data", sys.argv[1]])
print("prefect" in sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code, "/nowhere"], capture_output=True, text=True, check=True)
    assert [line for line in done.stderr.splitlines() if not line.startswith("seo: ")] == ["[]", "False"]


def test_unexpected_errors_are_one_line_and_status_4(seo, monkeypatch, tmp_path):
    monkeypatch.setattr("tasks.crawl.lists.Path", None)
    status, out, err = seo("batch", str(tmp_path / "x"))
    assert (status, out) == (4, "")
    assert err == "seo: TypeError: 'NoneType' object is not callable (SEO_DEBUG=1 shows where)\n"
    monkeypatch.setenv("SEO_DEBUG", "1")
    assert "Traceback (most recent call last)" in seo("batch", str(tmp_path / "x"))[2]


def test_a_tilde_that_no_shell_expanded_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SEO_DATA", "~/tea")
    assert Place().folder == Place(data=Path("~/tea")).folder == tmp_path / "tea"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("24h", 86400), ("30m", 1800), ("0", 0), ("90s", 90), ("1.5d", 129600), ("2W", 1209600), (" 7 ", 7)],
)
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-1h", "1 h", "1h30m", "inf", "nan", "1e9", "٣h"])
def test_no_durations(text):
    with pytest.raises(ValueError, match="is no length of time"):
        duration(text)


@pytest.mark.parametrize("command", [("runs",), ("demo",), ("scan", "https://tea.example/")])
def test_an_empty_folder_is_none(seo, command):
    status, out, err = seo(*command, "--data", "")
    assert (status, out) == (2, "")
    assert err.startswith("seo: Invalid value for --data: is empty: name a folder")
