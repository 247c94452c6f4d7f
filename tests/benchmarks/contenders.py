"""What is measured against what: the commands, and what each says of its speed."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.figures import Printed, printed_by_scrapy, printed_by_seo, printed_by_us
from tests.benchmarks.meter import Usage, measure
from tests.benchmarks.servers import SCRIPTS, Servers

PROGRAMS = Path(__file__).parent / "programs"
SEO = str(SCRIPTS / "seo")
CONNECTIONS = 32
"""For each process of ours, and for each peer as a whole twice as many."""


@dataclass(frozen=True, slots=True)
class Work:
    """What all are to do.

    Attributes:
        listed: file with one URL a line.
        pages: how many.
        start: page from which a crawl reaches the same pages.
        hosts: host:port of each host.
    """

    listed: Path
    pages: int
    start: str
    hosts: tuple[str, ...]

    @property
    def limits(self) -> list[str]:
        """Options of `seo` that take our own politeness away, and have results in the folder it runs in."""
        allowed = [option for host in self.hosts for option in ("--allow", host)]
        return ["--data", "data", "--rate", "0", "--concurrency", str(CONNECTIONS), *allowed]


@dataclass(frozen=True, slots=True)
class Round:
    """One measured run."""

    printed: Printed
    usage: Usage

    @property
    def pages(self) -> int:
        return self.printed.pages

    @property
    def wall_rate(self) -> float:
        """Pages a second from the command's start to its exit."""
        return self.pages / self.usage.wall

    @property
    def cpu_ms(self) -> float:
        """Processor time of a page, milliseconds."""
        return 1000 * self.usage.cpu / self.pages

    @property
    def server_ms(self) -> float:
        """The same of Prefect's server."""
        return 1000 * self.usage.server_cpu / self.pages


@dataclass(frozen=True, slots=True)
class Bench:
    """Where commands run: in new folders below ``folder``, as a user who has configured nothing but Prefect's home.

    Attributes:
        server: a Prefect server that runs all the time.
    """

    folder: Path
    server: Servers

    @property
    def alone(self) -> dict[str, str]:
        """Environment without a Prefect server."""
        prefect = {
            "PREFECT_HOME": str(self.folder / "home"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # as long as `seo` waits for its own
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SEO_"))}
        return {**kept, **prefect, "NO_COLOR": "1", "DO_NOT_TRACK": "1"}

    @property
    def served(self) -> dict[str, str]:
        """Environment with the server."""
        return {**self.alone, "PREFECT_API_URL": self.server.api}

    def usage(self, command: Sequence[str], *, served: bool = False) -> Usage:
        """Of the command in a new folder, which is removed afterwards."""
        with self.place() as place:
            return self.measured(command, place, served=served)

    def measured(self, command: Sequence[str], place: Path, *, served: bool) -> Usage:
        environment = self.served if served else self.alone
        return measure(command, environment, place, self.server.server.pid if served else None)

    @contextlib.contextmanager
    def place(self) -> Iterator[Path]:
        place = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            yield place
        finally:
            shutil.rmtree(place)


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that is measured.

    Attributes:
        kind: batch, crawl, or the program's name below ``programs``.
        served: it uses the Prefect server that runs; otherwise `seo` starts its own.
    """

    name: str
    kind: str
    served: bool = False

    def run(self, bench: Bench, work: Work) -> Round:
        """Once, in a new folder.

        Raises:
            SystemExit: pages of the list are missing: it would be compared on less work.
        """
        with bench.place() as place:
            usage = bench.measured(self.command(work), place, served=self.served)
            printed = self._printed(usage, place)
        if self.kind != "crawl" and printed.pages != work.pages:
            raise SystemExit(
                f"{self.name}: {printed.pages:,} pages of {work.pages:,}; nothing to compare\n{usage.err[-2000:]}"
            )
        return Round(printed, usage)

    def command(self, work: Work) -> list[str]:
        """The command line; results go to the folder it runs in."""
        if self.kind == "batch":
            return [SEO, "batch", str(work.listed), *work.limits, "--timeout", "6h"]
        if self.kind == "crawl":
            pages = ["--scope", "host", "--check", "none", "--max-pages", str(work.pages)]
            return [SEO, "crawl", work.start, *work.limits, *pages]
        connections = CONNECTIONS if self.ours else 2 * CONNECTIONS
        return [sys.executable, str(PROGRAMS / f"{self.kind}.py"), str(work.listed), str(connections)]

    @property
    def ours(self) -> bool:
        return self.kind in {"batch", "crawl", "raw", "chunks"}

    def _printed(self, usage: Usage, place: Path) -> Printed:
        if self.kind in {"batch", "crawl"}:
            return printed_by_seo(usage.err)
        if self.ours:
            return printed_by_us(usage.out)
        return printed_by_scrapy((place / "scrapy.log").read_text(errors="replace"))


RAW = Contender("raw limit", "raw")
ADVERTOOLS = Contender("advertools", "advertools_list")
SCRAPY = Contender("Scrapy", "scrapy_list")
BATCH = Contender("seo batch", "batch", served=True)
CRAWL = Contender("seo crawl", "crawl", served=True)
CHUNKS = Contender("chunks without Prefect", "chunks")
SPEED = (
    BATCH,
    CRAWL,
    Contender("seo batch, own server", "batch"),
    Contender("seo crawl, own server", "crawl"),
    ADVERTOOLS,
    SCRAPY,
    RAW,
)
