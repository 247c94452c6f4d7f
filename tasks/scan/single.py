"""One page on its own: fetched with its retries, read, judged and staged; committed by a second step."""

import asyncio
import time
from collections.abc import Callable

from tasks.fetch.access import NO_ACCESS, Access
from tasks.fetch.fetcher import OWN_USER_AGENT
from tasks.fetch.retry import delay, is_transient
from tasks.model import Answer, FetchFailure, ScannedPage
from tasks.scan.pipeline import PagePipeline
from tasks.scan.process import holder_name, is_gone
from tasks.scan.robots import RobotsBook
from tasks.scan.settings import ScanSettings
from tasks.store import Staged, Store, Target
from tasks.urls import printable


async def scan_single(
    target: Target,
    settings: ScanSettings,
    store: Store,
    access: Access = NO_ACCESS,
    *,
    deadline: float,
    tell: Callable[[str], None],
) -> ScannedPage:
    """The page after as many tries as its failure allows; ``tell`` hears of each further try."""
    options, hosts = settings.options, store.hosts.without_crawl_delay()
    await asyncio.to_thread(hosts.give_back, is_gone)
    async with (
        PagePipeline(options, settings.profile, hosts, holder_name(), access, render=settings.render) as pipeline,
        RobotsBook(store, pipeline.fetcher, options.user_agent or OWN_USER_AGENT, settings.realm) as robots,
    ):
        robots.begin(target.url)
        tries = 0
        while True:
            tries += 1
            answer = await pipeline.fetch(target.url, tries)
            again = tries < options.max_tries and is_transient(answer, tries=tries)
            wait = delay(answer, tries=tries, now=time.time()) if again else 0.0
            if not again or time.time() + wait > deadline:
                blocked = await robots.blocks(target.url, answer)
                return await pipeline.judge(target.page_id, target.url, answer, blocked=blocked)
            tell(f"{printable(target.url)}: {problem(answer)}; try {tries + 1} in {wait:.1f} s")
            await asyncio.sleep(wait)


def problem(answer: Answer) -> str:
    """What was wrong with an answer, for people."""
    if isinstance(answer, FetchFailure):
        return f"{answer.reason} ({answer.detail})" if answer.detail else answer.reason.value
    return f"status {answer.status}"


def stage_single(run_id: str, page: ScannedPage, settings: ScanSettings, store: Store) -> Staged:
    """Writes the page's parts; nothing is visible before they are committed."""
    return store.stage(run_id, f"single-{page.page_id}", [page], keep_html=settings.keep_html)
