"""What a command takes that does little: `seo --help`, and the scan of one page beside a flow of one task."""

import sys
from collections.abc import Mapping, Sequence

from tests.benchmarks.contenders import PROGRAMS, SEO, Bench, Work
from tests.benchmarks.document import table
from tests.benchmarks.figures import Median, ratios
from tests.benchmarks.meter import Usage

HELP = "seo --help"
SCAN, FLOW = "seo scan", "flow of one task"
SERVED, ALONE = "server running", "server of its own"
Rounds = Mapping[str, Sequence[Usage]]


def run(bench: Bench, work: Work, rounds: int) -> dict[str, list[Usage]]:
    """Each in turn, ``rounds`` times; what is done only once for a home or a clone is done before."""
    url = work.listed.read_text().split()[0]
    commands = {
        HELP: ([SEO, "--help"], False),
        named(SCAN, SERVED): ([SEO, "scan", url, *work.limits], True),
        named(FLOW, SERVED): ([sys.executable, str(PROGRAMS / "noop_flow.py")], True),
        named(SCAN, ALONE): ([SEO, "scan", url, *work.limits], False),
        named(FLOW, ALONE): ([sys.executable, str(PROGRAMS / "noop_flow.py")], False),
    }
    for command, served in commands.values():
        bench.usage(command, served=served)
    found: dict[str, list[Usage]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, (command, served) in commands.items():
            found[name].append(bench.usage(command, served=served))
    return found


def named(what: str, server: str) -> str:
    return f"{what}, {server}"


def starts_table(found: Rounds) -> str:
    """A row for each; a scan is compared with the flow of the same round."""
    rows = []
    for name, rounds in found.items():
        wall, cpu = Median.of(one.wall for one in rounds), Median.of(one.cpu for one in rounds)
        rows.append([name, wall.text(2), cpu.text(2), _ratio(name, found)])
    return table(("", "wall s", "CPU s", "× flow of one task"), rows)


def _ratio(name: str, found: Rounds) -> str:
    flow = name.replace(SCAN, FLOW)
    if flow == name:
        return ""
    return ratios([one.wall for one in found[name]], [one.wall for one in found[flow]]).text(2)
