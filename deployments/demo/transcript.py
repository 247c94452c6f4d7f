"""The sample sessions of the pages: what ``seo demo`` prints. ``python -m deployments.demo.transcript`` writes them."""

import asyncio
import io
import re
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from prefect.logging import disable_run_logger

from deployments.cli.admin import DEMO_DATA, crawl_shop
from deployments.cli.options import RUN_SHOWN
from deployments.cli.running import Finished
from deployments.cli.supervising import Watch
from deployments.cli.wishes import CrawlOptions, RunOptions
from tasks.analyze.choosing import choose, parse_which
from tasks.analyze.settings import AnalyzeOptions
from tasks.analyze.task import ChunkPlan, analyze_chunk, template_of
from tasks.model import FetchOptions
from tasks.notify.channels import ChannelNames
from tasks.notify.telling import notify
from tasks.scan.crawl_task import crawl_chunk, job_of, judge_site, prepare_crawl
from tasks.scan.records import NEVER, begin_crawl, end_run
from tasks.scan.settings import ScanSettings, rules_of
from tasks.scan.task import Plan
from tasks.scan.telling import batch_complete, pages_analysed
from tasks.store import Run, Store
from tasks.urls import host_port

COMMANDS = {"README.md": "seo demo", "docs/advice.md": "seo demo --analyze"}
"""By page, whose session it has."""

ROWS_SHOWN = 12
"""Rows of the table of rules that are kept."""

_REPORT = re.compile(r"^run .*?^(?=[\d,]+ recommendations for )", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"(error|warning|notice) ")
_VARYING = (
    (re.compile(r"\b\d{8}-\d{6}-[a-z0-9]{6}\b"), "20261123-153001-k3f9aa"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8000"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b"), "2026-11-23 15:30"),
    (re.compile(r"[\d,.]+(?= (pages/s|s wall time|ms)\b)"), "…"),
)


def written_into(page: str, command: str, session: str) -> str:
    """``page`` with ``session`` in its block of ``command``.

    Raises:
        ValueError: it has not exactly one such block.
    """
    block = re.compile(rf"(^```console\n\$ uv run {command}\n).*?(^```$)", re.MULTILINE | re.DOTALL)
    text, blocks = block.subn(lambda found: f"{found[1]}{session}{found[2]}", page)
    if blocks != 1:
        raise ValueError(f"{blocks} blocks begin with `$ uv run {command}`, not one")
    return text


def session(command: str) -> str:
    """What ``command`` prints, stable and shortened; its crawl is the real one, without the flow around it."""
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(printed), redirect_stderr(printed):
        data = Path(folder) / DEMO_DATA
        crawl_shop(crawl_without_flow, data, RUN_SHOWN, analyze=command.endswith("--analyze"))
    return shortened(stable(printed.getvalue().replace(str(data), str(DEMO_DATA))))


def crawl_without_flow(rules: CrawlOptions, options: RunOptions, _: Watch) -> Finished:
    """Crawls by the steps of crawl-site, in this process and without a Prefect server; analyses without a model."""
    with disable_run_logger():
        run = asyncio.run(_crawled(rules, options))
        if options.analyze != "none":
            asyncio.run(_advised(run, options))
    return Finished(run, None, resumed=False)


async def _crawled(rules: CrawlOptions, options: RunOptions) -> Run:
    settings = ScanSettings(
        data=str(options.data),
        options=FetchOptions(allow=(host_port(rules.start_url),)),
        crawl=rules.for_flow(options.project_id),
    )
    with Store.open(options.data) as store:
        run = begin_crawl(store, rules_of(settings), settings, user_id=options.user_id, run_id="", flow_run_id=None)
        plan = Plan(run=run, settings=settings, project_id=options.project_id, user_id=options.user_id)
        plan, _ = await prepare_crawl.fn(plan, NEVER)
        await crawl_chunk.fn(job_of(plan, 0, NEVER))
        await judge_site.fn(plan)
        return end_run(store, run, "")


async def _advised(run: Run, options: RunOptions) -> None:
    """As the flow does after its crawl: analyses, and tells the user of both."""
    data = str(options.data)
    wishes = AnalyzeOptions(data=data, offline=True)
    with Store.open(options.data) as store:
        tally = await analyze_chunk.fn(
            ChunkPlan(
                data=data,
                index=0,
                run_id=run.run_id,
                page_ids=tuple(choose(data, run.run_id, parse_which(options.analyze))),
                template_version=template_of(store, wishes).version,
                options=wishes,
            )
        )
        for event in (
            batch_complete(run, store.progress(run.run_id)),
            pages_analysed(run.run_id, run.user_id, tally.pages, tally.recommendations, ""),
        ):
            notify(store, event, key=event.title, run_id=run.run_id, naming=ChannelNames(public=False))


def stable(text: str) -> str:
    """``text`` with what differs from run to run, ids, ports and measurements, in one spelling."""
    for pattern, spelling in _VARYING:
        text = pattern.sub(spelling, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def shortened(text: str) -> str:
    """``text`` with the first rows of the table of rules, and how many more there are.

    Of a session that ends with advice the crawl's own report is left out: the other session has it.
    """
    lines = _REPORT.sub("…\n\n", text).splitlines(keepends=True)
    rows = [number for number, line in enumerate(lines) if _ROW.match(line)]
    cut = rows[ROWS_SHOWN:]
    if cut:
        lines[cut[0] : cut[-1] + 1] = [f"… {len(cut)} more rows\n"]
    return "".join(lines)


if __name__ == "__main__":
    for name, command in COMMANDS.items():
        page = Path(name)
        page.write_text(written_into(page.read_text(encoding="utf-8"), command, session(command)), encoding="utf-8")
