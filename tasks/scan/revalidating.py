"""Pages that an earlier run has seen: asked for conditionally, and shown again where they did not change."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.audit.indexability import expired
from tasks.fetch.conditional import condition, is_not_modified
from tasks.model import Answer, Response, Revalidation, ScannedPage, Verdict
from tasks.scan.pipeline import PagePipeline
from tasks.scan.settings import ScanSettings
from tasks.store import EarlierPage, Lease, Store
from tasks.store.rows import digest

READ_HEADERS = frozenset({"content-security-policy", "content-type", "link", "refresh", "x-robots-tag"})
"""Headers that facts and issues are made of: a 304 that brings another value of one changes the page."""


Blocked = Callable[[str, Answer], Awaitable[bool | None]]
"""Whether robots.txt disallows to search engines an address that gave an answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to one try; ``earlier`` is the page as it still is, where the answer says so."""

    answer: Answer
    revalidation: Revalidation | None = None
    earlier: EarlierPage | None = None


class EarlierPages:
    """What earlier runs know of the pages that a chunk works on, looked up once for each lease of many.

    Args:
        links: what the pages link to is wanted.
    """

    def __init__(self, store: Store, settings: ScanSettings, run_id: str, *, links: bool) -> None:
        self._store = store
        self._run_id = run_id
        recipe = settings.recipe if settings.revalidate else ""
        self._recipe = recipe if recipe and store.is_anything_known(run_id, recipe) else ""
        self._links = links
        self._known: dict[str, EarlierPage] = {}

    def look_up(self, leases: Sequence[Lease]) -> None:
        """Called in a thread."""
        if self._recipe and leases:
            page_ids = [lease.page_id for lease in leases]
            self._known |= self._store.earlier_pages(self._run_id, self._recipe, page_ids, links=self._links)

    async def ask(self, lease: Lease, pipeline: PagePipeline, blocked: Blocked, *, follow: bool = True) -> Asked:
        """One try, conditional where the page is known; once more without condition where a 304 is no use.

        That is where it brings another header that matters, where an unavailable_after has passed since, or where
        robots.txt says something else than it did.
        """
        earlier, tries = self._known.pop(lease.page_id, None), lease.tries + 1
        asks_if = condition(earlier.etag, earlier.last_modified) if earlier and earlier.url == lease.url else ()
        answer = await pipeline.fetch(lease.url, tries, follow=follow, condition=asks_if)
        if earlier is None or not asks_if:
            return Asked(answer)
        if not is_not_modified(answer):
            return Asked(answer, _revalidation(answer, earlier))
        if _agrees(answer, earlier) and await blocked(lease.url, answer) == earlier.blocked_by_robots:
            return Asked(answer, "not-modified", earlier)
        return Asked(await pipeline.fetch(lease.url, tries, follow=follow))


def _revalidation(answer: Answer, earlier: EarlierPage) -> Revalidation | None:
    if not isinstance(answer, Response) or answer.hops or answer.status != earlier.facts.status:
        return None
    return "same" if digest(answer.body) == earlier.body_hash else "modified"


def _agrees(answer: Answer, earlier: EarlierPage) -> bool:
    """True where the 304 brings no other value of a header that matters, and no date has passed since.

    Most bring no header at all.
    """
    if not isinstance(answer, Response) or _passed(earlier, answer.fetched_at) != _passed(earlier, earlier.fetched_at):
        return False
    brought = {name for name, _ in answer.headers} & READ_HEADERS
    return all(_values(answer.headers, name) == _values(earlier.headers, name) for name in brought)


def _passed(earlier: EarlierPage, at: datetime) -> int:
    return sum(1 for _ in expired(earlier, at))


def _values(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    return [value for key, value in headers if key == name]


def unchanged(lease: Lease, answer: Answer, earlier: EarlierPage) -> ScannedPage:
    """What is stored of a page that was not modified: where its facts are."""
    return ScannedPage(
        page_id=lease.page_id,
        url=lease.url,
        state=earlier.facts.state,
        reason=earlier.facts.reason,
        answer=answer,
        page=None,
        verdict=Verdict(),
        blocked_by_robots=earlier.blocked_by_robots,
        revalidation="not-modified",
        earlier=earlier.facts,
    )
