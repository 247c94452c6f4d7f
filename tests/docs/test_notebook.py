"""The notebook answers its questions on the sample shop's data, and is stored as it was written: unexecuted."""

import base64
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from deployments.cli.watching import LineWatch
from deployments.cli.wishes import CrawlOptions, RunOptions
from deployments.demo.server import serve
from deployments.demo.transcript import crawl_without_flow

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "first-look.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def shop_data(tmp_path_factory):
    data = tmp_path_factory.mktemp("notebook") / "seo-demo"
    with serve() as shop:
        crawl_without_flow(CrawlOptions(start_url=shop.url), RunOptions(data=data), LineWatch())
    return data


def test_it_is_stored_without_output(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


@pytest.mark.prefect
async def test_its_questions_are_answered(notebook, shop_data, monkeypatch):
    monkeypatch.setenv("SEO_DATA", str(shop_data))
    client = NotebookClient(nbformat.from_dict(notebook), timeout=60)
    client.create_kernel_manager().transport = "ipc"  # over TCP the kernel warns that it is not encrypted
    done = await client.async_execute()
    answers = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    tables = "\n".join(output.data["text/plain"] for output in answers if output.output_type == "execute_result")
    for expected in (
        "│    32 │",
        "/journal/how-to-brew",
        "https-missing",
        "Assam black tea",
        "redirect-loop",
        "/wholesale",
    ):
        assert expected in tables
    charts = [output.data["image/png"] for output in answers if "image/png" in output.get("data", {})]
    assert [base64.b64decode(chart)[:4] for chart in charts] == [b"\x89PNG"]
    assert {output.output_type for output in answers} == {"execute_result", "display_data"}
