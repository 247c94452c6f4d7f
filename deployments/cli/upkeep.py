"""Commands for the data folder itself: ``store compact``, ``store prune``, ``store check``, ``store migrate``."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import screen
from deployments.cli.exits import Exit
from deployments.cli.moving import migrate
from deployments.cli.options import PLACE, Place, any_duration, any_retention, at_least
from tasks.errors import InputError

if TYPE_CHECKING:
    from tasks.store import Pruned, Swept

MEBI = 2**20
HOUR = 3600.0

store = App(name="store", help="Upkeep of the data folder.", help_format="plaintext", sort_key=93)

Grace = Annotated[
    float,
    Parameter(
        converter=any_duration,
        metavar="TIME",
        show_default=False,
        help="How long files stay that nothing names any more: longer than any query takes. [default: 1h]",
    ),
]


@store.command
def compact(
    *,
    above: Annotated[
        int, Parameter(validator=at_least(1), help="Merge where a table has more parts than so many.")
    ] = 500,
    grace: Grace = HOUR,
    place: Place = PLACE,
) -> int:
    """Merge small files of facts into few, and delete those that were merged before; runs may go on meanwhile."""
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(place.existing()) as opened:
        done = opened.upkeep.compact(above=above)
        opened.publish(final=True)
        swept = opened.upkeep.sweep(grace)
    if done.merged:
        screen.say(
            f"{done.merged:,} parts became {done.made:,}, {_size(done.bytes_before)} became {_size(done.bytes_after)}"
        )
    else:
        screen.say(f"no table has more than {above:,} parts that could be merged")
    _tell_swept(swept)
    return Exit.DONE


@store.command
def prune(
    *,
    keep: Annotated[
        float | None,
        Parameter(converter=any_retention, metavar="TIME", help="Remove runs that ended longer ago: 90d, 12w or 48h."),
    ] = None,
    run: Annotated[
        str | None, Parameter(metavar="RUN", help="Remove this run, however young, unless others show pages of it.")
    ] = None,
    dry_run: Annotated[bool, Parameter(negative=(), show_default=False, help="Only tell what would go.")] = False,
    grace: Grace = HOUR,
    place: Place = PLACE,
) -> int:
    """Remove old runs with their pages, sources, advice and cached results.

    Running runs stay, so does the last crawl of each site, and of an older run the pages that a younger one shows.
    """
    if (keep is None) == (run is None):
        raise InputError("say what goes: `seo store prune --keep 90d`, or `seo store prune --run RUN`")
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(place.existing()) as opened:
        if run is not None:
            run_id = opened.upkeep.would_remove(run)
            if dry_run:
                screen.say(f"would remove run {run_id}")
                return Exit.DONE
            opened.upkeep.remove(run_id)
            screen.say(f"removed run {run_id}")
        elif keep is not None:
            done = opened.upkeep.would_prune(keep) if dry_run else opened.upkeep.prune(keep)
            _tell_pruned(done, dry_run=dry_run)
            if dry_run:
                return Exit.DONE
        opened.publish(final=True)
        _tell_swept(opened.upkeep.sweep(grace, keep_s=keep))
    return Exit.DONE


@store.command
def check(*, place: Place = PLACE) -> int:
    """Read everything and tell what is wrong with it: files, page states, counts; exit status 1 where anything is."""
    from tasks.report.escape import terminal  # noqa: PLC0415
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(place.existing()) as opened:
        problems = opened.upkeep.check()
        folder = opened.path
    for problem in problems:
        screen.line(terminal(f"{problem.what}: {problem.remedy}"))
    found = f"{len(problems):,} problem{'' if len(problems) == 1 else 's'}" if problems else "nothing wrong"
    screen.say(f"{folder}: {found}")
    return Exit.ISSUES if problems else Exit.DONE


store.command(migrate)


def _tell_pruned(done: "Pruned", *, dry_run: bool) -> None:
    """Every run by its id, and what became of it."""
    gone, fewer = ("would be removed", "would be reduced") if dry_run else ("removed", "reduced")
    for run_id in done.removed:
        screen.line(f"{run_id}  {gone}")
    for run_id in done.reduced:
        screen.line(f"{run_id}  {fewer} to the pages that later runs show")
    for kept in done.kept:
        screen.line(f"{kept.run_id}  kept: {kept.why}")
    if not (done.removed or done.reduced or done.kept):
        screen.say("no run is that old")
    if done.records:
        screen.say(f"deleted {done.records:,} old records: notifications, requests, cached answers of models")


def _tell_swept(swept: "Swept") -> None:
    files = swept.dead + swept.orphans + swept.temporary + swept.results
    if files:
        screen.say(f"deleted {files:,} files, {_size(swept.bytes)}")


def _size(count: int) -> str:
    return f"{count / MEBI:,.1f} MiB"
