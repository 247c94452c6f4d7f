"""Where the processor time of a batch goes, by samples of all its processes."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.benchmarks.contenders import BATCH, Bench, Work
from tests.benchmarks.document import table
from tests.benchmarks.servers import SCRIPTS

RATE = 150
"""Samples a second and process."""

COMMAND, CHUNKS, HELPERS = "the command", "processes of chunks", "processes of suspicious pages"

PARTS: Mapping[str, tuple[str, ...]] = {
    "imports": ("<frozen importlib._bootstrap>",),
    "extract: walk the tree": ("tasks/extract/walk",),
    "extract: similarity of texts": ("minhash (",),
    "extract: texts and words": ("Found.texts (", "words (tasks/extract/text", "content_hash ("),
    "extract: addresses of links": ("linked (tasks/extract/page",),
    "extract: parse, and the rest": ("extract (tasks/extract/page",),
    "look for what may be slow": ("is_suspicious (",),
    "audit": ("audit (tasks/audit/engine",),
    "store: rows and files": ("Store.stage (",),
    "store: catalogue": ("tasks/store/",),
    "fetch": ("Fetcher.fetch (", "data_received (", "tasks/fetch/"),
    "rest of a chunk": ("Chunk.run (", "Chunk.scan (", "tasks/scan/"),
    "Prefect": ("prefect/",),
    "event loop, and the rest": ("",),
}
"""A sample belongs to the first part that one of its frames names."""

WAITS = ("Condition.wait (", ".select (selectors", "_worker (concurrent", "_recv (multiprocessing", "heartbeat_loop (")
"""Innermost frames of threads that do nothing: py-spy takes some of them for busy."""

_COMMAND_LINE = re.compile(r'process \d+:"[^"]*"')


def run(bench: Bench, work: Work) -> Counter[tuple[str, str]]:
    """Samples of one batch, by process and part."""
    with bench.place() as place:
        samples = place / "samples"
        sampler = [str(SCRIPTS / "py-spy"), "record", "--subprocesses", "--rate", str(RATE), "--format", "raw"]
        subprocess.run(
            [*sampler, "--output", str(samples), "--", *BATCH.command(work)],
            cwd=place,
            env=bench.served,
            check=True,
            capture_output=True,
        )
        return counted(samples)


def counted(samples: Path) -> Counter[tuple[str, str]]:
    """Samples as py-spy writes them, by process and part; those of threads that wait are left out."""
    found: Counter[tuple[str, str]] = Counter()
    with samples.open(encoding="utf-8") as lines:
        for line in lines:
            stack, _, count = line.rstrip().rpartition(" ")
            if any(wait in stack.rpartition(";")[2] for wait in WAITS):
                continue
            found[_process(stack), _part(_COMMAND_LINE.sub("", stack))] += int(count)
    return found


def _process(stack: str) -> str:
    """Whose sample it is: the last command line is the process's own, those before are of its parents."""
    *_, own = _COMMAND_LINE.findall(stack)
    if "multiprocessing" in own:
        return CHUNKS
    return HELPERS if "tasks.extract.helper" in own else COMMAND


def _part(frames: str) -> str:
    return next(part for part, needles in PARTS.items() if any(needle in frames for needle in needles))


def profile_table(found: Mapping[tuple[str, str], int], pages: int) -> str:
    """A row for each part, milliseconds a page; the last row sums up."""
    processes = [COMMAND, CHUNKS, HELPERS]

    def cells(counts: Iterable[int]) -> list[str]:
        given = list(counts)
        return [f"{count * 1000 / RATE / pages:.2f}" if count else "" for count in (*given, sum(given))]

    rows = [[part, *cells(found.get((process, part), 0) for process in processes)] for part in PARTS]
    sums = [sum(count for (of, _), count in found.items() if of == process) for process in processes]
    return table(("", *processes, "all"), [*filter(lambda row: any(row[1:]), rows), ["all", *cells(sums)]])
