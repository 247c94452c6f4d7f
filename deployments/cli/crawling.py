"""The command ``crawl``."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from cyclopts import Parameter

from deployments.cli.ending import watched
from deployments.cli.options import (
    ADVISING,
    CRAWLING,
    FETCHING,
    JUDGING,
    OWNER,
    PLACE,
    RUN_SHOWN,
    Advising,
    Fetching,
    Judging,
    Limits,
    Owner,
    Place,
    RunShown,
    at_least,
    positive_duration,
)
from deployments.cli.scanning import check_rules, run_options
from tasks.errors import InputError
from tasks.urls import parse, printable


@Parameter(name="*", group=CRAWLING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Crawling:
    """Where a crawl goes."""

    scope: Annotated[
        Literal["folder", "host", "domain"],
        Parameter(help="The start URL's folder, its host, or its domain with all subdomains."),
    ] = "folder"
    max_pages: Annotated[
        int,
        Parameter(
            validator=at_least(0),
            show_default=lambda pages: f"{pages:,}",
            help="Pages fetched at most; 0 for no limit.",
        ),
    ] = 10_000
    max_depth: Annotated[
        int | None,
        Parameter(
            validator=at_least(0), show_default=False, help="Links followed from the start at most. [default: no limit]"
        ),
    ] = None
    include: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(), n_tokens=1, metavar="PATTERN", show_default=False,
            help="Fetch only addresses that contain this, * stands for anything; repeatable.",
        ),
    ] = ()  # fmt: skip
    exclude: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(), n_tokens=1, metavar="PATTERN", show_default=False, help="Fetch none of these; repeatable."
        ),
    ] = ()
    no_sitemaps: Annotated[bool, Parameter(negative=(), show_default=False, help="Do not read the sitemaps.")] = False
    ignore_robots: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Fetch what robots.txt disallows, too.")
    ] = False
    follow_traps: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Fetch what looks like an endless calendar or list, too.")
    ] = False
    check: Annotated[
        str, Parameter(metavar="KINDS", help="What to look at besides: external,images, one of them, or none.")
    ] = "external,images"
    time_budget: Annotated[
        float | None,
        Parameter(
            converter=positive_duration, metavar="TIME", show_default=False,
            help="End within this time, such as 30m. [default: no limit]",
        ),
    ] = None  # fmt: skip
    refresh: Annotated[
        bool,
        Parameter(
            negative=(), show_default=False, help="Fetch all pages in full, whatever the last crawl knew of them."
        ),
    ] = False
    changed_only: Annotated[
        bool,
        Parameter(
            negative=(), show_default=False,
            help="Show, count and analyse only pages that are new, changed or gone since the last crawl.",
        ),
    ] = False  # fmt: skip


DEFAULT = Crawling()


def check_kinds(text: str) -> tuple[Literal["external", "images"], ...]:
    """What ``--check`` names.

    Raises:
        InputError: naming what can be written.
    """
    if text == "none":
        return ()
    kinds = [part.strip() for part in text.split(",") if part.strip()]
    known: tuple[Literal["external", "images"], ...] = ("external", "images")
    for kind in kinds:
        if kind not in known:
            raise InputError(f"--check {printable(kind)}: write external, images, both with a comma, or none")
    return tuple(kind for kind in known if kind in kinds)


def crawl(
    url: Annotated[str, Parameter(help="Where to begin; example.com means https://example.com/.")],
    /,
    *,
    crawling: Crawling = DEFAULT,
    fetching: Fetching = FETCHING,
    judging: Judging = JUDGING,
    place: Place = PLACE,
    owner: Owner = OWNER,
    advising: Advising = ADVISING,
    shown: RunShown = RUN_SHOWN,
) -> int:
    """Crawl a site and judge its pages, and the site as a whole.

    The same command goes on with a crawl that it left unfinished. The host and port named here may be local.
    """
    start = parse(url)
    kinds = check_kinds(crawling.check)
    check_rules(judging)
    from deployments.cli import running  # noqa: PLC0415 - imports Prefect
    from deployments.cli.wishes import CrawlOptions  # noqa: PLC0415 - imports the engines
    from tasks.crawl.scope import ScopeKind  # noqa: PLC0415 - as above

    rules = CrawlOptions(
        start_url=start,
        scope=ScopeKind(crawling.scope),
        max_pages=crawling.max_pages or None,
        max_depth=crawling.max_depth,
        include=crawling.include,
        exclude=crawling.exclude,
        sitemaps=not crawling.no_sitemaps,
        obey_robots=not crawling.ignore_robots,
        cut_traps=not crawling.follow_traps,
        check=kinds,
        time_budget=crawling.time_budget,
        changed_only=crawling.changed_only,
    )
    options = replace(
        run_options(place, fetching, Limits(), judging, owner), analyze=advising.analyze, refresh=crawling.refresh
    )
    return watched(
        lambda watch: running.crawl(rules, options, watch), options.data, shown, changed_only=crawling.changed_only
    )
