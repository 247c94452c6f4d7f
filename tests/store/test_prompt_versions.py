"""Prompt templates: versions never change, exactly one is active."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.errors import InputError


def _versions(store):
    return [(one.version, one.name, one.active) for one in store.templates.list()]


def test_the_default_is_version_1_where_there_is_none(store):
    with pytest.raises(InputError, match="seo templates add"):
        store.templates.active()
    default = store.templates.ensure_default("default", "Advise on {url}.")
    assert (default.version, default.name, default.text, default.active) == (1, "default", "Advise on {url}.", True)
    assert store.templates.ensure_default("default", "a later text") == default == store.templates.active()
    assert _versions(store) == [(1, "default", True)]


def test_a_version_is_added_and_activated(store):
    store.templates.ensure_default("default", "one")
    second = store.templates.add("short", "two")
    assert (second.version, second.active) == (2, False)
    assert store.templates.add("long", "three", activate=True).version == 3
    assert _versions(store) == [(1, "default", False), (2, "short", False), (3, "long", True)]
    assert store.templates.activate(2).text == "two"
    assert store.templates.activate(2).active
    assert _versions(store) == [(1, "default", False), (2, "short", True), (3, "long", False)]
    assert store.templates.get(3).text == "three"


def test_the_first_of_all_is_active(store):
    assert store.templates.add("mine", "text").active
    assert store.templates.ensure_default("default", "other").name == "mine"


def test_an_unknown_version_changes_nothing(store):
    store.templates.ensure_default("default", "one")
    for ask in (store.templates.get, store.templates.activate):
        with pytest.raises(InputError, match="no prompt template of version 7"):
            ask(7)
    assert _versions(store) == [(1, "default", True)]


def test_one_stays_active_under_threads(store):
    store.templates.ensure_default("default", "text")
    with ThreadPoolExecutor(8) as pool:
        added = pool.map(lambda n: store.templates.add(f"t{n}", "text", activate=True).version, range(16))
    assert sorted(added) == list(range(2, 18))
    assert sum(active for _, _, active in _versions(store)) == 1
