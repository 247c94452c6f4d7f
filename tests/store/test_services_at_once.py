"""Two processes on one folder: each request, question, number and dollar is given out once."""

import multiprocessing
import os

from tasks.errors import BudgetSpent
from tasks.store import Claimed, OutboxRequest, Push, Store

EACH = 40
AMOUNT = 0.01
CAP = 0.5


def _take(path, barrier, taken):
    me = str(os.getpid())
    with Store.open(path) as store:
        barrier.wait()
        sender = store.outbox.lease(me)
        requests, questions, reserved = [], [], 0
        for n in range(EACH):
            if store.requests.claim(f"q{n}", f"{me}-{n}", flow="f", user_id="u").first:
                requests.append(n)
            if isinstance(store.model_ledger.claim(f"k{n}", me), Claimed):
                questions.append(n)
            push = Push(channel="c", event="e", data={})
            store.notifications.add(
                key=f"{me}-{n}", user_id="u", title="t", message="m", type="info", pushes=[push, push]
            )
            store.outbox.add([OutboxRequest(f"both-{n}", "x")])
            try:
                store.model_ledger.reserve(key="k", run_id="r", page_id="p", amount=AMOUNT, cap_run=CAP, cap_day=None)
            except BudgetSpent:
                continue
            reserved += 1
        taken.put((sender, requests, questions, reserved))


def test_two_processes_take_each_thing_once(store):
    spawn = multiprocessing.get_context("spawn")
    barrier, taken = spawn.Barrier(2), spawn.Queue()
    processes = [spawn.Process(target=_take, args=(store.path, barrier, taken)) for _ in range(2)]
    for process in processes:
        process.start()
    senders, requests, questions, reserved = zip(*(taken.get(timeout=120) for _ in processes), strict=True)
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(senders) == [False, True]
    for found in (requests, questions):
        assert sorted([*found[0], *found[1]]) == list(range(EACH))
    assert sum(reserved) == round(CAP / AMOUNT)
    entries = store.outbox.pending(limit=10_000)
    numbers = [entry.payload["sequence"] for entry in entries if entry.kind == "push"]
    assert numbers == list(range(1, 4 * EACH + 1))
    assert len(entries) == 5 * EACH
