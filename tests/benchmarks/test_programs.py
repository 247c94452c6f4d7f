"""What is measured does its work, and is measured with all its processes."""

import json
import os
import subprocess
import sys

import pytest

from tests.benchmarks import extract_cost, meter
from tests.benchmarks.contenders import ADVERTOOLS, BATCH, CRAWL, Work
from tests.benchmarks.meter import Seen, Tree, measure
from tests.benchmarks.programs import chunks, raw

BUSY = "import sys, time\nkept = b'x' * {size}\nwhile time.process_time() < {seconds}: pass\n"


@pytest.fixture
def listed(site, tmp_path):
    site.pages = {f"/{number}": f"<title>{number}</title><p>text" for number in range(3)}
    path = tmp_path / "list.txt"
    path.write_text("".join(f"{site.url(page)}\n" for page in [*site.pages, "/missing"]))
    return path


def test_the_chunks_alone_scan_the_whole_list(listed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    chunks.main(str(listed), "2")
    printed = json.loads(capsys.readouterr().out)
    assert printed["pages"] == 4
    assert printed["seconds"] > 0
    assert (tmp_path / "data" / "catalogue.sqlite").is_file()


def test_the_parts_of_a_pages_cost_are_told(capsys, monkeypatch):
    monkeypatch.setattr(extract_cost, "ROUNDS", 1)
    extract_cost.main("", "2")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in rows[:3]] == ["parse", "extract", "tree"]
    assert rows[-1][0] == "stage"
    assert all(float(row[-2]) > 0 for row in rows)


async def test_the_raw_limit_parses_every_page(listed, site):
    urls = listed.read_text().split()
    assert await raw.parse_all(urls, 2) == 4
    assert sorted(site.paths()) == ["/0", "/1", "/2", "/missing"]


def test_what_is_measured_without_prefect_does_not_load_it():
    loaded = "import sys; from tests.benchmarks.programs import chunks, raw; print('prefect' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_processor_time_and_memory_of_children_count(tmp_path, monkeypatch):
    monkeypatch.setattr(meter, "LOOK_EVERY", 0.1)
    child = BUSY.format(size=60_000_000, seconds=0.5)
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}], check=True)\nprint('done')"
    used = measure([sys.executable, "-c", parent], dict(os.environ), tmp_path)
    assert (used.out, used.err, used.server_cpu) == ("done\n", "", 0)
    assert used.cpu >= 0.5
    assert used.wall >= 0.5
    assert 60e6 < used.peak < used.together


def test_a_command_that_fails_ends_the_benchmark_with_what_it_said(tmp_path):
    with pytest.raises(SystemExit, match=r"ended with 1:\n(?s:.*)no such thing"):
        measure([sys.executable, "-c", "raise OSError('no such thing')"], dict(os.environ), tmp_path)


def test_a_process_whose_parent_is_gone_still_counts_and_strangers_do_not():
    tree = Tree(10, cpu={10: 1.0, 12: 1.0})
    seen = {1: Seen(0, 9, 9), 12: Seen(1, 2, 2), 13: Seen(12, 3, 3), 14: Seen(13, 4, 4), 20: Seen(1, 5, 5)}
    assert tree._members(seen) == {12, 13, 14}


def test_prefects_server_is_counted_apart():
    tree = Tree(10, cpu={10: 1.0, 11: 2.0, 12: 4.0}, servers={11})
    assert (tree.cpu_of(servers=False), tree.cpu_of(servers=True)) == (5.0, 2.0)


def test_every_contender_gets_the_same_list_without_our_politeness(tmp_path):
    work = Work(tmp_path / "list.txt", 7, "http://127.0.0.1:1/start.html", ("127.0.0.1:1", "127.0.0.2:1"))
    batch, crawl, peer = (contender.command(work) for contender in (BATCH, CRAWL, ADVERTOOLS))
    assert batch[1:3] == ["batch", str(work.listed)]
    assert crawl[1:3] == ["crawl", work.start]
    assert peer[-2:] == [str(work.listed), "64"]
    for command in (batch, crawl):
        assert command[command.index("--rate") + 1] == "0"
        assert [command[n + 1] for n, word in enumerate(command) if word == "--allow"] == list(work.hosts)
    assert crawl[crawl.index("--max-pages") + 1] == "7"
