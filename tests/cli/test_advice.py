"""What people see of recommendations."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from deployments.cli.advice import advice_view, beside_issues, best_of, best_view
from tasks.store import Recommendation

TEA, CHAI = "https://tea.example/", "https://tea.example/chai"


def recommended(title, *rules, priority="high", url=TEA, source="rules", **more):
    values = {
        "id": 1,
        "run_id": "r1",
        "page_id": "p-" + url[-4:],
        "description": "Because.",
        "category": "title",
        "findings": rules,
        "proposed_title": "",
        "proposed_description": "",
        "proposed_json_ld": "",
        "model": "",
        "template_version": None,
        "created_at": datetime(2026, 3, 1, tzinfo=UTC),
        **more,
    }
    return Recommendation(title=title, rules=rules, priority=priority, url=url, source=source, **values)


def printed(view):
    stream = io.StringIO()
    Console(file=stream, width=100, highlight=False, markup=False).print(view)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_the_best_are_the_gravest_and_each_rule_comes_once():
    low, first, again, other = (
        recommended("low", "a", priority="low"),
        recommended("first", "b"),
        recommended("again", "b", url=CHAI),
        recommended("other", "c", "d", url=CHAI),
    )
    assert best_of([low, first, again, other], 5) == [first, other, low]
    assert best_of([low, first, again, other], 2) == [first, other]


def test_the_best_stand_with_their_pages():
    found = [recommended("Write a title", "title-missing"), recommended("Name the tea", "h1-missing", url=CHAI)]
    lines = printed(best_view(found))
    assert lines[0] == "2 recommendations for 2 pages by the rules, the first of them"
    assert lines[2:4] == [" 1. high   Write a title", f"    {TEA}"]
    assert lines[7:9] == [" 2. high   Name the tea", f"    {CHAI}"]


def test_what_a_page_or_a_model_wrote_cannot_steer_the_terminal():
    lines = printed(best_view([recommended("\x1b[31mred", "a", url=f"{TEA}\x1b]0;x\x07")]))
    assert not any("\x1b" in line or "\x07" in line for line in lines)


@pytest.mark.parametrize(("source", "parts"), [("rules", 0), ("llm", 2)])
def test_only_a_models_advice_stands_beside_the_issues(source, parts):
    found = [recommended("Write a title", "title-missing", source=source, model="m", template_version=1)]
    assert len(beside_issues(found)) == parts
    assert beside_issues([]) == ()


def test_one_pages_advice_names_the_page_once():
    lines = printed(advice_view([recommended("Write a title", "title-missing", proposed_title="Tea")]))
    assert lines[0] == f"{TEA}  1 recommendation by the rules"
    assert "    → title: Tea" in lines
    assert f"    {TEA}" not in lines
