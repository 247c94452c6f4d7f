"""What Prefect adds: `seo batch` against the same chunks without it, for lists of several lengths."""

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


def orchestration_table(pairs: Sequence[Pair]) -> str:
    """Seconds added for each length, the shortest first; then milliseconds for each page that the longest has more."""
    heads = ("added by Prefect", "wall s", "of it first request to last commit", "CPU s", "CPU s of the server")
    added = [(pair[0][0].pages, added_seconds(pair)) for pair in pairs]
    (fewer, short), (pages, long) = added[-2:]
    further = {
        name: [1000 * (more - Median.of(short[name]).middle) / (pages - fewer) for more in values]
        for name, values in long.items()
    }
    rows = [[f"{length:,} page{'s' * (length > 1)}", *_texts(seconds, 2)] for length, seconds in added]
    return table(heads, [*rows, ["each further page, ms", *_texts(further, 3)]])


def _texts(values: dict[str, list[float]], digits: int) -> list[str]:
    return [Median.of(found).text(digits) for found in values.values()]
