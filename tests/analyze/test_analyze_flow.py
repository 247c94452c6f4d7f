"""analyze-page as a whole: what it keeps, whom it tells, and how it ends."""

import logging

import pytest
from prefect.states import aget_state_exception

from flows.analyze_page import analyze_page
from flows.failures import failure_key
from flows.outbox import send_outbox
from tasks.analyze.failures import AnalysisFailed, Failure
from tasks.analyze.settings import AnalyzeOptions
from tasks.analyze.task import analyze_pages
from tasks.errors import InputError
from tasks.settle.task import EndedRun, settle
from tasks.store import Store, connect
from tasks.urls import page_id
from tests.analyze.conftest import KEY
from tests.analyze.pages import PAGE, URL, keep
from tests.analyze.server import advice, by_findings, completion, error, recommendation

pytestmark = pytest.mark.usefixtures("prefect_db")

PAGE_ID = page_id("default", URL)
PROPOSED = "Green tea from the first spring harvest"


@pytest.fixture
def options(tmp_path):
    return AnalyzeOptions(data=str(tmp_path / "data"))


@pytest.fixture
def with_model(model, monkeypatch):
    for name, value in {
        "SEO_MODEL_KEY": KEY,
        "SEO_MODEL_URL": model.base_url,
        "SEO_MODEL_ALLOW": model.place,
        "SEO_MODEL_TIMEOUT": "10",
    }.items():
        monkeypatch.setenv(name, value)
    return model


def told(options, user="local"):
    """Titles, types and messages of notifications; channels and data of pushes."""
    with Store.open(options.data) as store:
        pushes = [entry.payload for entry in store.outbox.pending() if entry.kind == "push"]
        return [(n.title, n.type, n.message) for n in store.notifications.list(user)], pushes


async def test_without_a_key_the_rules_advise(store, options):
    scan = keep(store, {URL: PAGE})
    run_id = await analyze_page(PAGE_ID, URL, "ann", options=options)
    found = store.recommendations.of_page(PAGE_ID)
    assert {(item.source, item.model, item.template_version, item.run_id) for item in found} == {
        ("rules", "", None, scan)
    }
    assert [item.rules[0] for item in found][:2] == ["viewport-missing", "image-alt-missing"]
    notifications, pushes = told(options, "ann")
    assert notifications == [("Analysis Complete", "success", f"{URL}: 6 recommendations")]
    assert {push["channel"]: push["event"] for push in pushes} == {
        "private-user-ann": "notification-received",
        f"private-page-{PAGE_ID}": "analysis-complete",
    }
    (broadcast,) = [push["data"] for push in pushes if push["event"] == "analysis-complete"]
    assert {name: broadcast[name] for name in ("page_id", "recommendation_count", "status")} == {
        "page_id": PAGE_ID,
        "recommendation_count": 6,
        "status": "complete",
    }
    assert run_id != scan
    with connect(options.data) as facts:
        assert facts.execute("SELECT count(*) FROM recommendations WHERE source = 'rules'").fetchone() == (6,)


async def test_with_a_key_the_model_advises_and_an_unchanged_page_costs_no_call(store, options, with_model):
    keep(store, {URL: PAGE})
    item = recommendation(findings=["F3"], proposed_title=PROPOSED)
    with_model.script.append(completion(advice(item), model="test/model-1"))
    first = await analyze_page(PAGE_ID, URL, options=options)
    keep(store, {URL: PAGE})
    second = await analyze_page(PAGE_ID, URL, options=options)
    assert len(with_model.requests) == 1
    (found,) = store.recommendations.of_page(PAGE_ID)
    assert (found.source, found.model, found.template_version, found.proposed_title) == (
        "llm",
        "test/model-1",
        1,
        PROPOSED,
    )
    assert (store.model_ledger.spent(first).cost, store.model_ledger.spent(second).calls) == (0.002, 0)


async def test_facts_and_issues_are_the_same_after_any_answer(store, options, with_model):
    keep(store, {URL: PAGE})
    before = store.latest_page(PAGE_ID)
    with_model.script.append(
        completion(advice(recommendation(priority="low", description="All is well, severity none.")))
    )
    await analyze_page(PAGE_ID, URL, options=options)
    assert store.latest_page(PAGE_ID) == before


async def test_a_model_that_fails_is_told_as_a_warning_and_the_rules_stand_in(store, options, with_model):
    keep(store, {URL: PAGE})
    with_model.script.append((402, error(402, "Insufficient credits")))
    state = await analyze_page(PAGE_ID, URL, options=options, return_state=True)
    failed = await aget_state_exception(state)
    assert isinstance(failed, AnalysisFailed)
    assert (state.type.value, failed.reason) == ("FAILED", Failure.NO_CREDIT)
    assert {item.source for item in store.recommendations.of_page(PAGE_ID)} == {"rules"}
    notifications, pushes = told(options)
    assert [(title, kind) for title, kind, _ in notifications] == [("Analysis Failed", "warning")]
    assert "no-credit" in notifications[0][2]
    assert [push["data"]["status"] for push in pushes if push["event"] == "analysis-complete"] == ["failed"]


