"""Writes the table of docs/reliability.md from tests/chaos/figures.json, which `--record` keeps.

Run it as `uv run python -m tests.chaos.report`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.record import FIGURES

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
START, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
COMMAND = "{uv} pytest -n0 -m {mark} --record {test}"


@dataclass(frozen=True)
class Promise:
    """A sentence, the ids of the figures that show it, the test that makes them, and how long its long form takes."""

    text: str
    ids: tuple[str, ...]
    test: str
    minutes: int
    mark: str = "chaos"
    uv: str = "uv run"


DOORS = ("page", "redirect", "robots", "sitemap", "link_check", "image_check", "model_url", "signed-event")
PROMISES = (
    Promise(
        "A batch of 5,000 pages, its whole process group killed 50 times at random and resumed, loses and doubles "
        "nothing, and its facts equal those of a run left alone.",
        ("killed-batch",),
        "tests/world/test_killed_runs.py -k batch",
        11,
    ),
    Promise("So does a crawl.", ("killed-crawl",), "tests/world/test_killed_runs.py -k crawl", 6),
    Promise(
        "Where 10 % of answers are cut off, 10 % say 503 with Retry-After, 5 % stall and 5 % end early, every page "
        "comes to an end, with at most 1.6 requests each and none before its Retry-After.",
        ("faulty-network",),
        "tests/chaos/test_faulty_network.py",
        3,
    ),
    Promise(
        "Whatever a server sends ends as an answer or a failure with its reason, at most 1 s after its deadline.",
        ("hostile-replies",),
        "tests/chaos/test_hostile_replies.py",
        2,
    ),
    Promise(
        "A chunk with all of that at once does its good pages.",
        ("hostile-chunk",),
        "tests/chaos/test_hostile_replies.py -k chunk",
        1,
    ),
    Promise(
        "1 GiB packed into kilobytes is stopped within 0.5 s of processor time and 100 MB.",
        ("bomb-gzip", "bomb-br", "bomb-zstd", "bomb-gzip, gzip", "bomb-sitemap.gz"),
        "tests/chaos/test_bombs.py",
        1,
    ),
    Promise(
        "No address inside your network is connected to, however it is spelled and whoever names it.",
        tuple(f"guard-{door}" for door in DOORS),
        "tests/chaos/test_guarded_doors.py -k through",
        2,
    ),
    Promise(
        "No address is allowed that an independent table refuses.",
        ("guard-oracle",),
        "tests/chaos/test_guarded_doors.py -k table",
        2,
    ),
    Promise(
        "No input of up to 15 MiB holds a parser for more than 6 s of processor time.",
        ("worst-inputs",),
        "tests/chaos/test_worst_inputs.py",
        2,
    ),
    Promise(
        "A full disk is named; with room again, the run goes on where it was.",
        ("disk-full",),
        "tests/chaos/test_broken_surroundings.py -k disk",
        1,
    ),
    Promise(
        "A read-only folder is named, and can be read.",
        ("read-only",),
        "tests/chaos/test_broken_surroundings.py -k read_only",
        1,
    ),
    Promise(
        "A catalogue that another process holds for 5 s costs time only.",
        ("sqlite-busy",),
        "tests/chaos/test_broken_surroundings.py -k busy",
        1,
    ),
    Promise(
        "Four processes that commit to one folder, two readers with open cursors and the compactor, all at once and "
        "without a pause: nothing is lost or doubled, no reader sees an error, and 95 % of the commits of 1, 100 and "
        "1,000 rows (a failed page, 1 and 10 that were read) are done at most 100 ms after their files are written. "
        "Measured are these transactions, commits with the writing of their files, and those of a writer alone; the "
        "same for 100 and 1,000 failed pages at a time.",
        ("store-load",),
        "tests/chaos/test_store_under_load.py -k folder",
        1,
    ),
    Promise(
        "On machines of their own, over PostgreSQL and S3, they lose and double nothing either, without an error, "
        "and are done as soon.",
        ("store-load-shared",),
        "tests/chaos/test_store_under_load.py -k machines",
        5,
    ),
    Promise(
        "A clock that jumps by an hour, either way, loses and repeats no page.",
        ("clock-jump-back", "clock-jump-on"),
        "tests/chaos/test_broken_surroundings.py -k clock",
        1,
    ),
    Promise(
        "A Prefect server killed in mid-run, and back, costs time only. One that stays away ends the command when "
        "Prefect's own client would give up, 62 s unless set otherwise, a signal at once; its run is resumed, and "
        "loses and doubles nothing.",
        ("prefect-gone-crawl", "prefect-gone-batch"),
        "tests/chaos/test_prefect_gone.py",
        9,
    ),
    Promise(
        "A Pusher that goes away in mid-run costs no page and no message.",
        ("pusher-gone",),
        "tests/chaos/test_services_gone.py -k pusher",
        1,
    ),
    Promise(
        "A model that goes away in mid-analysis is named; asked again, it is asked for what is missing alone.",
        ("model-gone",),
        "tests/chaos/test_services_gone.py -k model",
        2,
    ),
    Promise(
        "A worker that vanishes has its run marked Crashed and its user told; another goes on with the run, and what "
        "the first would still commit when it comes back is refused.",
        ("vanished-worker",),
        'tests/world/test_deployed.py -k "clean or vanished"',
        5,
        mark="world",
    ),
    Promise(
        "On Kubernetes a run whose pod is evicted or killed goes on in another, loses nothing, and fetches again no "
        "more than was in flight.",
        ("pod-evicted", "pod-killed"),
        "tests/kubernetes",
        5,
        mark="kubernetes",
        uv="SEO_TEST_ADDRESS=192.168.1.2 uv run --with prefect-kubernetes",
    ),
    Promise(
        "In containers a run whose container is killed is marked Crashed and its user told; `seo resume` in another "
        "loses nothing, and fetches again no more than was in flight.",
        ("container-killed",),
        "tests/containers -k dies",
        5,
        mark="containers",
        uv="uv run --with prefect-docker",
    ),
    Promise(
        "A list is divided among containers that the worker of a Docker pool starts, each page fetched once.",
        ("container-shards",),
        "tests/containers -k shards",
        3,
        mark="containers",
        uv="uv run --with prefect-docker",
    ),
)


def table(figures):
    lines = [
        "| promise | measured | form, date, machine | command | long form |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for promise in PROMISES:
        found = [figures[name] for name in promise.ids if name in figures]
        shown = "; ".join(dict.fromkeys(_shown(name, figures[name]) for name in promise.ids if name in figures))
        made = "; ".join(dict.fromkeys(f"{one['form']}, {one['date']}, {one['machine']}" for one in found))
        command = COMMAND.format(uv=promise.uv, mark=promise.mark, test=promise.test)
        lines.append(f"| {promise.text} | {shown or 'not yet'} | {made} | `{command}` | {promise.minutes} min |")
    return "\n".join(lines) + "\n"


SEVERAL = ("bomb-", "guard-", "clock-", "prefect-", "pod-")


def _shown(name, measured):
    several = f"{name.partition('-')[2]}: " if name.startswith(SEVERAL) else ""
    return several + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in measured["figures"].items())


def written(page, figures):
    """``page`` with its table made anew."""
    before, _, rest = page.partition(START)
    return before + START + table(figures) + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(), json.loads(FIGURES.read_text())))
