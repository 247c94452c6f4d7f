"""What is kept of an answer: only what rests on the page's findings, in words that lead nowhere else."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.analyze.addresses import Named
from tasks.analyze.answer import Advised
from tasks.analyze.prompt import FINDINGS, unmarked
from tasks.analyze.proposals import Unfit, fit_description, fit_json_ld, fit_title
from tasks.analyze.subject import Finding, Subject
from tasks.analyze.visible import clean
from tasks.audit import Profile
from tasks.model import Severity
from tasks.store import NewRecommendation

PRIORITIES = ("high", "medium", "low")

_NO_WORD = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Vetted:
    """Recommendations worth showing, best first, and what was left out of the answer and why."""

    items: tuple[NewRecommendation, ...]
    notes: tuple[str, ...]


def vet(advised: Sequence[Advised], subject: Subject, profile: Profile) -> Vetted:
    """Each recommendation on findings of the page, without foreign addresses, invented quotes and unfit proposals."""
    vetting = _Vetting(subject, profile)
    kept: dict[str, tuple[tuple[int, int], NewRecommendation]] = {}
    for item in advised:
        cited = vetting.cited(item)
        if not cited:
            vetting.notes.append("a recommendation was dropped: it rests on no finding of this page")
            continue
        worst = min(list(Severity).index(finding.severity) for finding in cited)
        recommendation = vetting.recommendation(item, cited)
        kept.setdefault(_folded(recommendation.title), ((PRIORITIES.index(item.priority), worst), recommendation))
    best_first = sorted(kept.values(), key=lambda pair: pair[0])
    return Vetted(tuple(item for _, item in best_first), tuple(vetting.notes))


class _Vetting:
    """The look at one answer."""

    def __init__(self, subject: Subject, profile: Profile) -> None:
        self.notes: list[str] = []
        self._profile = profile
        self._named = Named(subject.links, [value for _, value in subject.facts])
        self._findings = {finding.name: finding for finding in subject.findings[:FINDINGS]}
        self._said = _folded("\n".join([subject.text, *(value for _, value in subject.facts)]))

    def cited(self, item: Advised) -> list[Finding]:
        names = dict.fromkeys(name.strip("[]() ").upper() for name in item.findings)
        return [self._findings[name] for name in names if name in self._findings]

    def recommendation(self, item: Advised, cited: Sequence[Finding]) -> NewRecommendation:
        about = {finding.category for finding in cited}
        prints = (fingerprint for finding in cited for fingerprint in finding.fingerprints)
        return NewRecommendation(
            title=self._own(item.title),
            description=self._own(item.description) + self._quoted(item.quote),
            priority=item.priority,
            category=item.category,
            findings=tuple(dict.fromkeys(prints)),
            rules=tuple(dict.fromkeys(finding.rule for finding in cited)),
            proposed_title=self._fit("title", item.proposed_title, self._title) if "title" in about else "",
            proposed_description=(
                self._fit("description", item.proposed_description, self._description) if "description" in about else ""
            ),
            proposed_json_ld=self._fit("JSON-LD", item.proposed_json_ld, self._json_ld),
        )

    def _quoted(self, quote: str) -> str:
        quote = clean(unmarked(quote))
        if not quote:
            return ""
        if not (folded := _folded(quote)) or folded not in self._said:
            self.notes.append("a quote was dropped: the page does not say so")
            return ""
        return f" On the page: “{self._own(quote)}”"

    def _fit(self, kind: str, text: str, fit: Callable[[str], str]) -> str:
        text = unmarked(text).strip()
        try:
            return fit(text) if text else ""
        except Unfit as error:
            self.notes.append(f"a proposed {kind} was dropped: {error}")
            return ""

    def _title(self, text: str) -> str:
        return fit_title(self._native(text), self._profile)

    def _description(self, text: str) -> str:
        return fit_description(self._native(text), self._profile)

    def _json_ld(self, text: str) -> str:
        return fit_json_ld(text, self._profile, self._named)

    def _native(self, text: str) -> str:
        if self._own(text) != clean(text):
            raise Unfit("it names an address that the page does not")
        return text

    def _own(self, text: str) -> str:
        """``text`` on one line, without addresses that the page does not name."""
        return self._named.only(clean(unmarked(text)))


def _folded(text: str) -> str:
    """Words alone, in lower case: what is quoted may differ in punctuation."""
    return _NO_WORD.sub(" ", text.casefold()).strip()