async def test_what_settles_a_run_whose_model_failed_tells_nobody_again(store, options, with_model):
    keep(store, {URL: PAGE})
    with_model.script.append((402, error(402, "Insufficient credits")))
    state = await analyze_page(PAGE_ID, URL, options=options, return_state=True)
    flow_run_id = str(state.state_details.flow_run_id)
    ended = EndedRun(
        flow_run_id=flow_run_id,
        flow="analyze-page",
        name="analyze",
        state="failed",
        user_id="local",
        run_id=None,
        run_count=1,
        deployed=True,
        ended_at=None,
    )
    await settle(ended, own_run=False, key=failure_key(flow_run_id, 1), data=options.data)
    await send_outbox(options.data)
    assert [(title, kind) for title, kind, _ in told(options)[0]] == [("Analysis Failed", "warning")]


async def test_a_request_that_was_answered_is_not_answered_again(store, options, with_model):
    keep(store, {URL: PAGE})
    first = await analyze_page(PAGE_ID, URL, request_id="request-1", options=options)
    state = await analyze_page(PAGE_ID, URL, request_id="request-1", options=options, return_state=True)
    assert (state.type.value, state.message) == ("COMPLETED", f"already done by run {first}")
    assert len(with_model.requests) == 1
    assert len(told(options)[0]) == 1


async def test_a_line_of_a_list_that_is_no_address_has_its_analysis(store, options):
    keep(store, {"no address": ""})
    state = await analyze_page(page_id("default", "no address"), options=options, return_state=True)
    assert state.is_completed()
    assert [title for title, *_ in told(options)[0]] == ["Analysis Complete"]


async def test_a_page_that_no_run_has(options):
    with pytest.raises(InputError, match="`seo scan` fetches it"):
        await analyze_page(PAGE_ID, URL, options=options)


async def test_proposals_are_judged_as_the_run_judged(store, options, with_model):
    profile = '{"profile": {"options": {"title-too-short": {"characters": 3, "warning_characters": 1}}}}'
    keep(store, {URL: PAGE.replace("<title>Tea</title>", "")}, options=profile)
    with_model.script.append(completion(advice(recommendation(findings=["F1"], proposed_title="Teas"))))
    await analyze_page(PAGE_ID, URL, options=options)
    assert store.recommendations.of_page(PAGE_ID)[0].proposed_title == "Teas"


async def test_the_key_is_nowhere(store, options, with_model, caplog, tmp_path):
    keep(store, {URL: PAGE})
    with_model.script.append((401, error(401, f"Incorrect API key provided: {KEY}")))
    with caplog.at_level(logging.DEBUG):
        state = await analyze_page(PAGE_ID, URL, options=options, return_state=True)
    assert KEY not in f"{state} {state.message} {caplog.text} {told(options)}"
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


async def test_many_pages_of_a_run(store, options, with_model):
    pages = {f"https://shop.example/{n}": PAGE.replace("Tea", f"Tea {n}") for n in range(5)}
    run_id = keep(store, pages, kind="batch")
    tally = await _in_flow(options.data, run_id, "all", options)
    assert (tally.pages, tally.by_model, tally.cached, tally.failed) == (5, 5, 0, 0)
    assert len(with_model.requests) == 5
    again = await _in_flow(options.data, run_id, "top:2", options)
    assert (again.pages, again.cached, len(with_model.requests)) == (2, 2, 5)
    assert tally.recommendations == len(store.recommendations.of_run(run_id))


async def test_once_credit_is_out_the_rules_advise_on_the_rest(store, options, with_model, monkeypatch):
    monkeypatch.setenv("SEO_MODEL_CONCURRENCY", "1")
    pages = {f"https://shop.example/{n}": PAGE.replace("Tea", f"Tea {n}") for n in range(4)}
    run_id = keep(store, pages, kind="batch")
    with_model.script.extend([by_findings, (402, error(402))])
    tally = await _in_flow(options.data, run_id, "all", options)
    assert (tally.pages, tally.by_model, tally.failed, len(with_model.requests)) == (4, 1, 1, 2)
    assert "no-credit" in tally.asked_no_more
    sources = [item.source for item in store.recommendations.of_run(run_id)]
    assert (set(sources), store.recommendations.of_run(run_id) != []) == ({"llm", "rules"}, True)


async def test_none_analyses_nothing_and_what_is_no_choice_is_refused(store, options, with_model):
    run_id = keep(store, {URL: PAGE}, kind="batch")
    assert (await analyze_pages(options.data, run_id, "none", options)).pages == 0
    with pytest.raises(InputError, match="write none, all, or top:N"):
        await analyze_pages(options.data, run_id, "most", options)
    assert with_model.requests == []


async def _in_flow(*arguments):
    from prefect import flow  # noqa: PLC0415 - takes seconds to import

    return await flow(analyze_pages)(*arguments)
