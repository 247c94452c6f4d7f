"""Samples are counted for the process and the part that they are of."""

from tests.benchmarks.profiled import CHUNKS, COMMAND, HELPERS, counted, profile_table

SEO = 'process 7:"/bin/python /bin/seo batch list.txt"'
POOL = f'{SEO};process 8:"/bin/python -c from multiprocessing.spawn import spawn_main; spawn_main(fd=19)"'
SAMPLES = f"""\
{SEO};<module> (seo:3);run (prefect/flow_engine.py:9) 3
{POOL};Chunk.scan (tasks/scan/chunk.py:9);extract (tasks/extract/page.py:40);walk (tasks/extract/walk.py:52) 20
{POOL};Chunk.scan (tasks/scan/chunk.py:9);extract (tasks/extract/page.py:41) 10
{POOL};_bootstrap (threading.py:1);Store.stage (tasks/store/store.py:249) 4
{SEO};_bootstrap (threading.py:1);run (prefect/worker.py:9);Condition.wait (threading.py:320) 90
{POOL};process 9:"/bin/python -P -c from tasks.extract.helper import main";extract (tasks/extract/page.py:41) 1
"""


def test_each_sample_is_of_one_process_and_part(tmp_path):
    (tmp_path / "samples").write_text(SAMPLES)
    found = counted(tmp_path / "samples")
    assert found == {
        (COMMAND, "Prefect"): 3,
        (CHUNKS, "extract: walk the tree"): 20,
        (CHUNKS, "extract: parse, and the rest"): 10,
        (CHUNKS, "store: rows and files"): 4,
        (HELPERS, "extract: parse, and the rest"): 1,
    }


def test_the_table_tells_milliseconds_a_page():
    rows = profile_table({(COMMAND, "Prefect"): 3, (CHUNKS, "Prefect"): 30, (CHUNKS, "audit"): 15}, pages=100)
    assert rows.splitlines()[2:] == [
        "| audit |  | 1.00 |  | 1.00 |",
        "| Prefect | 0.20 | 2.00 |  | 2.20 |",
        "| all | 0.20 | 3.00 |  | 3.20 |",
    ]
