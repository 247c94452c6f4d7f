"""Model calls: a question is asked once, and no cap is passed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from tasks.errors import BudgetSpent
from tasks.store import Answer, Claimed, Held, Spent


@pytest.fixture
def ledger(store):
    return store.model_ledger


@pytest.fixture
def reserve(ledger):
    def reserve(amount, run_id="run-1", cap_run=None, cap_day=None):
        return ledger.reserve(key="k", run_id=run_id, page_id="p", amount=amount, cap_run=cap_run, cap_day=cap_day)

    return reserve


def _settle(ledger, reservation, cost, tokens=(10, 5)):
    ledger.settle(
        reservation, cost=cost, prompt_tokens=tokens[0], completion_tokens=tokens[1], outcome="answered", model="m"
    )


def test_a_question_is_asked_by_one_and_answered_for_all(ledger):
    assert isinstance(ledger.claim("k", "a"), Claimed)
    held = ledger.claim("k", "b")
    assert isinstance(held, Held)
    assert (held.holder, held.until > datetime.now(UTC)) == ("a", True)
    assert isinstance(ledger.claim("k", "a"), Claimed)
    assert isinstance(ledger.claim("other", "b"), Claimed)
    ledger.answer("k", "a", "the answer \ud800", "m")
    for holder in "ab":
        answer = ledger.claim("k", holder)
        assert isinstance(answer, Answer)
        assert (answer.key, answer.text, answer.model) == ("k", "the answer \\ud800", "m")


def test_a_question_given_up_or_left_is_another_s(ledger):
    ledger.claim("k", "a")
    ledger.give_up("k", "b")
    assert isinstance(ledger.claim("k", "b"), Held)
    ledger.give_up("k", "a")
    assert isinstance(ledger.claim("k", "b", lease_s=-1), Claimed)
    assert ledger.claim("k", "c").holder == "c", "b's time was over"


def test_a_question_is_kept_by_its_holder_alone(ledger):
    ledger.claim("k", "a", lease_s=-1)
    ledger.prolong("k", "b")
    ledger.prolong("k", "a")
    assert ledger.claim("k", "b").holder == "a"
    ledger.give_up("k", "a")
    ledger.prolong("k", "a")
    assert isinstance(ledger.claim("k", "b"), Claimed)


def test_the_first_answer_stays(ledger):
    ledger.claim("k", "a", lease_s=-1)
    ledger.claim("k", "b")
    ledger.answer("k", "a", "late but good", "m")
    ledger.answer("k", "b", "second", "m")
    ledger.give_up("k", "b")
    assert ledger.claim("k", "c").text == "late but good"


def test_a_cap_stops_before_it_is_passed(ledger, reserve):
    first = reserve(0.3, cap_run=0.5)
    with pytest.raises(BudgetSpent, match=r"max_cost_per_run of \$0\.5 would be passed: \$0\.3000 .* \$0\.3000"):
        reserve(0.3, cap_run=0.5)
    _settle(ledger, first, 0.1)
    reserve(0.4, cap_run=0.5)
    with pytest.raises(BudgetSpent, match="max_cost_per_run"):
        reserve(0.0001, cap_run=0.5)
    reserve(0.5, "run-2", cap_run=0.5)
    with pytest.raises(BudgetSpent, match="max_cost_per_day"):
        reserve(0.1, "run-3", cap_run=0.5, cap_day=1.05)
    assert ledger.spent() == Spent(
        calls=1, prompt_tokens=10, completion_tokens=5, cost=0.1, reserved=pytest.approx(0.9)
    )


def test_a_cap_is_reached_to_the_cent(reserve):
    for _ in range(3):
        reserve(0.1, cap_run=0.3)
    with pytest.raises(BudgetSpent):
        reserve(0.1, cap_run=0.3)


def test_a_cost_above_its_reservation_counts(ledger, reserve):
    _settle(ledger, reserve(0.1, cap_run=1.0), 0.95)
    with pytest.raises(BudgetSpent):
        reserve(0.1, cap_run=1.0)


def test_what_was_spent_is_told_by_run_and_day(ledger, reserve):
    for run_id, cost in (("run-1", 0.25), ("run-1", 0.5), ("run-2", 1.0)):
        _settle(ledger, reserve(2.0, run_id), cost)
    last = reserve(2.0, "run-2")
    _settle(ledger, last, 0.0, (0, 0))
    _settle(ledger, last, 9.0)
    today = datetime.now(UTC).date()
    assert ledger.spent("run-1") == Spent(calls=2, prompt_tokens=20, completion_tokens=10, cost=0.75)
    assert ledger.spent(day=today) == Spent(calls=4, prompt_tokens=30, completion_tokens=15, cost=1.75)
    assert ledger.spent("run-2", today).cost == 1.0
    assert ledger.spent(day=date(2020, 1, 1)) == Spent()


def test_no_cap_is_passed_by_8_threads(ledger, reserve):
    def spend(thread):
        made = 0
        for _ in range(10):
            try:
                reservation = reserve(0.1, f"run-{thread % 2}", cap_run=1.3, cap_day=2.0)
            except BudgetSpent:
                continue
            made += 1
            _settle(ledger, reservation, 0.05)
            taken = ledger.spent()
            assert taken.cost + taken.reserved <= 2.0 + 1e-9
        return made

    with ThreadPoolExecutor(8) as pool:
        made = sum(pool.map(spend, range(8)))
    assert made >= 20
    assert ledger.spent().cost == pytest.approx(made * 0.05)
    for run_id in ("run-0", "run-1"):
        assert ledger.spent(run_id).cost <= 1.3 + 1e-9


def test_calls_are_seen(store, ledger, reserve):
    _settle(ledger, reserve(0.5), 0.25)
    reserve(0.5)
    rows = store.sql("SELECT run_id, page_id, model, outcome, amount, cost, prompt_tokens FROM model_calls ORDER BY id")
    assert list(rows.rows) == [
        ("run-1", "p", "m", "answered", 0.5, 0.25, 10),
        ("run-1", "p", "", None, 0.5, None, 0),
    ]
