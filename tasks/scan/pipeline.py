"""One page: URL → answer → facts → verdict."""

import asyncio
import itertools
import time
from dataclasses import replace
from types import TracebackType
from typing import Self

from tasks.audit.engine import audit
from tasks.audit.profile import Profile
from tasks.extract.apart import Extractor
from tasks.fetch.access import NO_ACCESS, Access
from tasks.fetch.conditional import NOT_MODIFIED, Condition, is_not_modified
from tasks.fetch.fetcher import Fetcher
from tasks.fetch.politeness import HostGate, HostLedger, Turn
from tasks.fetch.render import Allows, Renderer
from tasks.fetch.retry import delay, is_transient
from tasks.model import (
    Answer,
    FetchFailure,
    FetchOptions,
    Page,
    PageState,
    Reason,
    Rendered,
    RenderOptions,
    Response,
    ScannedPage,
)

MAX_OPEN_REQUESTS = 64
"""Requests open at once in one process, over all hosts: bounds the bodies held in memory."""


class WindowedGate(HostGate):
    """A host gate behind which at most ``MAX_OPEN_REQUESTS`` requests are open."""

    def __init__(self, ledger: HostLedger, holder: str, options: FetchOptions) -> None:
        super().__init__(ledger, holder, options)
        self.window = asyncio.Semaphore(MAX_OPEN_REQUESTS)

    def turn(self, url: str) -> Turn:
        return _WindowedTurn(self, url)


class _WindowedTurn(Turn):
    """Takes a place in the window last: who waits for a throttled host keeps nobody else waiting."""

    __slots__ = ("_window",)

    def __init__(self, gate: WindowedGate, url: str) -> None:
        super().__init__(gate, url)
        self._window = gate.window

    async def __aenter__(self) -> None:
        await super().__aenter__()
        try:
            await self._window.acquire()
        except BaseException:
            await super().__aexit__(None, None, None)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._window.release()
        await super().__aexit__(kind, error, trace)


class PagePipeline:
    """Fetches, reads and judges pages; an async context manager that owns the client, the reader and the browser.

    Args:
        render: how pages are rendered; None to leave that.
        allows: asked of what a rendered page loads; None for no limit.
    """

    def __init__(
        self,
        options: FetchOptions,
        profile: Profile,
        ledger: HostLedger,
        holder: str,
        access: Access = NO_ACCESS,
        *,
        render: RenderOptions | None = None,
        allows: Allows | None = None,
    ) -> None:
        self._gate = WindowedGate(ledger, holder, options)
        self.fetcher = Fetcher(options, self._gate, access=access)
        self._extractor = Extractor()
        self._renderer = Renderer(options, render, self._gate, allows) if render is not None else None
        self._profile = profile

    async def __aenter__(self) -> Self:
        await self.fetcher.__aenter__()
        await self._extractor.__aenter__()
        if self._renderer is not None:
            await self._renderer.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._renderer is not None:
            await self._renderer.__aexit__(kind, error, trace)
        await self._extractor.__aexit__(kind, error, trace)
        await self.fetcher.__aexit__(kind, error, trace)
        await self._gate.close()

    async def fetch(self, url: str, tries: int, *, follow: bool = True, condition: Condition = ()) -> Answer:
        """One try; a 304 to a request without ``condition`` is asked about once more, and is a failure then."""
        answer = await self.fetcher.fetch(url, tries, follow=follow, condition=condition)
        if condition and is_not_modified(answer):
            return answer
        if answer.status == NOT_MODIFIED:
            answer = await self.fetcher.fetch(url, tries, follow=follow)
        return _without_content(answer) if answer.status == NOT_MODIFIED else answer

    async def fetch_patiently(self, url: str, *, max_tries: int, patience: float) -> Answer:
        """The answer after as many tries as its failure allows, none of them waited for over ``patience`` seconds."""
        for tries in itertools.count(1):
            answer = await self.fetch(url, tries)
            wait = delay(answer, tries=tries, now=time.time())
            if tries >= max_tries or not is_transient(answer, tries=tries) or wait > patience:
                break
            await asyncio.sleep(wait)
        return answer

    async def judge(self, page_id: str, url: str, answer: Answer, *, blocked: bool | None = None) -> ScannedPage:
        """What is stored of ``answer``, the last one for this page; ``blocked`` by robots.txt, None for not known."""
        page, unparsable, rendered = None, False, None
        if isinstance(answer, Response) and has_page(answer):
            page = await self._extractor(answer)
            unparsable = page is None
            rendered = await self._rendered(answer) if page is not None else None
        return self._scanned(page_id, url, answer, page, rendered, unparsable=unparsable, blocked=blocked)

    def without_page(self, page_id: str, url: str, answer: Answer, *, blocked: bool | None = None) -> ScannedPage:
        """What is stored of an answer that is not read."""
        return self._scanned(page_id, url, answer, None, None, unparsable=False, blocked=blocked)

    async def _rendered(self, answer: Response) -> Rendered | FetchFailure | None:
        """What the browser makes of the page, read as its raw answer was; None where nothing is rendered."""
        if self._renderer is None:
            return None
        snapshot = await self._renderer.render(answer)
        if isinstance(snapshot, FetchFailure):
            return snapshot
        page = await self._extractor(snapshot.document)
        if page is None:
            return FetchFailure(url=answer.url, reason=Reason.UNPARSABLE, elapsed_ms=snapshot.behaviour.elapsed_ms)
        return Rendered(page=page, behaviour=snapshot.behaviour)

    def _scanned(
        self,
        page_id: str,
        url: str,
        answer: Answer,
        page: Page | None,
        rendered: Rendered | FetchFailure | None,
        *,
        unparsable: bool,
        blocked: bool | None,
    ) -> ScannedPage:
        state, reason = standing(answer, page, unparsable=unparsable)
        verdict = audit(answer, page, self._profile, blocked=bool(blocked), rendered=rendered)
        return ScannedPage(
            page_id=page_id,
            url=url,
            state=state,
            reason=reason,
            answer=replace(answer, text=None) if isinstance(answer, Response) else answer,
            page=page,
            verdict=verdict,
            blocked_by_robots=blocked,
            rendered=rendered,
        )


def _without_content(answer: Answer) -> FetchFailure:
    """A 304 that nobody asked for leaves no page: https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5."""
    return FetchFailure(
        url=answer.url,
        reason=Reason.BAD_RESPONSE,
        detail="status 304 to a request without condition",
        status=answer.status,
        hops=answer.hops,
        elapsed_ms=answer.elapsed_ms,
        tries=answer.tries,
    )


def has_page(answer: Response) -> bool:
    """True for a successful HTML answer."""
    return 200 <= answer.status < 300 and answer.is_html  # noqa: PLR2004 - the 2xx class


def standing(answer: Answer, page: Page | None, *, unparsable: bool) -> tuple[PageState, Reason | None]:
    """The page state that a final answer means; an HTTP error is a completed page."""
    if isinstance(answer, FetchFailure):
        return PageState.FAILED, answer.reason
    if unparsable:
        return PageState.FAILED, Reason.UNPARSABLE
    if page is None and 200 <= answer.status < 300:  # noqa: PLR2004 - the 2xx class
        return PageState.SKIPPED, Reason.NOT_HTML
    return PageState.COMPLETED, None
