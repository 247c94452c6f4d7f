"""What is kept of an answer: only what rests on the page's findings, in words that lead nowhere else."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.analyze.answer import Advised
from tasks.analyze.prompt import FINDINGS, unmarked
from tasks.analyze.proposals import Unfit, fit_description, fit_json_ld, fit_title
from tasks.analyze.subject import Finding, Subject
from tasks.analyze.visible import clean
from tasks.audit import Profile
from tasks.model import Severity
from tasks.store import NewRecommendation
from tasks.urls import address, host, is_http

REMOVED = "[address removed]"
PRIORITIES = ("high", "medium", "low")

_ADDRESS = re.compile(r"(?:https?|ftp|wss?):/*[^\s<>\"'“”`]+|(?:javascript|data|vbscript):\S+", re.IGNORECASE)
_BARE_HOST = re.compile(
    r"(?<![@\w./-])(?:[a-z0-9-]{1,63}\.){1,5}"
    r"(?:app|biz|cc|click|club|cn|co|com|de|dev|eu|fr|info|io|link|live|me|net|nl|online|org|pl|pro|ru|shop|site|store|"
    r"su|tech|tk|to|top|tv|uk|us|vip|xyz)(?![\w-])(?:[:/?#][^\s<>\"'“”`]*)?",
    re.IGNORECASE,
)
_ENDING = ".,;:!?)]}»”’…"
_KNOWN_HOSTS = frozenset({"schema.org", "www.schema.org"})
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
        self._links = subject.links
        self._hosts = _KNOWN_HOSTS | {host(link) for link in subject.links}
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
        return fit_json_ld(text, self._profile, self._links)

    def _native(self, text: str) -> str:
        if self._own(text) != clean(text):
            raise Unfit("it names an address that the page does not")
        return text

    def _own(self, text: str) -> str:
        """``text`` on one line, without addresses that the page does not name."""
        text = clean(unmarked(text))
        pieces: list[str] = []
        end = 0
        for found in _ADDRESS.finditer(text):
            pieces += [self._hosts_in(text[end : found.start()]), self._address(found[0])]
            end = found.end()
        return "".join([*pieces, self._hosts_in(text[end:])])

    def _address(self, found: str) -> str:
        url = found.rstrip(_ENDING)
        if not is_http(url.lower()):
            return REMOVED
        return found if address(url) in self._links else REMOVED + found[len(url) :]

    def _hosts_in(self, text: str) -> str:
        return _BARE_HOST.sub(lambda found: found[0] if found[0].lower() in self._hosts else REMOVED, text)


def _folded(text: str) -> str:
    """Words alone, in lower case: what is quoted may differ in punctuation."""
    return _NO_WORD.sub(" ", text.casefold()).strip()
