"""Commands around the product: ``demo``, ``blocks register`` and ``blocks access``."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import screen
from deployments.cli.options import RUN_SHOWN, RunShown, any_folder, block_name, data_option
from tasks.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.cli.running import Finished
    from deployments.cli.supervising import Watch
    from deployments.cli.wishes import CrawlOptions, RunOptions

    Crawl = Callable[[CrawlOptions, RunOptions, Watch], Finished]

DEMO_DATA = Path("seo-demo")
DEMO_ADVICE = "top:5"

blocks = App(name="blocks", help="Prefect blocks of this product.", help_format="plaintext", sort_key=100)


@blocks.command
def register() -> int:
    """Register the block types of this product with Prefect."""
    import blocks as ours  # noqa: PLC0415 - imports Prefect

    _wait_for_api()
    for block in (getattr(ours, name) for name in ours.__all__):
        asyncio.run(block.aregister_type_and_schema())
        screen.line(f"registered {block.get_block_type_name()} ({block.get_block_type_slug()})")
    return 0


@blocks.command
def access(name: Annotated[str, Parameter(help="Name of the block, for --access.")], /) -> int:
    """Save what the variables SEO_ACCESS_... hold, as the SEO Site Access block NAME."""
    from blocks import SiteAccess  # noqa: PLC0415 - imports Prefect
    from blocks.site_access import ENVIRONMENT  # noqa: PLC0415

    if name == ENVIRONMENT:
        raise InputError(f"{name} stands for the variables themselves: choose another name")
    try:
        block_name(None, name)
        given = SiteAccess().with_environment()
        given.check()
    except ValueError as error:
        raise InputError(str(error)) from None
    _wait_for_api()
    asyncio.run(given.asave(name, overwrite=True))
    screen.line(
        f"saved the SEO Site Access block {name!r}: `seo crawl {(given.origins or ['URL'])[0]} --access {name}`"
    )
    return 0


def _wait_for_api() -> None:
    from deployments.cli.lifeline import check_api  # noqa: PLC0415
    from deployments.cli.local_server import LocalServer  # noqa: PLC0415 - imports Prefect

    if LocalServer.current is None:
        asyncio.run(check_api())
    else:
        LocalServer.current.wait()


def demo(
    *,
    data: Annotated[
        Path,
        Parameter(
            converter=any_folder, metavar="PATH", help="Folder for the results; kept, and used again by the next demo."
        ),
    ] = DEMO_DATA,
    analyze: Annotated[
        bool,
        Parameter(negative=(), show_default=False, help="Have the five worst pages analysed, and show what is told."),
    ] = False,
    shown: RunShown = RUN_SHOWN,
) -> int:
    """Crawl a small flawed tea shop that comes with the package, offline."""
    from deployments.cli import running  # noqa: PLC0415 - imports Prefect

    return crawl_shop(running.crawl, data.expanduser(), shown, analyze=analyze)


def crawl_shop(crawl: "Crawl", data: Path, shown: RunShown, *, analyze: bool = False) -> int:
    """Serves the shop, crawls it by ``crawl`` and shows the run; with ``analyze`` what its user was told, too."""
    from deployments.cli.ending import watched  # noqa: PLC0415 - imports Prefect
    from deployments.cli.wishes import CrawlOptions, RunOptions  # noqa: PLC0415
    from deployments.demo.server import serve  # noqa: PLC0415

    with serve() as shop:
        screen.say(f"serving the sample shop on {shop.url}")
        screen.say(f"$ seo crawl {shop.url}{data_option(data)}{f' --analyze {DEMO_ADVICE}' if analyze else ''}")
        options = RunOptions(data=data, analyze=DEMO_ADVICE if analyze else "none")
        rules = CrawlOptions(start_url=shop.url)
        status = watched(lambda watch: crawl(rules, options, watch), data, shown)
    if analyze and shown.format == "table":
        screen.say(f"$ seo notifications{data_option(data)}")
        _show_told(data)
    screen.say(f"results are kept in {data}")
    return status


def _show_told(data: Path) -> None:
    from deployments.cli.notifying import print_notifications  # noqa: PLC0415 - imports the engines
    from tasks.store import Store  # noqa: PLC0415 - imports the engines

    with Store.open(data) as store:
        run = store.list_runs(1)[0]
        print_notifications([told for told in store.notifications.list(run.user_id) if told.run_id == run.run_id])
