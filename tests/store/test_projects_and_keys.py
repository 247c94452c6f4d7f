"""Who owns a project, and whose a key is."""

import hashlib

import pytest

from tasks.errors import InputError
from tasks.store import RunSpec


def test_the_local_user_has_a_project_from_the_start(store):
    [default] = store.projects.list()
    assert (default.project_id, default.owner, default.site) == ("default", "local", "")
    assert store.projects.owns("default", "local")
    assert not store.projects.owns("default", "ann")


def test_projects_are_their_owners(store):
    shop = store.projects.add("shop", "ann", "https://shop.example/")
    assert (shop.owner, shop.site) == ("ann", "https://shop.example/")
    assert store.projects.add("shop", "ann") == shop == store.projects.get("shop")
    assert store.projects.add("shop", "ann", "https://new.example/").site == "https://new.example/"
    with pytest.raises(InputError, match="someone else's"):
        store.projects.add("shop", "bob", "https://bob.example/")
    assert store.projects.get("shop").site == "https://new.example/"
    store.projects.add("blog", "bob")
    assert [one.project_id for one in store.projects.list()] == ["blog", "default", "shop"]
    assert [one.project_id for one in store.projects.list("ann")] == ["shop"]
    assert (store.projects.owns("shop", "bob"), store.projects.owns("none", "ann")) == (False, False)
    assert store.projects.get("none") is None


def test_a_run_of_a_new_project_makes_it_its_users(store):
    store.start_run(RunSpec(kind="scan", project_id="p", user_id="ann"))
    store.start_run(RunSpec(kind="scan", project_id="p", user_id="bob"))
    assert store.projects.get("p").owner == "ann"


def test_a_key_is_its_users_until_revoked(store):
    key, other = store.api_keys.add("ann"), store.api_keys.add("bob")
    assert store.api_keys.user_of(key.token) == "ann"
    assert store.api_keys.user_of(other.token) == "bob"
    assert [(one.key_id, one.user_id, one.revoked_at) for one in store.api_keys.list("ann")] == [
        (key.key_id, "ann", None)
    ]
    assert store.api_keys.revoke(key.key_id)
    assert not store.api_keys.revoke(key.key_id)
    assert not store.api_keys.revoke("none")
    assert store.api_keys.user_of(key.token) is None
    assert store.api_keys.user_of(other.token) == "bob"
    assert [one.revoked_at is not None for one in store.api_keys.list()] == [True, False]


@pytest.mark.parametrize("wrong", ["", "seo_", "seo_" + "A" * 43, "\ud800", "ünïcode", "'; DROP TABLE api_keys"])
def test_other_tokens_are_nobodys(store, wrong):
    store.api_keys.add("ann")
    assert store.api_keys.user_of(wrong) is None


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_a_token_is_long_and_stored_nowhere(store):
    keys = [store.api_keys.add("ann") for _ in range(3)]
    assert all(key.token.startswith("seo_") and len(key.token) == 47 for key in keys)
    assert keys[0].token not in repr(keys[0])
    store.publish(final=True)
    stored = b"".join(path.read_bytes() for path in store.path.rglob("*") if path.is_file())
    for key in keys:
        assert key.key_id.encode() in stored
        assert hashlib.sha256(key.token.encode()).hexdigest().encode() in stored
        assert key.token.encode() not in stored
        assert key.token.removeprefix("seo_").encode() not in stored
