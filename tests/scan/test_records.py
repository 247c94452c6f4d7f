"""How a list becomes chunks."""

from math import ceil

import pytest

from tasks.scan import records


@pytest.mark.parametrize(
    ("processes", "pages", "each"),
    [
        (2, 1, 500),  # scanned in the flow's own process
        (2, 200, 500),
        (2, 201, 100),
        (2, 700, 175),
        (4, 201, 100),
        (2, 1000, 250),
        (2, 1001, 251),
        (2, 2391, 399),
        (4, 2391, 299),
        (1, 2391, 479),
        (2, 100_000, 500),
    ],
)
def test_each_process_gets_as_many_chunks(monkeypatch, processes, pages, each):
    monkeypatch.setattr(records, "POOL_SIZE", processes)
    assert records.pages_of_a_chunk(pages) == each
    assert each in {100, 500} or ceil(pages / each) % processes == 0
