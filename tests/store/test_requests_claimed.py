"""Claims: whoever asks how often, one run answers."""

import pytest

from tasks.store.schema import requests


@pytest.fixture
def claim(store):
    def claim(request_id="q1", run_id="run-a", **options):
        return store.requests.claim(request_id, run_id, **{"flow": "scan-page", "user_id": "ann", **options})

    return claim


def _answers(claimed):
    return claimed.run_id, claimed.first, claimed.confirmed, claimed.flow_run_id


def test_the_first_claim_answers(claim):
    first = claim(origin="api", payload='{"url": "x"}')
    assert _answers(first) == ("run-a", True, False, None)
    second = claim(run_id="run-b")
    assert _answers(second) == ("run-a", False, False, None)
    assert second.claimed_at == first.claimed_at
    assert _answers(claim("q2", "run-b")) == ("run-b", True, False, None)


def test_who_asks_for_the_same_run_again_is_not_first(claim):
    claim()
    assert _answers(claim()) == ("run-a", False, False, None)


def test_the_run_that_does_the_work_takes_up_what_was_claimed_for_it(claim):
    claim(origin="api")
    assert _answers(claim(flow_run_id="f1")) == ("run-a", True, True, "f1")
    assert _answers(claim(run_id="run-b", flow_run_id="f1")) == ("run-a", True, True, "f1"), "a retry mints another id"
    assert _answers(claim(flow_run_id="f2")) == ("run-a", False, True, "f1"), "a copy of the run"
    assert _answers(claim()) == ("run-a", False, True, "f1")


def test_another_run_takes_up_nothing(claim, store):
    claim(origin="webhook")
    assert _answers(claim(run_id="run-b", flow_run_id="f2", origin="trigger")) == ("run-a", False, False, None)
    store.requests.confirm("q1", "f1")
    assert _answers(claim(flow_run_id="f1")) == ("run-a", True, True, "f1")


def test_a_request_waits_until_its_flow_begins(claim, store):
    for number, origin in enumerate(("api", "webhook", "trigger", "local", "outbox")):
        claim(f"q{number}", origin=origin)
    claim("other", user_id="bob", origin="api")
    assert (store.requests.waiting("ann"), store.requests.waiting("bob"), store.requests.waiting("eve")) == (3, 1, 0)
    store.requests.confirm("q0", "f0")
    assert store.requests.waiting("ann") == 3
    store.requests.begin("q0", "f0")
    assert store.requests.waiting("ann") == 2
    store.requests.confirm("q1", "f1")
    store.requests.end("f1", "cancelled")
    assert store.requests.waiting("ann") == 1
    with store._catalogue.write() as connection:
        connection.execute(requests.update().values(claimed_at=requests.c.claimed_at - 86401))
    assert store.requests.waiting("ann") == 0


def test_unconfirmed_claims_are_given_oldest_first(claim, store):
    for number in range(4):
        claim(f"q{number}", f"run-{number}", origin="api", payload=f'{{"n": {number}}}')
    assert store.requests.unconfirmed() == []
    store.requests.confirm("q1", "f1")
    store.requests.begin("q2", "f2")
    found = store.requests.unconfirmed(older_than_s=0)
    assert [(one.request_id, one.run_id, one.payload, one.origin, one.flow, one.user_id) for one in found] == [
        ("q0", "run-0", '{"n": 0}', "api", "scan-page", "ann"),
        ("q3", "run-3", '{"n": 3}', "api", "scan-page", "ann"),
    ]
    assert [one.request_id for one in store.requests.unconfirmed(older_than_s=0, limit=1)] == ["q0"]


def test_the_first_confirmation_stays(claim, store):
    claim()
    store.requests.confirm("q1", None)
    store.requests.confirm("q1", "f1")
    store.requests.begin("q1", "f2")
    assert _answers(claim(run_id="run-b")) == ("run-a", False, True, "f1")


def test_what_was_asked_is_kept(claim, store):
    claim(payload='{"a": 1}', origin="webhook")
    claim(run_id="run-b", payload='{"a": 2}')
    known = store.requests.get("q1")
    assert (known.run_id, known.payload, known.origin, known.flow) == ("run-a", '{"a": 1}', "webhook", "scan-page")
    assert store.requests.get("q2") is None
