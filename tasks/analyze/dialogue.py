"""The exchange about one page, until there is a usable answer or a reason why there is none."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.analyze.answer import Nonsense
from tasks.analyze.cost import Usage, cost_of, most
from tasks.analyze.failures import ANOTHER_MODEL, PASSING, AnalysisFailed, CallFailed, Failure
from tasks.analyze.ladder import LADDER, Ladder, Rung
from tasks.analyze.prompt import Message, Prompt, size
from tasks.analyze.reply import Reply
from tasks.analyze.settings import ModelSettings
from tasks.analyze.vetting import Vetted
from tasks.errors import BudgetSpent
from tasks.store import Store

if TYPE_CHECKING:
    from tasks.analyze.client import ModelClient

TRIES = 3
FIRST_DELAY = 1.0
LONGEST_WAIT = 60.0
"""Seconds; a server that asks for more is not waited for."""

_CUT = frozenset({"length", "max_tokens"})
_FILTERED = frozenset({"content_filter", "refusal"})
_SHOWN_AGAIN = 8000


@dataclass(frozen=True, slots=True)
class Usable:
    """An answer, and what is kept of it."""

    text: str
    model: str
    vetted: Vetted


@dataclass(frozen=True, slots=True)
class Purse:
    """Sets money aside before each call and writes down after it what it came to."""

    store: Store
    settings: ModelSettings
    key: str
    run_id: str
    page_id: str

    async def reserve(self, amount: float) -> int:
        """Raises AnalysisFailed where a cap could be passed."""
        try:
            return await asyncio.to_thread(
                self.store.model_ledger.reserve,
                key=self.key,
                run_id=self.run_id,
                page_id=self.page_id,
                amount=amount,
                cap_run=self.settings.max_cost_per_run,
                cap_day=self.settings.max_cost_per_day,
            )
        except BudgetSpent as error:
            raise AnalysisFailed(Failure.BUDGET_SPENT, str(error)) from None

    async def settle(self, reservation: int, *, cost: float, usage: Usage, outcome: str, model: str) -> None:
        """Puts what the call came to, ``cost`` in US dollars, for what was set aside; the first time counts."""
        await asyncio.to_thread(
            self.store.model_ledger.settle,
            reservation,
            cost=cost,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            outcome=outcome,
            model=model,
        )


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Asks about one page: retries what passes, lowers the form, asks for a longer or a better answer once.

    Attributes:
        vet: what is kept of an answer; raises ``Nonsense`` where that is nothing.
    """

    client: "ModelClient"
    purse: Purse
    settings: ModelSettings
    vet: Callable[[str], Vetted]
    tell: Callable[[str], None]
    ladder: Ladder = LADDER
    wait: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def advice(self, prompt: Prompt) -> Usable:
        """The first usable answer of the models in their order.

        Raises:
            AnalysisFailed: there is none.
        """
        *earlier, last = self.settings.models
        for model in earlier:
            try:
                return await self._of(model, prompt)
            except AnalysisFailed as failed:
                if failed.reason not in ANOTHER_MODEL:
                    raise
                self.tell(f"{model}: {failed.reason} ({failed.detail}); asking the next model")
        return await self._of(last, prompt)

    async def _of(self, model: str, prompt: Prompt) -> Usable:
        reply = await self._whole(model, prompt.messages, prompt.canary)
        try:
            return self._usable(model, reply)
        except Nonsense as error:
            problem = str(error)
        self.tell(f"{model}: asked again for a usable answer: {problem}")
        again = await self._whole(model, [*prompt.messages, *_correction(reply.text, problem)], prompt.canary)
        try:
            return self._usable(model, again)
        except Nonsense as error:
            raise AnalysisFailed(Failure.NONSENSE, f"the answer is of no use, twice: {error}") from None

    def _usable(self, model: str, reply: Reply) -> Usable:
        return Usable(reply.text, reply.model or model, self.vet(reply.text))

    async def _whole(self, model: str, messages: Sequence[Message], canary: str) -> Reply:
        """An answer that was not cut off; one that was is asked for once more with twice the length."""
        limit = self.settings.max_tokens
        for max_tokens in (limit, 2 * limit):
            reply = await self._in_some_form(model, messages, max_tokens)
            if reply.refusal or reply.finish_reason in _FILTERED:
                raise AnalysisFailed(Failure.REFUSED, "the model declines to answer about this page")
            if canary in reply.text:
                raise AnalysisFailed(Failure.PROMPT_LEAKED, "the answer repeats our orders: the page gives its own")
            if reply.finish_reason not in _CUT:
                return reply
            self.tell(f"{model}: the answer was cut at {max_tokens:,} tokens")
        raise AnalysisFailed(Failure.TRUNCATED, f"the answer takes more than {2 * limit:,} tokens")

    async def _in_some_form(self, model: str, messages: Sequence[Message], max_tokens: int) -> Reply:
        rung = self.ladder.rung(self.settings.base_url, model)
        while True:
            try:
                reply = await self._patiently(model, messages, rung, max_tokens)
            except CallFailed as error:
                lower = self.ladder.lower(self.settings.base_url, model, rung, error)
                if lower is None:
                    raise
                rung = lower
            else:
                self.ladder.remember(self.settings.base_url, model, rung)
                return reply

    async def _patiently(self, model: str, messages: Sequence[Message], rung: Rung, max_tokens: int) -> Reply:
        for tries in range(1, TRIES + 1):
            try:
                return await self._paid(model, messages, rung, max_tokens)
            except CallFailed as error:
                seconds = max(error.retry_after or 0.0, FIRST_DELAY * 2 ** (tries - 1))
                may_be_the_form = self.ladder.lower(self.settings.base_url, model, rung, error) is not None
                if error.reason not in PASSING or may_be_the_form or tries == TRIES or seconds > LONGEST_WAIT:
                    raise
                self.tell(f"{model}: {error.reason} ({error.detail}); try {tries + 1} in {seconds:.0f} s")
                await self.wait(seconds)
        raise AssertionError("the last try returns or raises")

    async def _paid(self, model: str, messages: Sequence[Message], rung: Rung, max_tokens: int) -> Reply:
        amount = most(size(messages), max_tokens, self.settings)
        reservation = await self.purse.reserve(amount)
        try:
            reply = await self.client.ask(model, messages, rung, max_tokens)
        except CallFailed as error:
            cost = amount if error.may_have_cost else 0.0
            await self.purse.settle(reservation, cost=cost, usage=Usage(), outcome=error.reason, model=model)
            raise
        usage = reply.usage
        cost = amount if usage is None else cost_of(usage, self.settings)
        outcome = reply.finish_reason or "stop"
        await self.purse.settle(reservation, cost=cost, usage=usage or Usage(), outcome=outcome[:50], model=model)
        return reply


def _correction(answer: str, problem: str) -> list[Message]:
    said = answer[:_SHOWN_AGAIN] or "(nothing)"
    asked = f"That answer cannot be used: {problem}. Answer again with the one JSON object of the form given, only."
    return [Message(role="assistant", content=said), Message(role="user", content=asked)]
