"""Commands for a Prefect server: ``serve``, ``deploy``, ``schedule`` and ``blocks store``."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deployments.cli import screen
from deployments.cli.admin import blocks
from deployments.cli.options import SHOWN, Shown, at_least, block_name, positive_duration
from tasks.urls import parse

if TYPE_CHECKING:
    from deployments.schedules import ScheduledCrawl

SCHEDULE_COLUMNS = ("name", "site", "cron", "timezone", "active", "next_at", "wishes")

schedule = App(name="schedule", help="Crawls at set times, on a Prefect server.", help_format="plaintext", sort_key=90)


def serve(
    *,
    limit: Annotated[int, Parameter(validator=at_least(1), help="Runs at once, each a process of its own.")] = 5,
) -> int:
    """Run what a Prefect server asks for: all flows, on events, on schedules and by hand."""
    from deployments import serve as serving  # noqa: PLC0415 - imports Prefect

    asyncio.run(serving.serve(limit=limit, tell=screen.say))
    return 0


def deploy() -> int:
    """Deploy all flows for workers: work pools, queues, triggers."""
    from deployments import deploy as deploying  # noqa: PLC0415 - imports Prefect
    from flows.registry import SHARD_POOL, WORK_POOL  # noqa: PLC0415

    folder = asyncio.run(deploying.deploy(screen.say))
    screen.say(f"results go to {folder}, on every worker; start one: `prefect worker start --pool {WORK_POOL}`")
    screen.say(f"for shards of long lists, on every machine: `prefect worker start --pool {SHARD_POOL} --limit 1`")
    return 0


@blocks.command
def store(folder: Annotated[Path, Parameter(help="Data folder.")], /) -> int:
    """Save the data folder of deployments, as the SEO Result Store block `default`.

    Where SEO_CATALOGUE_URL is set, it, SEO_FACTS_URL and the AWS variables are saved too.
    """
    from deployments.prefect_api import require_api, save_folder  # noqa: PLC0415 - imports Prefect

    data = folder.expanduser().resolve()

    async def save() -> list[str]:
        await require_api()
        return await save_folder(data)

    shared = asyncio.run(save())
    screen.line(f"saved the SEO Result Store block 'default': results of deployments go to {data}")
    if shared:
        screen.line(f"with {', '.join(shared)}: the folder is only for copies")
    return 0


@schedule.command
def add(
    site: Annotated[str, Parameter(help="Where each crawl begins.")],
    /,
    *,
    cron: Annotated[str, Parameter(help="When, in the five fields of crontab; '0 3 * * *' is every day at 3:00.")],
    timezone: Annotated[str, Parameter(help="Time zone of --cron, such as Europe/Berlin.")] = "UTC",
    name: Annotated[str | None, Parameter(help="Name of the schedule. [default: made of SITE]")] = None,
    scope: Annotated[
        Literal["folder", "host", "domain"],
        Parameter(help="The start URL's folder, its host, or its domain with all subdomains."),
    ] = "folder",
    max_pages: Annotated[int, Parameter(validator=at_least(0), help="Pages fetched at most; 0 for no limit.")] = 10_000,
    max_depth: Annotated[
        int | None, Parameter(validator=at_least(0), help="Links followed from the start at most.")
    ] = None,
    time_budget: Annotated[
        float | None,
        Parameter(
            converter=positive_duration,
            metavar="TIME",
            show_default=False,
            help="End within this time, such as 30m. [default: no limit]",
        ),
    ] = None,
    changed_only: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Tell of only pages that are new, changed or gone since the last crawl.",
        ),
    ] = False,
    follow_traps: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Fetch what looks like an endless calendar or list, too.")
    ] = False,
    project: Annotated[str, Parameter(help="Project that the pages belong to.")] = "default",
    user: Annotated[str, Parameter(help="User who is told.")] = "local",
    access: Annotated[
        str | None, Parameter(validator=block_name, metavar="NAME", help="Saved SEO Site Access block.")
    ] = None,
    render: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Open each page in a browser, too.")
    ] = False,
) -> int:
    """Crawl a site at set times."""
    from deployments.prefect_api import require_api  # noqa: PLC0415 - imports Prefect
    from deployments.schedules import add_schedule, name_for  # noqa: PLC0415

    url = parse(site)
    options = {**({"access": access} if access else {}), **({"render": True} if render else {})}
    wishes: dict[str, Any] = {
        "scope": scope,
        "max_pages": max_pages or None,
        "max_depth": max_depth,
        "time_budget": time_budget,
        "changed_only": changed_only,
        "project_id": project,
        "user_id": user,
        **({"cut_traps": False} if follow_traps else {}),
        **({"options": options} if options else {}),
    }

    async def added() -> str:
        await require_api()
        return (await add_schedule(name or name_for(url), url, cron, timezone, wishes)).name

    added_name = asyncio.run(added())
    screen.say(f"{url} is crawled at {cron!r} ({timezone}) as schedule {added_name}")
    return 0


@schedule.command(name="list")
def list_(*, shown: Shown = SHOWN) -> int:
    """List the crawls at set times."""
    from deployments.prefect_api import require_api  # noqa: PLC0415 - imports Prefect
    from deployments.schedules import list_schedules  # noqa: PLC0415

    async def listed() -> "list[ScheduledCrawl]":
        await require_api()
        return await list_schedules()

    crawls = asyncio.run(listed())
    if shown.format != "table":
        from tasks.report.formats import write  # noqa: PLC0415 - not for tables

        rows = ({name: getattr(crawl, name) for name in SCHEDULE_COLUMNS} for crawl in crawls)
        write(rows, shown.format, sys.stdout, SCHEDULE_COLUMNS)
        return 0
    from tasks.report.terminal import rows_view  # noqa: PLC0415

    columns = ("name", "site", "cron", "time zone", "next (UTC)")
    lines = (
        (crawl.name, crawl.site, crawl.cron, crawl.timezone, f"{crawl.next_at:%Y-%m-%d %H:%M}" if crawl.next_at else "")
        for crawl in crawls
    )
    screen.out().print(rows_view(columns, lines, len(crawls)))
    return 0


@schedule.command
def remove(name: Annotated[str, Parameter(help="As `seo schedule list` has it.")], /) -> int:
    """End a schedule."""
    from deployments.prefect_api import require_api  # noqa: PLC0415 - imports Prefect
    from deployments.schedules import remove_schedule  # noqa: PLC0415

    async def removed() -> None:
        await require_api()
        await remove_schedule(name)

    asyncio.run(removed())
    screen.say(f"removed schedule {name}")
    return 0
