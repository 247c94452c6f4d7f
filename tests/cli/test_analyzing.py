"""`seo analyze` and `seo templates`."""

import json

import pytest

from tasks.store import Store
from tasks.urls import page_id
from tests.cli.conftest import GONE, HOME, PAGES, in_a_process, store_run


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    for name in ("SEO_MODEL_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def data(tmp_path):
    """A folder that may be changed: a scan of a page that is gone."""
    with Store.open(tmp_path / "data") as store:
        store_run(store, "scan", [page for page in PAGES if page.url == GONE])
    return tmp_path / "data"


@pytest.mark.usefixtures("prefect_db")
def test_recommendations_for_people_and_for_programs(seo, data):
    status, out, err = in_a_process("analyze", GONE, "--data", data)
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"{GONE}  1 recommendation by the rules"
    assert " 1. high   The address answers with a client error, such as 404 or 410" in out
    assert "rests on http-4xx" in out
    status, out, _ = in_a_process("analyze", page_id("default", GONE), "--data", data, "--format", "json", "--offline")
    (row,) = json.loads(out)
    assert (status, row["url"], row["priority"], row["rules"], row["source"]) == (
        0,
        GONE,
        "high",
        ["http-4xx"],
        "rules",
    )
    _, told, _ = seo("notifications", "--data", data, "--format", "json")
    assert [found["title"] for found in json.loads(told)] == ["Analysis Complete"] * 2


@pytest.mark.usefixtures("prefect_db")
def test_a_model_that_fails_is_told_and_the_rules_stand_in(data, monkeypatch):
    monkeypatch.setenv("SEO_MODEL_KEY", "sk-canary-77")
    monkeypatch.setenv("SEO_MODEL_URL", "http://127.0.0.1:9/v1")
    status, out, err = in_a_process("analyze", GONE, "--data", data)
    assert (status, "recommendation by the rules" in out) == (4, True)
    assert "no advice from the model: address-refused (127.0.0.1:9 is not a public address" in err
    assert "sk-canary-77" not in out + err


def test_a_page_that_was_not_scanned(seo, data):
    status, out, err = seo("analyze", "https://tea.example/gon", "--data", data)
    assert (status, out) == (2, "")
    assert "did you mean" in err


def test_templates_are_added_activated_listed_and_shown(seo, data, tmp_path):
    written = tmp_path / "short.txt"
    written.write_text("Mend {findings} of {url}\n")
    assert seo("templates", "add", str(written), "--data", data)[:2] == (0, "version 2 (short) added\n")
    assert "{facts}" in seo("templates", "show", "--data", data)[1]
    assert seo("templates", "activate", "2", "--data", data)[:2] == (0, "version 2 (short) is active\n")
    assert seo("templates", "show", "--data", data)[1] == "Mend {findings} of {url}\n"
    rows = json.loads(seo("templates", "list", "--format", "json", "--data", data)[1])
    assert [(row["version"], row["name"], row["active"]) for row in rows] == [(1, "default", False), (2, "short", True)]
    assert "active" in seo("templates", "list", "--data", data)[1]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["add", "no-such-file"], "cannot read no-such-file: No such file or directory"),
        (["activate", "7"], "no prompt template of version 7"),
        (["show", "7"], "no prompt template of version 7"),
    ],
)
def test_templates_that_are_not_there(seo, data, arguments, problem):
    status, _, err = seo("templates", *arguments, "--data", data)
    assert (status, problem in err) == (2, True)


def test_a_template_of_no_use_is_refused(seo, data, tmp_path):
    written = tmp_path / "bad.txt"
    written.write_text(f"Look at {HOME} and {{secret}} {{findings}}")
    status, _, err = seo("templates", "add", str(written), "--data", data)
    assert (status, "names {secret}: there are {url}" in err) == (2, True)


def test_a_template_with_nul_is_refused(seo, tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_text("{findings}\0")
    status, out, err = seo("templates", "add", str(file), "--data", str(tmp_path / "data"))
    assert (status, out) == (2, "")
    assert "has NUL characters: it is no text" in err
