"""One page to its recommendations: answered before, by the model, or by the rules."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tasks.analyze.answer import Nonsense, read_advice
from tasks.analyze.dialogue import TRIES, Dialogue, Purse
from tasks.analyze.failures import AnalysisFailed, Failure
from tasks.analyze.offline import NO_WEIGHTS, rules_advice
from tasks.analyze.prompt import Prompt, build
from tasks.analyze.settings import ModelSettings
from tasks.analyze.subject import Subject
from tasks.analyze.vetting import Vetted, vet
from tasks.audit import DEFAULT, Profile
from tasks.errors import StoreError
from tasks.store import Answer, Claimed, NewRecommendation, Source, Store, Template

if TYPE_CHECKING:
    from tasks.analyze.client import ModelClient

LEASE = 60.0
"""Seconds after which the question of an asker that gives no sign of life is another's."""

LOOK_EVERY = 1.0
"""Seconds between two looks at a question that another process is asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Recommendations for one page, best first.

    Attributes:
        model: that answered; empty where the rules did.
        template_version: of the prompt; None where no model was asked.
        cached: the model had answered the same question before.
        failure: why the model gave none, where the rules stand in for it.
    """

    items: tuple[NewRecommendation, ...]
    source: Source
    model: str = ""
    template_version: int | None = None
    cached: bool = False
    failure: AnalysisFailed | None = None


def by_rules(
    subject: Subject, weights: Mapping[str, float] = NO_WEIGHTS, failure: AnalysisFailed | None = None
) -> Analysis:
    """What the rules advise, for want of a model or in its place."""
    return Analysis(items=rules_advice(subject, weights), source="rules", failure=failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyst:
    """Has pages analysed by a model, each question once for the whole data folder.

    Attributes:
        run_id: of the run that pays.
        profile: what proposed texts are judged by.
        tell: hears what does not go smoothly.
    """

    store: Store
    client: "ModelClient"
    settings: ModelSettings
    template: Template
    run_id: str
    tell: Callable[[str], None]
    profile: Profile = DEFAULT
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def analyse(self, subject: Subject) -> Analysis:
        """The model's recommendations; none, and no call, for a page without findings.

        Raises:
            AnalysisFailed: it gave none.
        """
        if not subject.findings:
            return Analysis(items=(), source="rules")
        prompt = build(subject, self.template.text, self.settings)
        holder = f"{os.getpid()}-{secrets.token_hex(8)}"
        answer = await self._claim(prompt, holder)
        if answer is not None:
            return self._answered(answer, subject)
        try:
            purse = Purse(self.store, self.settings, prompt.key, self.run_id, subject.page_id)
            vetting = partial(self._vetted, subject=subject)
            dialogue = Dialogue(self.client, purse, self.settings, vetting, self.tell, wait=self.wait)
            async with self._keeping(prompt.key, holder):
                usable = await dialogue.advice(prompt)
            await asyncio.to_thread(self.store.model_ledger.answer, prompt.key, holder, usable.text, usable.model)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(self.store.model_ledger.give_up, prompt.key, holder))
            raise
        return self._analysis(usable.vetted, usable.model, cached=False)

    def _answered(self, answer: Answer, subject: Subject) -> Analysis:
        try:
            return self._analysis(self._vetted(answer.text, subject), answer.model, cached=True)
        except Nonsense as error:
            raise AnalysisFailed(Failure.NONSENSE, str(error)) from None

    def _vetted(self, text: str, subject: Subject) -> Vetted:
        advised, problems = read_advice(text)
        vetted = vet(advised, subject, self.profile)
        for note in (*problems, *vetted.notes):
            self.tell(note)
        if not vetted.items:
            raise Nonsense("none of its recommendations names a finding of the page, such as F1")
        return vetted

    def _analysis(self, vetted: Vetted, model: str, *, cached: bool) -> Analysis:
        version = self.template.version
        return Analysis(items=vetted.items, source="llm", model=model, template_version=version, cached=cached)

    async def _claim(self, prompt: Prompt, holder: str) -> Answer | None:
        """What was answered before; None where the question is ours to ask."""
        waited = 0.0
        while waited <= self.settings.timeout * TRIES * 4:
            found = await asyncio.to_thread(self.store.model_ledger.claim, prompt.key, holder, LEASE)
            if isinstance(found, Answer):
                return found
            if isinstance(found, Claimed):
                return None
            await self.wait(LOOK_EVERY)
            waited += LOOK_EVERY
        raise AnalysisFailed(Failure.HELD_ELSEWHERE, f"another process has asked the same for {waited:,.0f} s")

    @asynccontextmanager
    async def _keeping(self, key: str, holder: str) -> AsyncIterator[None]:
        """Gives signs of life while the body asks."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(LEASE / 3)
                try:
                    await asyncio.to_thread(self.store.model_ledger.prolong, key, holder, LEASE)
                except StoreError as error:
                    self.tell(f"no sign of life was given, so that others may ask the same: {error}")

        keeping = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
