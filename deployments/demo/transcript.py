"""README's sample session: what ``seo demo`` prints. Write it with ``python -m deployments.demo.transcript``."""

import asyncio
import io
import re
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from deployments.cli.admin import DEMO_DATA, scan_shop
from deployments.cli.options import RUN_SHOWN
from deployments.cli.running import Finished, RunOptions, Watch
from tasks.model import FetchOptions
from tasks.scan.chunk import Chunk
from tasks.scan.records import NEVER, begin_run, end_run, jobs_of, targets_of
from tasks.scan.settings import ScanSettings
from tasks.store import Run, RunSpec, Store

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
    """What ``seo demo`` prints, stable and shortened; its scan is the real one, without the flow around it."""
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(printed), redirect_stderr(printed):
        data = Path(folder) / DEMO_DATA
        scan_shop(scan_without_flow, data, RUN_SHOWN)
    return shortened(stable(printed.getvalue().replace(str(data), str(DEMO_DATA))))


def scan_without_flow(urls: Sequence[str], options: RunOptions, _: Watch) -> Finished:
    """Scans a list by the chunks of a batch, in this process and without Prefect."""
    return Finished(asyncio.run(_scanned(urls, options)), None, resumed=False)


async def _scanned(urls: Sequence[str], options: RunOptions) -> Run:
    settings = ScanSettings(data=str(options.data), options=FetchOptions(allow=options.allow), max_age=options.max_age)
    spec = RunSpec(kind="batch", batch_id=settings.batch_id(options.project_id, urls))
    with Store.open(options.data) as store:
        run = begin_run(store, spec, targets_of(options.project_id, urls), settings)
        for job, _ in jobs_of(store, run, settings, deadline=NEVER):
            await Chunk(job, store).run()
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
