import polars as pl
import pytest

from tasks.analyze.choosing import Which, choose, parse_which, weights_of
from tasks.analyze.offline import rules_advice
from tasks.analyze.subject import subject_of
from tasks.errors import InputError
from tasks.urls import page_id
from tests.analyze.pages import PAGE, URL, keep

FINE = "<!doctype html><html lang=en><title>Green tea from the first spring harvest</title><h1>Tea</h1>"
ONE, OTHER, FAULTY = (f"https://shop.example/{name}" for name in ("one", "other", "faulty"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("none", Which(0)), ("all", Which(None)), ("top:20", Which(20)), (" TOP:1 ", Which(1))],
)
def test_which_pages(text, expected):
    assert parse_which(text) == expected
    assert parse_which(str(expected)) == expected


@pytest.mark.parametrize(
    "text", ["", "top", "top:", "top:0", "top:-1", "top:1.5", "top:²", "some", "20", "top:9999999999"]
)
def test_anything_else_is_refused_with_the_remedy(text):
    with pytest.raises(InputError, match="write none, all, or top:N such as top:20"):
        parse_which(text)


def test_pages_with_graver_issues_come_first(store):
    run_id = keep(store, {ONE: FINE, FAULTY: "<title></title><img src=a>", OTHER: PAGE}, kind="crawl")
    names = {page_id("default", url): url for url in (ONE, OTHER, FAULTY)}
    assert [names[found] for found in choose(store.path, run_id, Which(None))] == [FAULTY, OTHER, ONE]
    assert [names[found] for found in choose(store.path, run_id, Which(1))] == [FAULTY]
    assert choose(store.path, run_id, Which(0)) == []
    assert choose(store.path, "no-such-run", Which(None)) == []


def test_pagerank_weighs_more_than_a_few_issues(store):
    run_id = keep(store, {ONE: PAGE, OTHER: PAGE}, kind="crawl")
    run = store.resume_run(run_id)
    ranks = {ONE: 0.1, OTHER: 0.9}
    frame = pl.DataFrame(
        {
            "page_id": [page_id("default", url) for url in ranks],
            "pagerank": list(ranks.values()),
        }
    )
    store.write_facts(run_id, run.epoch, "graph", "test", frame)
    assert choose(store.path, run_id, Which(1)) == [page_id("default", OTHER)]
    assert weights_of(store.path, run_id)["title-too-short"] == pytest.approx(1.0)


@pytest.mark.parametrize("changed_only", [False, True])
def test_only_what_is_asked_of_one_run_is_read(store, changed_only):
    """Each part is a download where facts are in a bucket."""
    run_id = keep(store, {ONE: PAGE}, kind="crawl")
    keep(store, {OTHER: PAGE}, kind="crawl")
    for part in (store.path / "facts").rglob("*.parquet"):
        if part.parent.name != run_id or part.parts[-3] in {"html", "links", "results"}:
            part.write_bytes(b"not to be read")
    assert choose(store.path, run_id, Which(1), changed_only=changed_only) == [page_id("default", ONE)]
    assert weights_of(store.path, run_id)["title-too-short"] == pytest.approx(1.0)


def test_rules_advise_by_severity_then_by_what_they_weigh_on_the_site(store):
    run_id = keep(store, {URL: PAGE})
    identity = page_id("default", URL)
    subject = subject_of(store.latest_page(identity), store.html_of(run_id, identity))
    found = rules_advice(subject, {"title-too-short": 2.0, "viewport-missing": 1.0, "content-thin": 3.0})
    assert [(item.priority, item.rules[0]) for item in found] == [
        ("medium", "title-too-short"),
        ("medium", "viewport-missing"),
        ("medium", "image-alt-missing"),
        ("low", "content-thin"),
        ("low", "canonical-missing"),
        ("low", "description-missing"),
    ]
    fingerprints = {finding.rule: finding.fingerprint for finding in subject.findings}
    assert all(item.findings == (fingerprints[item.rules[0]],) for item in found)
    message, why, fix = found[0].description.splitlines()
    assert message == 'The title has 3 characters, fewer than 10: "Tea".'
    assert why.startswith("Short titles give people no reason to click")
    assert fix == "Name what the page offers and for whom."


def test_many_issues_of_one_rule_are_one_recommendation_on_all_of_them(read):
    subject = read("".join(f'<img src="/{n}.jpg">' for n in range(20)))
    (images,) = [item for item in rules_advice(subject) if item.category == "images"]
    assert len(set(images.findings)) == 20
    assert "And 19 more like it." in images.description
