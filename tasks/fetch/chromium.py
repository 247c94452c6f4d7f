"""A browser that is already installed, shut in: it reaches nothing but the proxy that each of its pages is given."""

import asyncio
import importlib.util
import os
import shutil
from collections.abc import Awaitable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tasks.errors import InputError, SeoScanError

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
VIEWPORT = {"width": 412, "height": 915}
"""A phone's, as Google's crawler has it."""

_START_SECONDS = 60.0
_CLOSE_SECONDS = 5.0
_NOWHERE = "http://127.0.0.1:1"
"""The browser's own proxy: what belongs to no page, such as its maker's services, goes nowhere."""

_BYPASS = "<-loopback>"  # nothing goes past the proxy, not even what is local
_ENVIRONMENT = ("HOME", "LANG", "PATH", "TMPDIR", "TZ")
"""What the browser is told of ours: no key and no secret is any of its business."""

_SWITCHES = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # looks up no name itself
    "--disable-quic",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--dns-prefetch-disable",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pings",
    "--blink-settings=imagesEnabled=false",
    "--deny-permission-prompts",
    "--disable-features=WebTransport,DirectSockets,MediaRouter,OptimizationHints",
)


def require_browser(path: str) -> str:
    """The browser's path: ``path``, else what is installed.

    Raises:
        InputError: the extra or the browser is missing; names the remedy.
    """
    if importlib.util.find_spec("playwright") is None:
        raise InputError("pages are rendered with Playwright, which is not installed: `uv sync --extra render`")
    if path and not (os.path.isfile(path) and os.access(path, os.X_OK)):  # noqa: PTH113 - both are questions about a text
        raise InputError(f"no browser at {path!r:.300}: correct SEO_BROWSER, or `browser` of the SEO Crawler block")
    found = path or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise InputError(
            "no Chromium is installed: `apt install chromium`, or set SEO_BROWSER to the path of Chromium or Chrome"
        )
    return found


class Chromium:
    """One browser process for many pages; started by the first and again after a crash. An async context manager."""

    def __init__(self, path: str) -> None:
        self._path = require_browser(path)
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def open(self, proxy: str, user_agent: str) -> "BrowserContext":
        """A fresh context, all of whose traffic goes to ``proxy``; in a new browser where the last one is gone.

        Raises:
            SeoScanError: the browser does not start.
        """
        browser = await self._running()
        try:
            return await self._context(browser, proxy, user_agent)
        except playwright_error():
            await self._give_up(browser)
        return await self._context(await self._running(), proxy, user_agent)

    async def _context(self, browser: "Browser", proxy: str, user_agent: str) -> "BrowserContext":
        context = await browser.new_context(
            proxy={"server": proxy, "bypass": _BYPASS},
            user_agent=user_agent,
            viewport=VIEWPORT,  # type: ignore[arg-type]  # a TypedDict of the library's own
            is_mobile=True,
            accept_downloads=False,
            service_workers="block",
        )
        await context.grant_permissions([])  # and with that no others
        return context

    async def close(self, context: "BrowserContext") -> None:
        """Ends the context; a browser that cannot is killed."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await context.close()
        except (TimeoutError, playwright_error()):
            if context.browser is not None:
                await self._give_up(context.browser)

    async def _give_up(self, browser: "Browser") -> None:
        """Ends ``browser``, unless another has taken its place."""
        if browser is self._browser:
            await self.kill()

    async def kill(self) -> None:
        """Ends the browser, and the driver beside it: Ctrl-C at a terminal may have ended that already."""
        browser, self._browser = self._browser, None
        playwright, self._playwright = self._playwright, None
        if browser is not None:
            await _ended(browser.close())
        if playwright is not None:
            await _ended(playwright.stop())

    async def _running(self) -> "Browser":
        async with self._turn:
            if self._browser is None or not self._browser.is_connected():
                await self.kill()
                self._browser = await self._started()
            return self._browser

    async def _started(self) -> "Browser":
        from playwright.async_api import async_playwright  # noqa: PLC0415 - an extra

        self._playwright = await async_playwright().start()
        try:
            return await self._playwright.chromium.launch(
                executable_path=self._path,
                args=list(_SWITCHES),
                ignore_default_args=["--disable-popup-blocking"],
                proxy={"server": _NOWHERE, "bypass": _BYPASS},
                chromium_sandbox=not _is_root(),
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
                timeout=_START_SECONDS * 1000,
            )
        except playwright_error() as error:
            why = next((line for line in str(error).splitlines() if "sandbox" in line.lower()), str(error)[:300])
            raise SeoScanError(
                f"{self._path} does not start: {why.strip()}; try `{self._path} --headless=new --dump-dom about:blank`"
            ) from error


async def _ended(ending: Awaitable[None]) -> None:
    with suppress(TimeoutError, playwright_error()):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await ending


def playwright_error() -> type[Exception]:
    """What Playwright raises of its own."""
    from playwright.async_api import Error  # noqa: PLC0415 - an extra

    return Error


def _is_root() -> bool:
    """Chromium has no sandbox for root."""
    user: Any = getattr(os, "geteuid", None)
    return user is not None and user() == 0
