"""``seo-bench``: measures speed, cost and growth, and writes docs/benchmarks.md."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from tests.benchmarks import document, growth, lists, orchestration, plots, profiled, speed, starts
from tests.benchmarks.contenders import SPEED, Bench
from tests.benchmarks.servers import servers
from tests.docs_sites import DOCS, LARGE_DOCS, missing

app = App(
    name="seo-bench",
    help=__doc__,
    version_flags=(),
    default_parameter=Parameter(negative=()),
    result_action="return_none",
)

Docs = Annotated[Path, Parameter(help="Folder of benchmarks.md and its plots.")]
RoundCount = Annotated[int, Parameter(validator=Number(gte=1), help="Rounds; the median of them is told.")]
ContenderName = Literal[
    "seo batch", "seo crawl", "seo batch, own server", "seo crawl, own server", "advertools", "Scrapy", "raw limit"
]
PageCount = Annotated[int | None, Parameter(validator=Number(gte=2), help="Only so many pages.")]


def main() -> None:
    app()


@app.command
def install(*, rust: bool = False) -> None:
    """Install nginx and the documentation sites from Debian; needs root.

    Args:
        rust: rust-doc too, which growth is measured on: 700 MB.
    """
    wanted = DOCS | {name: root for name, root in LARGE_DOCS.items() if rust or name != "rust"}
    if packages := missing(wanted):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=True)


@app.command(name="speed")
def measure_speed(
    listed: lists.ListName = "mixed",
    /,
    *,
    pages: PageCount = None,
    rounds: RoundCount = 3,
    without: tuple[ContenderName, ...] = (),
    docs: Docs = document.DOCS,
) -> None:
    """Compare with advertools, Scrapy and the raw limit, on the same list in turn.

    Args:
        listed: The list.
        without: A contender to leave out; repeatable.
    """
    contenders = [contender for contender in SPEED if contender.name not in without]
    about = document.circumstances("advertools", "scrapy")
    with _bench() as bench, lists.listed(bench.folder, listed, pages) as work:
        found = speed.run(bench, work, contenders, rounds)
    plot = plots.speed_plot(docs, listed, found)
    _tell(docs, f"speed-{listed}", f"{about} Rounds: {rounds}.", speed.speed_table(found), plot)


@app.command(name="starts")
def measure_starts(*, rounds: RoundCount = 5, docs: Docs = document.DOCS) -> None:
    """Time `seo --help`, and the scan of one page beside a flow of one task."""
    about = document.circumstances()
    with _bench() as bench, lists.listed(bench.folder, "mixed", 2) as work:
        found = starts.run(bench, work, rounds)
    _tell(docs, "starts", f"{about} Rounds: {rounds}.", starts.starts_table(found))


@app.command(name="orchestration")
def measure_orchestration(*, pages: PageCount = None, rounds: RoundCount = 3, docs: Docs = document.DOCS) -> None:
    """Compare `seo batch` with the same chunks without Prefect, on the list java."""
    about = document.circumstances()
    with _bench() as bench, lists.listed(bench.folder, "java", pages) as work:
        lengths = [lists.first_of(work, length) for length in (1, max(2, work.pages // 10))]
        found = [orchestration.run(bench, wanted, rounds) for wanted in (*lengths, work)]
    _tell(docs, "orchestration", f"{about} Rounds: {rounds}.", orchestration.orchestration_table(found))


@app.command(name="growth")
def measure_growth(
    kind: growth.Kind = "batch", /, *, sizes: tuple[int, ...] = growth.SIZES, docs: Docs = document.DOCS
) -> None:
    """Measure cost and memory from 1,000 to 100,000 pages of rust-doc.

    Args:
        kind: A list over five hosts, or a crawl.
        sizes: Numbers of pages; repeatable.
    """
    about = document.circumstances()
    with _bench() as bench, lists.many(bench.folder) as site:
        found = growth.run(bench, site, kind, sizes)
    plot = plots.growth_plot(docs, kind, found)
    _tell(docs, f"growth-{kind}", about, growth.growth_table(found), plot)


@app.command
def site_rules(
    *,
    pages: Annotated[int, Parameter(validator=Number(gte=100))] = 100_000,
    links: Annotated[int, Parameter(validator=Number(gte=1))] = 100,
    docs: Docs = document.DOCS,
) -> None:
    """Judge a made-up site of 100,000 pages and 10 million links.

    Args:
        pages: How many.
        links: Of each page.
    """
    _script(docs, "site-rules", "site_scale.py", str(pages), str(links))


@app.command(name="profile")
def measure_profile(
    listed: lists.ListName = "mixed", /, *, pages: PageCount = None, docs: Docs = document.DOCS
) -> None:
    """Sample a batch: where the time of its processes goes.

    Args:
        listed: The list.
    """
    about = document.circumstances()
    with _bench() as bench, lists.listed(bench.folder, listed, pages) as work:
        found = profiled.run(bench, work)
    _tell(docs, "profile", about, profiled.profile_table(found, work.pages))


@app.command
def parts(*, pages: Annotated[int, Parameter(validator=Number(gte=1))] = 250, docs: Docs = document.DOCS) -> None:
    """Time the parts of one page's work, on PostgreSQL's documentation.

    Args:
        pages: How many, chosen at random.
    """
    _script(docs, "parts", "extract_cost.py", str(DOCS["pg"]), str(pages))


def _script(docs: Path, section: str, script: str, *arguments: str) -> None:
    about = document.circumstances()
    command = [sys.executable, str(Path(__file__).parent / script), *arguments]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    _tell(docs, section, about, f"```text\n{printed}```")


@contextlib.contextmanager
def _bench() -> Iterator[Bench]:
    """A folder and a Prefect server of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="seo-bench-", ignore_cleanup_errors=True) as name,
        servers("sqlite") as server,
    ):
        yield Bench(Path(name), server)


def _tell(docs: Path, section: str, *texts: str) -> None:
    text = "\n\n".join(filter(None, texts))
    print(text)  # noqa: T201 - the result
    document.write(docs, section, text)


if __name__ == "__main__":
    main()
