"""What models answered and what they cost: each question asked once, no cap passed."""

import time
from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement, Connection, case, delete, func, or_, select, update

from tasks.errors import BudgetSpent
from tasks.store.catalogue import Catalogue, text_safe, upsert
from tasks.store.schema import model_answers, model_calls
from tasks.store.service_records import Answer, Claimed, Held, Spent

LEASE_SECONDS = 300.0
DECIMALS = 9
"""Dollars are compared to so many, so that what floats lose refuses no call."""


class ModelLedger:
    """Answers by key, the identity of a question with its prompt and model; calls with their cost in dollars."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def claim(self, key: str, holder: str, lease_s: float = LEASE_SECONDS) -> Answer | Claimed | Held:
        """The answer there is; else the question is the holder's to ask, or someone else's who is at it."""
        now = time.time()
        mine = {"holder": holder, "until": now + lease_s}
        free = model_answers.c.text.is_(None) & or_(model_answers.c.holder == holder, model_answers.c.until < now)
        with self._catalogue.write() as connection:
            row = upsert(connection, model_answers).values(key=key, model="", created_at=now, **mine)
            taken = row.on_conflict_do_update(index_elements=["key"], set_=mine, where=free)
            connection.execute(taken)
            found = connection.execute(select(model_answers).where(model_answers.c.key == key)).one()
        if found.text is not None:
            moment = datetime.fromtimestamp(found.created_at, UTC)
            return Answer(key=key, text=found.text, model=found.model, created_at=moment)
        kind = Claimed if found.holder == holder else Held
        return kind(key=key, holder=found.holder, until=datetime.fromtimestamp(found.until, UTC))

    def prolong(self, key: str, holder: str, lease_s: float = LEASE_SECONDS) -> None:
        """Keeps the question the holder's for so many seconds from now, where it still is."""
        mine = (model_answers.c.key == key, model_answers.c.holder == holder, model_answers.c.text.is_(None))
        with self._catalogue.write() as connection:
            connection.execute(update(model_answers).where(*mine).values(until=time.time() + lease_s))

    def answer(self, key: str, holder: str, text: str, model: str) -> None:
        """Keeps the answer for all; one that is there already stays."""
        values = {
            "text": text_safe(text),
            "model": text_safe(model),
            "holder": holder,
            "until": 0.0,
            "created_at": time.time(),
        }
        with self._catalogue.write() as connection:
            row = upsert(connection, model_answers).values(key=key, **values)
            unanswered = model_answers.c.text.is_(None)
            connection.execute(row.on_conflict_do_update(index_elements=["key"], set_=values, where=unanswered))

    def give_up(self, key: str, holder: str) -> None:
        """Leaves the question to others."""
        mine = (model_answers.c.key == key, model_answers.c.holder == holder, model_answers.c.text.is_(None))
        with self._catalogue.write() as connection:
            connection.execute(delete(model_answers).where(*mine))

    def reserve(
        self, *, key: str, run_id: str, page_id: str, amount: float, cap_run: float | None, cap_day: float | None
    ) -> int:
        """Sets ``amount`` aside for a call that is about to be made; returns the reservation's id.

        What was reserved and never settled counts for good: the call may have been made.

        Raises:
            BudgetSpent: the call could pass a cap; names it. Nothing is set aside.
        """
        now = time.time()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        row = {"key": key, "run_id": run_id, "page_id": page_id, "day": day, "model": "", "amount": amount}
        with self._catalogue.write() as connection:
            _check(connection, "run", cap_run, amount, model_calls.c.run_id == run_id)
            _check(connection, "day", cap_day, amount, model_calls.c.day == day)
            added = connection.execute(model_calls.insert().values(**row, reserved_at=now).returning(model_calls.c.id))
            reservation: int = added.scalar_one()
        return reservation

    def settle(
        self,
        reservation: int,
        *,
        cost: float,
        prompt_tokens: int,
        completion_tokens: int,
        outcome: str,
        model: str,
    ) -> None:
        """Replaces what was reserved by what the call came to; the first settlement counts."""
        open_ = (model_calls.c.id == reservation, model_calls.c.settled_at.is_(None))
        values = {
            "cost": cost,
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "outcome": text_safe(outcome),
            "model": text_safe(model),
            "settled_at": time.time(),
        }
        with self._catalogue.write() as connection:
            connection.execute(update(model_calls).where(*open_).values(values))

    def spent(self, run_id: str | None = None, day: date | None = None) -> Spent:
        """What the calls of the run, of the day (UTC), of both or of all came to."""
        settled = model_calls.c.settled_at.is_not(None)
        query = select(
            func.count(model_calls.c.settled_at),
            func.coalesce(func.sum(model_calls.c.prompt_tokens), 0),
            func.coalesce(func.sum(model_calls.c.completion_tokens), 0),
            func.coalesce(func.sum(model_calls.c.cost), 0.0),
            func.coalesce(func.sum(case((settled, 0.0), else_=model_calls.c.amount)), 0.0),
        )
        if run_id is not None:
            query = query.where(model_calls.c.run_id == run_id)
        if day is not None:
            query = query.where(model_calls.c.day == day.isoformat())
        with self._catalogue.read() as connection:
            calls, prompt_tokens, completion_tokens, cost, reserved = connection.execute(query).one()
        return Spent(
            calls=calls,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            cost=cost,
            reserved=reserved,
        )


def _check(connection: Connection, name: str, cap: float | None, amount: float, here: ColumnElement[bool]) -> None:
    if cap is None:
        return
    taken = func.coalesce(func.sum(func.coalesce(model_calls.c.cost, model_calls.c.amount)), 0.0)
    already: float = connection.execute(select(taken).where(here)).scalar_one()
    if round(already + amount, DECIMALS) > cap:
        raise BudgetSpent(
            f"max_cost_per_{name} of ${cap:g} would be passed: ${already:.4f} are spent or reserved, "
            f"the next call may cost ${amount:.4f}: raise the cap, or go on later"
        )
