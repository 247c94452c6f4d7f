"""Speed: all contenders on the same list, in turn, round after round."""

import sys
from collections.abc import Iterable, Mapping, Sequence

from tests.benchmarks.contenders import ADVERTOOLS, RAW, Bench, Contender, Round, Work
from tests.benchmarks.document import table
from tests.benchmarks.figures import Median, ratios

Rounds = Mapping[str, Sequence[Round]]
MEGABYTE = 1e6


def run(bench: Bench, work: Work, contenders: Iterable[Contender], rounds: int) -> dict[str, list[Round]]:
    """Rounds of each by name; one round of all before the next, so that noise hits all alike."""
    contenders = list(contenders)
    RAW.run(bench, work)  # brings the pages into the system's cache
    found: dict[str, list[Round]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders:
            one = contender.run(bench, work)
            found[contender.name].append(one)
            say(number, contender.name, one)
    return found


def say(number: int, name: str, one: Round) -> None:
    """How far it is, on stderr."""
    print(  # noqa: T201 - for whoever waits
        f"round {number + 1}: {name}: {one.pages:,} pages, {one.printed.rate:,.1f} pages/s, {one.usage.wall:.1f} s, "
        f"{one.cpu_ms:.2f} ms CPU a page, {one.usage.peak / MEGABYTE:.0f} MB",
        file=sys.stderr,
        flush=True,
    )


def speed_table(found: Rounds) -> str:
    """A row for each contender."""
    heads = (
        "",
        *("pages", "pages/s", "wall s", "pages/s, wall", "CPU ms/page", "Prefect server ms/page"),
        *("MB, largest", "MB, all", "× advertools", "× raw limit"),
    )
    return table(heads, [_row(name, rounds, found) for name, rounds in found.items()])


def _row(name: str, rounds: Sequence[Round], found: Rounds) -> list[str]:
    served = any(one.usage.server_cpu for one in rounds)
    return [
        name,
        f"{min(one.pages for one in rounds):,}",
        Median.of(one.printed.rate for one in rounds).text(),
        Median.of(one.usage.wall for one in rounds).text(1),
        Median.of(one.wall_rate for one in rounds).text(),
        Median.of(one.cpu_ms for one in rounds).text(2),
        Median.of(one.server_ms for one in rounds).text(2) if served else "",
        Median.of(one.usage.peak / MEGABYTE for one in rounds).text(),
        Median.of(one.usage.together / MEGABYTE for one in rounds).text(),
        _ratio(rounds, found.get(ADVERTOOLS.name), 1),
        _ratio(rounds, found.get(RAW.name), 2),
    ]


def _ratio(rounds: Sequence[Round], others: Sequence[Round] | None, digits: int) -> str:
    if others is None:
        return ""
    return ratios([one.printed.rate for one in rounds], [one.printed.rate for one in others]).text(digits)
