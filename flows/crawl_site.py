"""crawl-site: a whole site from one start URL.

Needs no block; takes SEO Crawler and SEO Result Store where they are saved. Has no timeout of its own: a limit that
is reached ends the crawl, complete or not, and the run says so.
"""

import time
from typing import Annotated, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Cancelled
from pydantic import Field

from flows.advice import advise
from flows.failures import tell_failure
from flows.outbox import send_outbox
from flows.progress import announced
from tasks.admit.task import admitted, already_done
from tasks.crawl.scope import ScopeKind
from tasks.events import Identity, RunId, StartUrl
from tasks.report.task import publish_summary, reported_progress
from tasks.scan.budget import Budget, TimeBudget
from tasks.scan.crawl_task import crawl_chunks, crawl_name, create_crawl_records, judge_site, prepare_crawl
from tasks.scan.places_task import run_slot
from tasks.scan.pool_task import process_pool
from tasks.scan.settings import AnalyzeWhich, CrawlRules, ScanOptions
from tasks.scan.task import close_run, load_settings, recorded
from tasks.store import RunState
from tasks.urls import parse


@flow(name="crawl-site", flow_run_name=crawl_name, task_runner=process_pool(), on_failure=[tell_failure])
async def crawl_site(
    start_url: StartUrl,
    project_id: Identity = "default",
    user_id: Identity = "local",
    scope: ScopeKind = ScopeKind.FOLDER,
    *,
    max_pages: Annotated[int, Field(ge=1)] | None = 10_000,
    max_depth: Annotated[int, Field(ge=0)] | None = None,
    include: list[str] | None = None,
    exclude: list[str] | None = None,
    sitemaps: bool = True,
    obey_robots: bool = True,
    cut_traps: bool = True,
    check: list[Literal["external", "images"]] | None = None,
    time_budget: TimeBudget | None = None,
    changed_only: bool = False,
    run_id: RunId | None = None,
    request_id: str | None = None,
    analyze: AnalyzeWhich = "none",
    options: ScanOptions | None = None,
) -> str | State[str]:
    """Finds a site's pages by its links and sitemaps, judges each and the site as a whole; returns the run's id.

    Args:
        start_url: Where the crawl begins; where it leads to another place, the scope is taken from there.
        project_id: Project the pages belong to.
        user_id: Who is told.
        scope: How far to go - the start URL's folder, its host, or its domain with all subdomains.
        max_pages: Pages fetched at most.
        max_depth: Links followed from the start at most.
        include: Patterns, one of which an address has to match; * stands for anything.
        exclude: Patterns that no address may match.
        sitemaps: Read the sitemaps, for more pages and to compare with.
        obey_robots: Fetch nothing that robots.txt disallows.
        cut_traps: Leave out what looks endless - calendars, combined parameters, repeating paths.
        check: What to look at besides - external links and the like, images; both where absent.
        time_budget: How long it may take, in seconds or as 30m; what is left then is for the next run.
        changed_only: Tell of and analyse only pages that are new, changed or gone since the last crawl.
        run_id: Run to continue, within the limits given here, or the id for a new one.
        request_id: Identity of the request; once answered, it is not answered again.
        analyze: Which pages to analyse - none, top:N for the N most in need of it, or all; of a run that is
            continued, none stands for what it was started with.
        options: Wishes that differ from the blocks.
    """
    budget = Budget.of(time_budget, time.time())
    rules = CrawlRules(
        project_id=project_id,
        start_url=parse(start_url),
        scope=scope,
        max_pages=max_pages,
        max_depth=max_depth,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        sitemaps=sitemaps,
        obey_robots=obey_robots,
        cut_traps=cut_traps,
        check=("external", "images") if check is None else tuple(check),
    )
    asked = {"analyze": analyze, "changed_only": changed_only, "crawl": rules}
    settings = await load_settings(options or ScanOptions(), request_id=request_id)
    settings = settings.model_copy(update=asked)
    ticket = await admitted(request_id, run_id, data=settings.data, user_id=user_id, throttled=True)
    if ticket.taken:
        return already_done(ticket)
    async with run_slot():
        plan = await create_crawl_records(settings, user_id, ticket.run_id)
        changed_only = changed_only or plan.settings.changed_only
        async with announced(plan) as tell, recorded(plan):
            async with reported_progress(settings.data, plan.run.run_id, tell):
                plan, stopped = await prepare_crawl(plan, budget.fetch_until)
                stopped = stopped or await crawl_chunks(plan, deadline=budget.fetch_until)
                if stopped != "stopped":
                    stopped = await judge_site(plan, budget.check_until) or stopped
            run = await close_run(plan, stopped)
            await publish_summary(plan.run.run_id, settings.data, changed_only=changed_only)
    if run.state == RunState.COMPLETED:
        await advise(plan, analyze, changed_only=changed_only)
    await send_outbox(settings.data)
    if run.state != RunState.COMPLETED:
        return Cancelled(message=f"{run.incomplete_reason}; `seo resume {run.run_id}` continues it")
    return plan.run.run_id
