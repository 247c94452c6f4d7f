"""Readers that leave, and streams that were closed: the whole command, as a shell starts it."""

import json
import re
import subprocess
import sys

import pytest

SEO = (sys.executable, "-c", "from deployments.cli.start import main; main()")


def begun(*argv, **options):
    return subprocess.Popen([*SEO, *map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def without_reader(*argv):
    """(stderr, status) of a command whose output nobody ever reads."""
    with begun(*argv) as process:
        process.stdout.close()
        return process.stderr.read().decode(), process.wait()


def in_shell(redirected, *argv):
    """(status, stdout, stderr) of a command with the shell's ``redirected``."""
    line = ["sh", "-c", f'"$@" {redirected}', "sh", *SEO, *map(str, argv)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["rules", "noindex"],
        ["runs"],
        ["issues"],
        ["sql", "SELECT * FROM pages"],
    ],
)
def test_a_reader_that_never_reads_ends_the_command_quietly(data, argv):
    place = [] if argv[0] in {"--help", "rules"} else ["--data", data]
    told, status = without_reader(*argv, *place)
    assert (status, [line for line in told.splitlines() if not line.startswith("run ")]) == (0, [])


def test_a_reader_that_leaves_ends_the_command_quietly(data):
    query = "SELECT range AS n, repeat('x', 100) AS t FROM range(200000)"
    with begun("sql", query, "--data", data, "--format", "jsonl") as process:
        assert process.stdout.readline().startswith(b'{"n":0')
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_scan_whose_reader_left_is_done_and_complains_of_nothing(site, tmp_path, prefect_api, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    site.pages["/"] = "<title>Tea</title>"
    told, status = without_reader("scan", site.url(), "--no-analyze", "--data", tmp_path)
    assert status == 0
    assert [line for line in told.splitlines() if not re.match(r"run |[01]/1 pages", line)] == []
    assert json.loads(in_shell("", "runs", "--data", tmp_path, "--format", "json")[1])[0]["state"] == "completed"


def test_a_message_that_nobody_reads_changes_no_status(data):
    with begun("issues", "--data", data) as process:
        process.stderr.close()
        assert process.stdout.read().startswith(b"notice")
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("redirected", "argv", "expected"),
    [
        (">&-", ["runs"], (0, "", "")),
        ("2>&-", ["nonsense"], (2, "", "")),
        ("<&- >&- 2>&-", ["runs"], (0, "", "")),
        (
            "<&-",
            ["batch", "-"],
            (2, "", "seo: no URLs in standard input: write one a line, or a CSV file with a column `url`\n"),
        ),
    ],
)
def test_a_closed_stream_leads_nowhere(data, redirected, argv, expected):
    assert in_shell(redirected, *argv, "--data", data) == expected


def test_a_full_disk_is_one_line_and_status_4(data):
    status, _, err = in_shell(">/dev/full", "runs", "--data", data)
    assert (status, err) == (4, "seo: OSError: [Errno 28] No space left on device (SEO_DEBUG=1 shows where)\n")


@pytest.mark.parametrize("argv", [["issues"], ["runs", "--help"]])
def test_a_width_that_is_none_is_that_of_a_pipe(data, monkeypatch, argv):
    def shown(width):
        monkeypatch.setenv("COLUMNS", width)
        return subprocess.run([*SEO, *argv, *place], capture_output=True, timeout=30, check=True).stdout

    place = [] if "--help" in argv else ["--data", str(data)]
    assert shown("0") == shown("wide") == shown("") != b""
