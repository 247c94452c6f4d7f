"""Recommendations: a run's latest on each page, seen in the order given."""

import pytest

from tasks.store import NewRecommendation, connect


def _advice(title, **changes):
    values = {"description": "Why", "priority": "high", "category": "title", "findings": ("f1", "f2"), "rules": ("r",)}
    return NewRecommendation(title=title, **{**values, **changes})


@pytest.fixture
def save(store):
    def save(run_id, *titles, page_id="p1", source="rules", **options):
        items = [_advice(title) for title in titles]
        return store.recommendations.save(run_id, page_id, "https://e.com/", items, source=source, **options)

    return save


def _titles(found):
    return [one.title for one in found]


def test_advice_is_kept_whole(store):
    item = _advice(
        "Write a title \ud800", proposed_title="Tea", proposed_description="About tea", proposed_json_ld='{"a": 1}'
    )
    kept = {"source": "llm", "model": "openai/gpt-5-mini", "template_version": 3}
    assert store.recommendations.save("run-1", "p1", "https://e.com/", [item], **kept) == 1
    [found] = store.recommendations.of_page("p1")
    for name in NewRecommendation.__slots__:
        expected = "Write a title \\ud800" if name == "title" else getattr(item, name)
        assert getattr(found, name) == expected
    assert (found.run_id, found.page_id, found.url, found.source, found.model, found.template_version) == (
        "run-1", "p1", "https://e.com/", "llm", "openai/gpt-5-mini", 3,
    )  # fmt: skip


def test_the_latest_of_a_run_replaces_its_own_only(store, save):
    assert save("run-1", "a", "b") == 2
    save("run-1", "other page", page_id="p2")
    save("run-2", "c")
    assert save("run-1", "d") == 1
    assert save("run-1", "d") == 1
    assert _titles(store.recommendations.of_page("p1", "run-1")) == ["d"]
    assert _titles(store.recommendations.of_page("p1", "run-2")) == ["c"]
    assert _titles(store.recommendations.of_page("p1")) == ["d"], "analysed last"
    assert _titles(store.recommendations.of_run("run-1")) == ["other page", "d"]
    assert store.recommendations.of_page("p3") == []


def test_a_run_without_advice_hides_none(store, save):
    save("run-1", "a")
    assert save("run-2") == 0
    assert _titles(store.recommendations.of_page("p1")) == ["a"]
    assert store.recommendations.of_page("p1", "run-2") == []


def test_lists_are_lists_in_the_view(store, save):
    save("run-1", "a")
    with connect(store.path) as db:
        assert db.execute("SELECT title, findings, rules[1], template_version FROM recommendations").fetchall() == [
            ("a", ["f1", "f2"], "r", None)
        ]
