"""What calls cost is written down, and no cap is passed."""

import asyncio
import threading

import pytest

from tasks.analyze import analysis
from tasks.analyze.analysis import Analyst
from tasks.analyze.cost import Usage, cost_of, most
from tasks.analyze.failures import AnalysisFailed, Failure
from tasks.analyze.prompt import build, size
from tasks.analyze.settings import ModelSettings
from tests.analyze.server import advice, completion, error, recommendation

ONE = advice(recommendation())


def test_a_call_costs_at_most_a_token_a_byte_and_the_longest_answer():
    assert most(1_000_000, 500_000, ModelSettings(price_in=0.25, price_out=2)) == 1.25


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(1_000_000, 1_000_000, None), 2.25),
        (Usage(1_000_000, 1_000_000, 0.5), 0.5),
        (Usage(0, 0, 0.0), 0.0),
        (Usage(1_000_000, 0, float("nan")), 0.25),
        (Usage(1_000_000, 0, -5.0), 0.25),
    ],
)
def test_what_the_server_charged_counts_where_it_is_a_price(usage, expected):
    assert cost_of(usage, ModelSettings()) == expected


async def test_an_unchanged_page_costs_one_call(analyst, model, store, subject):
    async with analyst() as asking:
        first, second = await asking.analyse(subject), await asking.analyse(subject)
    assert (len(model.requests), first.cached, second.cached) == (1, False, True)
    assert first.items == second.items
    spent = store.model_ledger.spent("run-1")
    assert (spent.calls, spent.prompt_tokens, spent.completion_tokens, spent.cost) == (1, 900, 100, 0.002)


@pytest.mark.parametrize(
    "change",
    [{"settings": {"model": "another/one"}}, {"settings": {"max_tokens": 1000}}, {"html": "<title>Other tea</title>"}],
)
async def test_another_model_length_or_page_is_another_question(model, subject, read, change):
    settings = model.settings(**change.get("settings", {}))
    other = read(change["html"]) if "html" in change else subject
    assert build(other, "{findings}", settings).key != build(subject, "{findings}", model.settings()).key
    assert (
        build(subject, "{findings} {url}", model.settings()).key != build(subject, "{findings}", model.settings()).key
    )


async def test_two_who_ask_the_same_at_once_make_one_call(analyst, model, subject):
    async with analyst() as one, analyst(wait=lambda _: asyncio.sleep(0.02)) as other:
        found = await asyncio.gather(one.analyse(subject), other.analyse(subject), other.analyse(subject))
    assert len(model.requests) == 1
    assert sorted(analysis.cached for analysis in found) == [False, True, True]


async def test_a_question_is_kept_for_as_long_as_it_is_asked(analyst, model, subject, monkeypatch):
    monkeypatch.setattr(analysis, "LEASE", 2.0)
    model.gate = threading.Event()
    async with analyst() as one, analyst(wait=lambda _: asyncio.sleep(0.1)) as other:
        both = asyncio.gather(one.analyse(subject), other.analyse(subject))
        await asyncio.sleep(3)
        model.gate.set()
        await both
    assert len(model.requests) == 1


async def test_the_question_of_an_asker_that_died_is_soon_another_s(analyst, model, store, subject, monkeypatch):
    monkeypatch.setattr(analysis, "LEASE", 0.3)
    monkeypatch.setattr(store.model_ledger, "give_up", lambda *_: None)
    asked, gone = threading.Event(), threading.Event()

    def hangs(_):
        asked.set()
        gone.wait(10)
        return completion(ONE)

    model.script.append(hangs)
    async with analyst() as one:
        dies = asyncio.create_task(one.analyse(subject))
        await asyncio.to_thread(asked.wait, 10)
        dies.cancel()
        await asyncio.gather(dies, return_exceptions=True)
    gone.set()
    async with analyst(wait=lambda _: asyncio.sleep(0.02)) as other:
        assert (await other.analyse(subject)).cached is False
    assert len(model.requests) == 2


async def test_a_failure_leaves_the_question_to_the_next(analyst, model, subject):
    model.script.append((402, error(402)))
    async with analyst() as asking:
        with pytest.raises(AnalysisFailed):
            await asking.analyse(subject)
        assert (await asking.analyse(subject)).source == "llm"


async def test_a_cap_stops_the_call_that_could_pass_it(analyst, model, store, subject):
    prompt_cost = most(size(build(subject, "{findings}", model.settings()).messages), 4000, model.settings())
    async with analyst(max_cost_per_run=prompt_cost / 2) as asking:
        with pytest.raises(AnalysisFailed) as failed:
            await asking.analyse(subject)
    assert (failed.value.reason, model.requests) == (Failure.BUDGET_SPENT, [])
    assert "max_cost_per_run" in str(failed.value)
    assert store.model_ledger.spent().cost == 0


async def test_no_run_of_pages_passes_a_cap(analyst, model, store, read):
    usage = {"prompt_tokens": 10, "completion_tokens": 10, "cost": 0.009}
    pages = [read(f"<title>{n}</title>", f"https://shop.example/{n}") for n in range(30)]
    model.script.extend([completion(ONE, usage=usage)] * 30)

    async def outcome(asking: Analyst, page):
        try:
            await asking.analyse(page)
        except AnalysisFailed as failed:
            return failed.reason
        return "analysed"

    async with analyst(max_cost_per_day=0.1, max_cost_per_run=None) as asking:
        outcomes = await asyncio.gather(*(outcome(asking, page) for page in pages))
    spent = store.model_ledger.spent()
    assert set(outcomes) == {"analysed", Failure.BUDGET_SPENT}
    assert spent.cost <= 0.1
    assert spent.calls == len(model.requests) == outcomes.count("analysed")


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"total_tokens": 0},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 900},
        {"input_tokens": 900, "output_tokens": 100},
        {"prompt_tokens": "900", "completion_tokens": -1},
        {"prompt_tokens": 10**400, "completion_tokens": 10**400, "cost": 10**400},
        {"cost": 0, "is_byok": True},
    ],
)
async def test_a_call_whose_usage_is_not_told_counts_at_its_most(analyst, model, store, subject, usage):
    reply = completion(ONE)
    reply["usage"] = usage
    model.script.append(reply)
    async with analyst() as asking:
        await asking.analyse(subject)
    assert store.model_ledger.spent().cost > 0.008


@pytest.mark.parametrize(
    ("is_byok", "cost", "upstream", "expected"),
    [(False, 0.002, 0.002, 0.002), (True, 0.0, 0.03, 0.03), (True, 0.001, 0.03, 0.031)],
)
async def test_a_provider_that_charges_the_users_own_key_counts(
    analyst, model, store, subject, is_byok, cost, upstream, expected
):  # as https://openrouter.ai/docs/use-cases/usage-accounting has it
    details = {"upstream_inference_cost": upstream}
    usage = {"prompt_tokens": 900, "completion_tokens": 100, "cost": cost, "is_byok": is_byok, "cost_details": details}
    model.script.append(completion(ONE, usage=usage))
    async with analyst() as asking:
        await asking.analyse(subject)
    assert store.model_ledger.spent().cost == pytest.approx(expected)


async def test_refused_calls_cost_nothing_and_broken_ones_all_they_could(analyst, model, store, subject):
    def breaks(_):
        raise ConnectionResetError

    model.script.extend([(429, error(429)), breaks])
    async with analyst() as asking:
        await asking.analyse(subject)
    prompt = build(subject, asking.template.text, asking.settings)
    assert store.model_ledger.spent().cost == pytest.approx(most(size(prompt.messages), 4000, asking.settings) + 0.002)
