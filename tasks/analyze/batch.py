"""Many pages of one run analysed: side by side, and no further calls once they are of no use."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from tasks.analyze.analysis import Analysis, Analyst, by_rules
from tasks.analyze.failures import ALL_ALIKE, AnalysisFailed
from tasks.analyze.subject import Subject, subject_of
from tasks.store import Store

IN_A_ROW = 5
"""So many failed pages one after another end the asking."""


class Tally(BaseModel):
    """Counts of analysed pages; JSON carries it.

    Attributes:
        failed: pages that the model gave nothing for; the rules' advice stands in.
        asked_no_more: why the model was not asked about the rest; empty where it was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pages: int = 0
    recommendations: int = 0
    by_model: int = 0
    cached: int = 0
    failed: int = 0
    asked_no_more: str = ""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            pages=self.pages + other.pages,
            recommendations=self.recommendations + other.recommendations,
            by_model=self.by_model + other.by_model,
            cached=self.cached + other.cached,
            failed=self.failed + other.failed,
            asked_no_more=self.asked_no_more or other.asked_no_more,
        )


@dataclass(slots=True)
class Round:
    """Analyses pages of the run ``run_id``, by the rules alone where there is no analyst."""

    store: Store
    run_id: str
    analyst: Analyst | None
    concurrency: int
    weights: Mapping[str, float]
    tell: Callable[[str], None]
    _in_a_row: int = 0
    _asked_no_more: str = ""
    _tally: Tally = field(default_factory=Tally)

    async def analyse(self, page_ids: Sequence[str]) -> Tally:
        """Analyses and saves each page."""
        places = asyncio.Semaphore(self.concurrency)

        async def one(page_id: str) -> None:
            async with places:
                await self._page(page_id)

        await asyncio.gather(*(one(page_id) for page_id in page_ids))
        return self._tally.model_copy(update={"asked_no_more": self._asked_no_more})

    async def _page(self, page_id: str) -> None:
        subject = await asyncio.to_thread(read_subject, self.store, page_id, self.run_id)
        analysis = await self._analysis(subject)
        count = await asyncio.to_thread(save, self.store, subject, analysis)
        self._tally += Tally(
            pages=1,
            recommendations=count,
            by_model=analysis.source == "llm",
            cached=analysis.cached,
            failed=analysis.failure is not None,
        )

    async def _analysis(self, subject: Subject) -> Analysis:
        if self.analyst is None or self._asked_no_more:
            return by_rules(subject, self.weights)
        try:
            analysis = await self.analyst.analyse(subject)
        except AnalysisFailed as failed:
            self.tell(f"{subject.page_id}: {failed}")
            self._in_a_row += 1
            if failed.reason in ALL_ALIKE or self._in_a_row >= IN_A_ROW:
                self._asked_no_more = self._asked_no_more or str(failed)
            return by_rules(subject, self.weights, failed)
        self._in_a_row = 0
        return analysis


def read_subject(store: Store, page_id: str, run_id: str) -> Subject:
    """The page as that run saw it."""
    return subject_of(store.latest_page(page_id, run_id), store.html_of(run_id, page_id))


def save(store: Store, subject: Subject, analysis: Analysis) -> int:
    """Keeps the recommendations in place of earlier ones; returns how many."""
    return store.recommendations.save(
        subject.run_id,
        subject.page_id,
        subject.url,
        analysis.items,
        source=analysis.source,
        model=analysis.model,
        template_version=analysis.template_version,
    )
