"""How a list becomes chunks."""

from math import ceil

import pytest

from tasks.scan import records


@pytest.mark.parametrize(
    ("processes", "pages", "each"),
    [
        (2, 1, 500),  # scanned in the flow's own process
        (2, 200, 500),
        (2, 201, 101),
        (4, 201, 100),
        (2, 1000, 500),
        (2, 1001, 251),
        (2, 2391, 399),
        (4, 2391, 299),
        (1, 2391, 479),
    ],
)
def test_each_process_gets_as_many_chunks(monkeypatch, processes, pages, each):
    monkeypatch.setattr(records, "POOL_SIZE", processes)
    assert records.pages_of_a_chunk(pages) == each
    assert pages <= 400 or ceil(pages / each) % processes == 0
