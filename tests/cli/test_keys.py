"""seo keys and seo projects, on a data folder of their own; what stops seo api before it listens."""

import json

import pytest

from tasks.store import Store


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "tea data"


def test_a_key_is_shown_once_and_speaks_for_its_user(seo, folder):
    status, out, err = seo("keys", "add", "ann", "--data", folder)
    assert status == 0
    token = out.strip()
    assert token.startswith("seo_")
    assert token not in err
    with Store.open(folder) as store:
        assert store.api_keys.user_of(token) == "ann"
        (key,) = store.api_keys.list()
    assert f"key {key.key_id} speaks for ann in {folder}" in err
    listed = seo("keys", "list", "--data", folder, "--format", "jsonl")[1]
    assert token not in listed
    assert {name: json.loads(listed)[name] for name in ("key_id", "user_id", "revoked_at")} == {
        "key_id": key.key_id, "user_id": "ann", "revoked_at": None,
    }  # fmt: skip
    assert seo("keys", "revoke", key.key_id, "--data", folder)[0] == 0
    with Store.open(folder) as store:
        assert store.api_keys.user_of(token) is None
    status, _, err = seo("keys", "revoke", key.key_id, "--data", folder)
    assert (status, err.splitlines()) == (
        2, [f"seo: no key {key.key_id} that is still good: `seo keys list` shows all"],
    )  # fmt: skip


def test_projects_have_an_owner_and_a_site(seo, folder):
    assert seo("projects", "add", "tea", "--owner", "ann", "--site", "tea.example", "--data", folder)[0] == 0
    assert seo("projects", "add", "tea", "--owner", "bob", "--data", folder)[0] == 2
    out = seo("projects", "list", "--data", folder, "--format", "jsonl")[1]
    listed = [json.loads(line) for line in out.splitlines()]
    assert [(one["project_id"], one["owner"], one["site"]) for one in listed] == [
        ("default", "local", ""),
        ("tea", "ann", "https://tea.example/"),
    ]
    assert "tea.example" in seo("projects", "list", "--owner", "ann", "--data", folder)[1]
    assert "tea.example" not in seo("projects", "list", "--owner", "local", "--data", folder)[1]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("keys", "add", "a b"), "'a b' is no user id"),
        (("keys", "add", ""), "'' is no user id"),
        (("projects", "add", "tea/cup"), "'tea/cup' is no project id"),
        (("projects", "add", "tea", "--owner", "ann:1"), "'ann:1' is no user id"),
        (("projects", "add", "tea", "--site", "ftp://tea.example"), "only http and https"),
        (("keys", "list"), "no results in"),
        (("api", "--port", "70000"), "must be 0 to 65535"),
        (("api", "--max-waiting", "0"), "must be 1 or more"),
    ],
)
def test_what_cannot_be(seo, folder, argv, message):
    where = () if argv[0] == "api" else ("--data", folder)
    status, out, err = seo(*argv, *where)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert message in err
