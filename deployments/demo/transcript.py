"""README's sample session: what ``seo demo`` prints. Write it with ``python -m deployments.demo.transcript``."""

import asyncio
import io
import re
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from prefect.logging import disable_run_logger

from deployments.cli.admin import DEMO_DATA, crawl_shop
from deployments.cli.options import RUN_SHOWN
from deployments.cli.running import Finished, Watch
from deployments.cli.wishes import CrawlOptions, RunOptions
from tasks.model import FetchOptions
from tasks.scan.crawl_task import crawl_chunk, job_of, judge_site, prepare_crawl
from tasks.scan.records import NEVER, begin_crawl, end_run
from tasks.scan.settings import ScanSettings
from tasks.scan.site import rules_of
from tasks.scan.task import Plan
from tasks.store import Run, Store
from tasks.urls import host_port

PAGE = Path("README.md")
ROWS_SHOWN = 12
"""Rows of the table of rules that are kept."""

_SESSION = re.compile(r"(^```console\n\$ uv run seo demo\n).*?(^```$)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"(error|warning|notice) ")
_VARYING = (
    (re.compile(r"\b\d{8}-\d{6}-[a-z0-9]{6}\b"), "20261123-153001-k3f9aa"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8000"),
    (re.compile(r"[\d,.]+(?= (pages/s|s wall time|ms)\b)"), "…"),
)


def written_into(readme: str, session: str) -> str:
    """``readme`` with ``session`` in its block of ``uv run seo demo``.

    Raises:
        ValueError: it has not exactly one such block.
    """
    text, blocks = _SESSION.subn(lambda found: f"{found[1]}{session}{found[2]}", readme)
    if blocks != 1:
        raise ValueError(f"{blocks} blocks begin with `$ uv run seo demo`, not one")
    return text


def session() -> str:
    """What ``seo demo`` prints, stable and shortened; its crawl is the real one, without the flow around it."""
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(printed), redirect_stderr(printed):
        data = Path(folder) / DEMO_DATA
        crawl_shop(crawl_without_flow, data, RUN_SHOWN)
    return shortened(stable(printed.getvalue().replace(str(data), str(DEMO_DATA))))


def crawl_without_flow(rules: CrawlOptions, options: RunOptions, _: Watch) -> Finished:
    """Crawls by the steps of crawl-site, in this process and without a Prefect server."""
    with disable_run_logger():
        return Finished(asyncio.run(_crawled(rules, options)), None, resumed=False)


async def _crawled(rules: CrawlOptions, options: RunOptions) -> Run:
    settings = ScanSettings(
        data=str(options.data),
        options=FetchOptions(allow=(host_port(rules.start_url),)),
        crawl=rules.for_flow(options.project_id),
    )
    with Store.open(options.data) as store:
        run = begin_crawl(store, rules_of(settings), settings, user_id=options.user_id, run_id="", flow_run_id=None)
        plan = Plan(run=run, settings=settings, project_id=options.project_id, user_id=options.user_id)
        plan = await prepare_crawl.fn(plan, NEVER)
        await crawl_chunk.fn(job_of(plan, 0, NEVER))
        await judge_site.fn(plan)
        return end_run(store, run, "")


def stable(text: str) -> str:
    """``text`` with what differs from run to run, ids, ports and measurements, in one spelling."""
    for pattern, spelling in _VARYING:
        text = pattern.sub(spelling, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def shortened(text: str) -> str:
    """``text`` with the first rows of the table of rules, and how many more there are."""
    lines = text.splitlines(keepends=True)
    rows = [number for number, line in enumerate(lines) if _ROW.match(line)]
    cut = rows[ROWS_SHOWN:]
    if cut:
        lines[cut[0] : cut[-1] + 1] = [f"… {len(cut)} more rows\n"]
    return "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(written_into(PAGE.read_text(encoding="utf-8"), session()), encoding="utf-8")
