"""Commands around the product: ``demo`` and ``blocks register``."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import screen
from deployments.cli.options import RUN_SHOWN, RunShown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deployments.cli.running import Finished, RunOptions, Watch

    ScanBatch = Callable[[Sequence[str], RunOptions, Watch], Finished]

DEMO_DATA = Path("seo-demo")

blocks = App(name="blocks", help="Prefect blocks of this product.", help_format="plaintext", sort_key=100)


@blocks.command
def register() -> int:
    """Register the block types SEO Crawler and SEO Result Store with Prefect."""
    from blocks import Crawler, ResultStore  # noqa: PLC0415 - imports Prefect
    from deployments.cli.local_server import LocalServer  # noqa: PLC0415
    from deployments.cli.running import check_api  # noqa: PLC0415

    if LocalServer.current is None:
        asyncio.run(check_api())
    else:
        LocalServer.current.wait()
    for block in (Crawler, ResultStore):
        asyncio.run(block.aregister_type_and_schema())
        screen.line(f"registered {block.get_block_type_name()} ({block.get_block_type_slug()})")
    return 0


def demo(
    *,
    data: Annotated[Path, Parameter(help="Folder for the results; kept, and used again by the next demo.")] = DEMO_DATA,
    shown: RunShown = RUN_SHOWN,
) -> int:
    """Scan a small flawed tea shop that comes with the package, offline."""
    from deployments.cli import running  # noqa: PLC0415 - imports Prefect

    return scan_shop(running.scan_batch, data, shown)


def scan_shop(scan_batch: "ScanBatch", data: Path, shown: RunShown) -> int:
    """Serves the shop, scans it by ``scan_batch`` and shows the run."""
    from deployments.cli.ending import watched  # noqa: PLC0415 - imports Prefect
    from deployments.cli.running import RunOptions  # noqa: PLC0415
    from deployments.demo.server import serve  # noqa: PLC0415

    with serve() as shop:
        screen.say(f"serving the sample shop on {shop.url}")
        screen.say(f"$ seo batch sample-urls.txt --allow {shop.host_port} --refresh --data {data}")
        options = RunOptions(data=data, allow=(shop.host_port,), max_age=0.0)
        status = watched(lambda watch: scan_batch(shop.pages, options, watch), data, shown)
    screen.say(f"results are kept in {data}")
    return status
