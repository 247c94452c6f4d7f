"""Commands that scan: ``scan``, ``batch``, ``resume``."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from deployments.cli import screen
from deployments.cli.choosing import known_run
from deployments.cli.ending import watched
from deployments.cli.options import (
    ADVISING,
    ADVISING_GROUP,
    FETCHING,
    FRESHNESS,
    FURTHER,
    JUDGING,
    LIMITS,
    OWNER,
    PLACE,
    RUN_SHOWN,
    SHARDING,
    Advising,
    Fetching,
    Freshness,
    Further,
    Judging,
    Limits,
    Owner,
    Place,
    RunShown,
    Sharding,
)
from tasks.crawl.lists import Rejected, read_list
from tasks.errors import InputError
from tasks.urls import host_port, parse

if TYPE_CHECKING:
    from deployments.cli.wishes import RunOptions

NAMED_REJECTIONS = 10


def scan(
    *urls: Annotated[str, Parameter(negative=(), help="Address of a page; example.com means https://example.com/.")],
    fetching: Fetching = FETCHING,
    limits: Limits = LIMITS,
    judging: Judging = JUDGING,
    place: Place = PLACE,
    owner: Owner = OWNER,
    analyze: Annotated[
        bool, Parameter(group=ADVISING_GROUP, show_default=False, help="Get recommendations for the pages, or not.")
    ] = True,
    shown: RunShown = RUN_SHOWN,
) -> int:
    """Scan one page, or several.

    A page named here is always fetched, and may be local.
    """
    if not urls:
        raise InputError("no URL: write an address, such as `seo scan https://example.com`")
    typed = tuple(dict.fromkeys(parse(url) for url in urls))
    _tell_duplicates(len(urls) - len(typed))
    check_rules(judging)
    from deployments.cli import running  # noqa: PLC0415 - imports Prefect

    options = replace(
        run_options(place, fetching, limits, judging, owner),
        allow=tuple(dict.fromkeys((*fetching.allow, *map(host_port, typed)))),
        max_age=0.0,
        analyze="all" if analyze else "none",
    )
    if len(typed) == 1:
        return watched(lambda watch: running.scan_page(typed[0], options, watch), options.data, shown)
    return watched(lambda watch: running.scan_batch(typed, options, watch), options.data, shown)


def batch(
    file: Annotated[
        str,
        Parameter(allow_leading_hyphen=True, help="File with one URL a line, CSV or a sitemap; - for standard input."),
    ],
    /,
    *,
    fetching: Fetching = FETCHING,
    freshness: Freshness = FRESHNESS,
    sharding: Sharding = SHARDING,
    limits: Limits = LIMITS,
    judging: Judging = JUDGING,
    place: Place = PLACE,
    owner: Owner = OWNER,
    advising: Advising = ADVISING,
    shown: RunShown = RUN_SHOWN,
) -> int:
    """Scan the pages of a list.

    The same list again continues an unfinished run, or takes pages younger than --max-age from the last one.
    Of a CSV file the column url, address, loc, link or page counts, else the first with addresses.
    """
    if file.startswith("--"):  # the parser lets every hyphen through for the sake of one
        raise InputError(f"unknown option {file}: `seo batch --help` lists what there is; a file is ./{file}")
    if file == "-" and sys.stdin.isatty():
        screen.say("reading URLs, one a line; end with Ctrl-D")
    found = read_list(file)
    _tell_duplicates(found.duplicates)
    _tell_rejected(found.rejected)
    for fault in found.faults[:NAMED_REJECTIONS]:
        screen.say(fault)
    check_rules(judging)
    from deployments.cli import running  # noqa: PLC0415 - imports Prefect

    options = replace(
        run_options(place, fetching, limits, judging, owner),
        max_age=freshness.max_age,
        refresh=freshness.refresh,
        analyze=advising.analyze,
        shards=sharding.shards,
    )
    return watched(lambda watch: running.scan_batch(found.urls, options, watch), options.data, shown)


def resume(
    run: Annotated[str | None, Parameter(help="Run id, or how it begins. [default: the newest unfinished run]")] = None,
    /,
    *,
    further: Further = FURTHER,
    sharding: Sharding = SHARDING,
    limits: Limits = LIMITS,
    place: Place = PLACE,
    shown: RunShown = RUN_SHOWN,
) -> int:
    """Continue an unfinished run with the options it was started with.

    A crawl that ended at a limit goes on with a higher one.
    """
    data = place.existing()
    run_id = known_run(data, run).run_id if run else None
    from deployments.cli import running  # noqa: PLC0415 - imports Prefect
    from deployments.cli.wishes import NewLimits, RunOptions  # noqa: PLC0415 - imports the engines

    options = RunOptions(data=data, timeout=limits.timeout, shards=sharding.shards)
    wanted = NewLimits(further.max_pages, further.max_depth, further.time_budget)
    return watched(lambda watch: running.resume(run_id, options, watch, wanted), data, shown)


def run_options(place: Place, fetching: Fetching, limits: Limits, judging: Judging, owner: Owner) -> "RunOptions":
    """What the groups of options ask of a run; ``max_age`` and ``analyze`` stay at their defaults."""
    from deployments.cli.wishes import RunOptions  # noqa: PLC0415 - imports the engines

    return RunOptions(
        data=place.folder,
        project_id=owner.project,
        user_id=owner.user,
        allow=fetching.allow,
        concurrency=fetching.concurrency,
        rate=fetching.rate,
        user_agent=fetching.user_agent,
        render=fetching.render,
        access=fetching.access,
        keep_html=False if owner.no_html else None,
        timeout=limits.timeout,
        select=judging.select,
        ignore=judging.ignore,
    )


def check_rules(judging: Judging) -> None:
    """Refuses unknown rules before anything long begins.

    Raises:
        InputError: naming the nearest rule there is.
    """
    if judging.select or judging.ignore:
        from tasks.audit.profile import Profile  # noqa: PLC0415 - imports every rule

        Profile(select=judging.select, ignore=judging.ignore)


def _tell_duplicates(count: int) -> None:
    if count:
        screen.say(f"{count:,} duplicate URL{'' if count == 1 else 's'} left out")


def _tell_rejected(rejected: Sequence[Rejected]) -> None:
    for line in rejected[:NAMED_REJECTIONS]:
        screen.say(f"line {line.line}: {line.why}")
    if len(rejected) > NAMED_REJECTIONS:
        screen.say(f"{len(rejected) - NAMED_REJECTIONS:,} more lines are no usable URL; {len(rejected):,} in all")
