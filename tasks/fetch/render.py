"""One page in a browser: loaded, left alone until it settles, and written down. ``Renderer`` is the door."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from tasks.fetch.chromium import Chromium, playwright_error
from tasks.fetch.connection import Resolver
from tasks.fetch.failures import FetchError
from tasks.fetch.fetcher import DOWN_STATUSES, OWN_USER_AGENT, PAUSING_STATUSES
from tasks.fetch.guard import Guard
from tasks.fetch.politeness import HostGate
from tasks.fetch.proxy import FilteringProxy
from tasks.fetch.retry import asked_wait
from tasks.fetch.settled import LOOK
from tasks.model import Behaviour, FetchFailure, FetchOptions, Reason, RenderOptions, Response, Snapshot
from tasks.urls import address, is_http, printable

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request, Route
    from playwright.async_api import Response as BrowserResponse

SECONDS = 30.0
"""For one page; the deadline of its URL where that is shorter."""

LOAD_SECONDS = 15.0
SETTLE_SECONDS = 5.0
PAGES_AT_ONCE = 4
MAX_REQUESTS = 300
"""Let out for one page."""

MAX_TRIED = 1000
"""Requests after which a page is given up: each costs this process time, let out or not."""

MAX_BYTES = 50 * 1024 * 1024
MAX_ERRORS = 20
MAX_ERROR = 300

_UNNEEDED = frozenset({"image", "media", "font", "texttrack", "ping", "manifest", "eventsource", "other"})
_LOOKS = 3
_SUCCESS = range(200, 300)

Allows = Callable[[str], Awaitable[bool]]
"""Whether what a page loads may be asked for."""


class BrowserLost(FetchError):
    """The browser is gone, and with it a page that need not be at fault."""

    def __init__(self) -> None:
        super().__init__(Reason.BROWSER_CRASHED, "the browser is gone")


class Renderer:
    """Renders pages in one browser; an async context manager that owns it.

    Args:
        options: as of the fetcher; what may not be connected to there is refused to a page here, too.
        wishes: which browser.
        gate: whose turn it is at each host. A page is one request of its host, whatever it loads besides.
        allows: asked of everything a page loads but itself; None for no limit.

    Raises:
        InputError: the browser is missing.
    """

    def __init__(
        self, options: FetchOptions, wishes: RenderOptions, gate: HostGate | None = None, allows: Allows | None = None
    ) -> None:
        self._options = options
        self._guard = Guard(options.allow)
        self._resolver = Resolver()
        self._chromium = Chromium(wishes.browser)
        self._gate = gate
        self._allows = allows
        self._places = asyncio.Semaphore(PAGES_AT_ONCE)

    async def __aenter__(self) -> Self:
        await self._chromium.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._chromium.__aexit__(kind, error, trace)
        await self._resolver.close()

    async def render(self, answer: Response) -> Snapshot | FetchFailure:
        """The page of ``answer`` once more, by the browser. What goes wrong with the page is returned.

        Raises:
            SeoScanError: the browser does not start.
        """
        async with self._places:
            began = time.perf_counter()
            try:
                async with self._turn(answer.url):
                    began = time.perf_counter()
                    try:
                        return await self._attempt(answer)
                    except BrowserLost:  # it went down with another page
                        return await self._attempt(answer)
            except FetchError as error:
                elapsed = (time.perf_counter() - began) * 1000
                return FetchFailure(url=answer.url, reason=error.reason, detail=error.detail, elapsed_ms=elapsed)

    def _turn(self, url: str) -> AbstractAsyncContextManager[None]:
        return self._gate.turn(url) if self._gate is not None else nullcontext()

    async def _attempt(self, answer: Response) -> Snapshot:
        async with FilteringProxy(self._guard, self._resolver, max_bytes=MAX_BYTES) as proxy:
            try:
                context = await self._chromium.open(proxy.url, self._options.user_agent or OWN_USER_AGENT)
            except playwright_error() as error:
                raise BrowserLost from error
            visit = _Visit(answer, context, proxy, self._allows, self._options.max_body)
            try:
                snapshot = await self._snapshot(visit)
            except FetchError:
                await self._tell(answer.url, visit)
                raise
            finally:
                await asyncio.shield(self._chromium.close(context))
            await self._tell(answer.url, visit)
            return snapshot

    async def _snapshot(self, visit: "_Visit") -> Snapshot:
        seconds = min(SECONDS, self._options.deadline)
        try:
            async with asyncio.timeout(seconds):
                return await visit.snapshot()
        except TimeoutError:
            raise FetchError(Reason.DEADLINE, f"not rendered within {seconds:g} s") from None
        except playwright_error() as error:
            raise visit.failure(error) from error

    async def _tell(self, url: str, visit: "_Visit") -> None:
        """The gate hears how the host does, and whether it asks to be left in peace."""
        if self._gate is None:
            return
        if visit.status is None or visit.status in DOWN_STATUSES:
            await self._gate.failed(url, f"status {visit.status}" if visit.status else "no answer to the browser")
        else:
            await self._gate.answered(url, None)
        now = time.time()
        if visit.status in PAUSING_STATUSES and (seconds := asked_wait(visit.retry_after, now)) is not None:
            await self._gate.pause(url, now + seconds)


class _Visit:
    """One page of a fresh context, from its address to its snapshot.

    Attributes:
        status, retry_after: of the answer to the browser; None and empty before there is one.
    """

    def __init__(
        self,
        answer: Response,
        context: "BrowserContext",
        proxy: FilteringProxy,
        allows: Allows | None,
        max_length: int,
    ) -> None:
        self._answer = answer
        self._context = context
        self._proxy = proxy
        self._allows = allows
        self._max_length = max_length
        self.status: int | None = None
        self.retry_after = ""
        self._began = time.perf_counter()
        self._page: Page | None = None
        self._errors: dict[str, None] = {}
        self._documents: list[str] = []
        self._requests = 0
        self._kept_back = 0
        self._crashed = False

    async def snapshot(self) -> Snapshot:
        """Loads the page and writes it down once it has settled.

        Raises:
            FetchError: it cannot be got, or is too large.
        """
        await self._context.route("**/*", self._decide)
        page = self._page = await self._context.new_page()
        self._context.on("page", self._close_popup)
        page.on("pageerror", self._note_error)
        page.on("request", self._note_document)
        page.on("crash", self._note_crash)
        self._check(await page.goto(self._answer.url, wait_until="commit"))
        settled = await self._settle(page)
        seen = await self._look(page)
        return Snapshot(document=self._document(page.url, seen["html"]), behaviour=self._behaviour(page, seen, settled))

    def failure(self, error: Exception) -> FetchError:
        """What an error of the browser means for the page."""
        if self._proxy.overrun:
            return FetchError(Reason.TOO_LARGE, f"the page loads more than {MAX_BYTES} bytes")
        if self._requests > MAX_TRIED:
            return FetchError(Reason.TOO_LARGE, f"the page makes more than {MAX_TRIED:,} requests")
        said = str(error)
        if self._crashed or "crashed" in said:
            return FetchError(Reason.BROWSER_CRASHED, "the browser gave up on the page")
        if "has been closed" in said or "Connection closed" in said:
            return BrowserLost()
        if "Download is starting" in said:
            return FetchError(Reason.BAD_RESPONSE, "a download to the browser")
        return FetchError(Reason.BAD_RESPONSE, said.partition("\n")[0].removeprefix("Page.goto: "))

    def _check(self, answered: "BrowserResponse | None") -> None:
        if answered is not None:
            self.status, self.retry_after = answered.status, answered.headers.get("retry-after", "")
        if answered is None or answered.status not in _SUCCESS:
            told = "nothing" if answered is None else f"status {answered.status}"
            raise FetchError(Reason.BAD_RESPONSE, f"{told} to the browser")
        if answered.request.redirected_from is not None:
            raise FetchError(Reason.BAD_RESPONSE, f"a redirect to the browser, to {answered.url}")

    async def _settle(self, page: "Page") -> bool:
        """Waits for the page to be quiet, for a while after it was loaded; False where it was not by then."""
        quiet, loaded = (asyncio.ensure_future(self._reached(page, state)) for state in ("networkidle", "load"))
        try:
            await asyncio.wait([quiet, loaded], timeout=LOAD_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([quiet], timeout=SETTLE_SECONDS)
            return quiet.done() and quiet.result()
        finally:
            for waiting in (quiet, loaded):
                waiting.cancel()
            await asyncio.gather(quiet, loaded, return_exceptions=True)

    async def _reached(self, page: "Page", state: Literal["load", "networkidle"]) -> bool:
        try:
            await page.wait_for_load_state(state, timeout=(LOAD_SECONDS + SETTLE_SECONDS) * 1000)
        except playwright_error():  # out of time, or the page is gone: whoever reads it will know
            return False
        return True

    async def _look(self, page: "Page") -> dict[str, Any]:
        """The document, read in a world of its own that the page's scripts cannot reach."""
        session = await self._context.new_cdp_session(page)
        for look in range(_LOOKS):
            try:
                tree = await session.send("Page.getFrameTree")
                world = await session.send("Page.createIsolatedWorld", {"frameId": tree["frameTree"]["frame"]["id"]})
                arguments = {
                    "functionDeclaration": LOOK,
                    "executionContextId": world["executionContextId"],
                    "arguments": [{"value": self._max_length}],
                    "returnByValue": True,
                }
                answer = await session.send("Runtime.callFunctionOn", arguments)
                break
            except playwright_error():
                if look + 1 == _LOOKS or self._crashed:
                    raise
                await page.wait_for_load_state("load")  # it went on to another page meanwhile
        seen: dict[str, Any] = answer["result"].get("value") or {}
        if "html" not in seen:
            raise FetchError(Reason.BAD_RESPONSE, "the document cannot be read")
        if seen["html"] is None:
            raise FetchError(Reason.TOO_LARGE, f"the document is longer than {self._max_length} characters")
        return seen

    def _document(self, url: str, html: str) -> Response:
        raw = self._answer
        body = html.encode("utf-8", "replace")
        return Response(
            url=url if is_http(url) else raw.url,
            status=raw.status,
            headers=raw.headers,
            body=body,
            text=html,
            encoding=raw.encoding,  # of the queries that its links have
            fetched_at=raw.fetched_at,
        )

    def _behaviour(self, page: "Page", seen: dict[str, Any], settled: bool) -> Behaviour:  # noqa: FBT001 - one of its facts
        went_on = len(self._documents) > 1 and address(page.url) != address(self._answer.url)
        return Behaviour(
            led_to=printable(page.url) if went_on else None,
            errors=tuple(self._errors),
            settled=settled,
            small_text=seen["small"] / seen["all"] if seen["all"] else None,
            requests=self._requests,
            kept_back=self._kept_back,
            refused=self._proxy.refused,
            elapsed_ms=(time.perf_counter() - self._began) * 1000,
        )

    async def _decide(self, route: "Route") -> None:
        """Lets a request out or not; where it leads is for the proxy to judge, hop by hop."""
        self._requests += 1
        with suppress(playwright_error()):
            if self._requests > MAX_TRIED:
                await self._context.close()
            elif await self._is_wanted(route.request):
                await route.continue_()
            else:
                self._kept_back += 1
                await route.abort("blockedbyclient")

    async def _is_wanted(self, request: "Request") -> bool:
        if self._requests - self._kept_back > MAX_REQUESTS or request.resource_type in _UNNEEDED:
            return False
        own = address(request.url) == address(self._answer.url)
        return own or self._allows is None or not is_http(request.url) or await self._allows(request.url)

    async def _close_popup(self, popup: "Page") -> None:
        if popup is not self._page:
            with suppress(playwright_error()):
                await popup.close()

    def _note_error(self, error: Exception) -> None:
        if len(self._errors) < MAX_ERRORS:
            text = printable(str(error).partition("\n")[0], MAX_ERROR)
            self._errors.setdefault(text or "an exception without a message")

    def _note_document(self, request: "Request") -> None:
        first = request.redirected_from is None
        if self._page is not None and first and request.is_navigation_request() and _is_main(request, self._page):
            self._documents.append(request.url)

    def _note_crash(self, _: "Page") -> None:
        self._crashed = True


def _is_main(request: "Request", page: "Page") -> bool:
    try:
        return request.frame == page.main_frame
    except playwright_error():  # a frame that is not there yet
        return False
