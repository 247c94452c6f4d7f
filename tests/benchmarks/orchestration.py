"""What Prefect adds: `seo batch` against the same chunks without it, for one page and for a long list."""

from collections.abc import Sequence

from tests.benchmarks import speed
from tests.benchmarks.contenders import BATCH, CHUNKS, Bench, Round, Work
from tests.benchmarks.document import table
from tests.benchmarks.figures import Median

Pair = tuple[Sequence[Round], Sequence[Round]]


def run(bench: Bench, work: Work, rounds: int) -> Pair:
    """Rounds of `seo batch` and of the chunks alone."""
    found = speed.run(bench, work, (BATCH, CHUNKS), rounds)
    return found[BATCH.name], found[CHUNKS.name]


def added_seconds(pair: Pair) -> dict[str, list[float]]:
    """What `seo batch` takes more, round by round: in all, between first request and last commit, and of processors."""
    rounds = list(zip(*pair, strict=True))
    return {
        "wall": [whole.usage.wall - alone.usage.wall for whole, alone in rounds],
        "fetching": [_fetching(whole) - _fetching(alone) for whole, alone in rounds],
        "cpu": [whole.usage.cpu - alone.usage.cpu for whole, alone in rounds],
        "server": [whole.usage.server_cpu for whole, _ in rounds],
    }


def _fetching(one: Round) -> float:
    return one.pages / one.printed.rate


def orchestration_table(single: Pair, long: Pair) -> str:
    """Seconds added for each length; then milliseconds for each page beyond the first."""
    one, many = added_seconds(single), added_seconds(long)
    pages = long[0][0].pages
    beyond = {
        name: [1000 * (more - Median.of(one[name]).middle) / (pages - 1) for more in values]
        for name, values in many.items()
    }
    heads = (
        "added by Prefect and the command",
        "wall",
        "of it first request to last commit",
        "CPU",
        "CPU of the server",
    )
    return table(
        heads,
        [
            ["1 page, s", *_texts(one, 2)],
            [f"{pages:,} pages, s", *_texts(many, 2)],
            ["each page beyond the first, ms", *_texts(beyond, 3)],
        ],
    )


def _texts(values: dict[str, list[float]], digits: int) -> list[str]:
    return [Median.of(found).text(digits) for found in values.values()]
