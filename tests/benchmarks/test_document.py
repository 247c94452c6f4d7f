"""docs/benchmarks.md has a place for whatever is measured, and keeps to what the commands are."""

import re
from typing import get_args

import pytest

from tests.benchmarks import document, growth, lists
from tests.benchmarks.bench import ContenderName, app
from tests.benchmarks.contenders import SPEED
from tests.docs_sites import DOCS

WRITTEN = document.PAGE.read_text(encoding="utf-8")


def test_the_page_has_one_place_for_each_section_and_no_other():
    assert re.findall(r"<!-- measured: (\S+) -->", WRITTEN) == list(document.SECTIONS)
    for section in document.SECTIONS:
        assert document.filled(WRITTEN, section, "text") != WRITTEN


def test_what_is_measured_has_its_figures_machine_and_date():
    for section in document.SECTIONS:
        text = re.search(f"{document.begin(section)}\n(.*?){document.end(section)}", WRITTEN, re.DOTALL)[1].strip()
        told = re.match(r"\d{4}-\d\d-\d\d, .+ cores, .+ load before \d", text)
        assert text == document.NOT_MEASURED or told, f"run: uv run --group bench seo-bench, for {section}"


def test_plots_of_the_page_exist():
    for name in re.findall(r"!\[.*?\]\((\S+?)\)", WRITTEN):
        assert (document.DOCS / name).is_file()


def test_a_section_is_replaced_as_a_whole_and_alone():
    page = f"a\n{document.begin('x')}\nold\n{document.end('x')}\nb\n{document.begin('y')}\nkept\n{document.end('y')}\n"
    once = document.filled(page, "x", r"new \1")
    assert once == page.replace("\nold\n", "\n\nnew \\1\n\n")
    assert document.filled(once, "x", r"new \1") == once


@pytest.mark.parametrize("page", ["", f"{document.begin('x')}\n{document.end('x')}\n" * 2])
def test_a_page_without_the_one_section_is_refused(page):
    with pytest.raises(ValueError, match="sections are named x, not one"):
        document.filled(page, "x", "text")


def test_it_is_written_where_one_asks_and_begins_as_the_projects_own(tmp_path):
    document.write(tmp_path / "new", "starts", "| measured |")
    page = (tmp_path / "new" / "benchmarks.md").read_text(encoding="utf-8")
    assert page == document.filled(WRITTEN, "starts", "| measured |")


def test_every_command_of_the_page_is_one():
    lines = re.findall(r"seo-bench (.*?)(?:`|$)", WRITTEN, re.MULTILINE)
    assert len(lines) == 11
    for words in lines:
        app.parse_args(words, exit_on_error=False, print_error=False)


def test_every_contender_can_be_left_out():
    assert {contender.name for contender in SPEED} == set(get_args(ContenderName))


def test_the_circumstances_name_date_machine_load_and_versions():
    told = document.circumstances("polars")
    assert re.match(r"\d{4}-\d\d-\d\d, .+, \d+ cores, \d+ GB, Linux .+, Python 3\.\S+; load before [\d.]+; ", told)
    assert re.search(r"seo-scan \S+, prefect \S+, polars \S+\.$", told)


def test_a_shorter_list_is_spread_over_the_whole():
    urls = [str(number) for number in range(10)]
    assert lists.spread(urls, 4) == ["0", "2", "5", "7"]
    assert lists.spread(urls, None) == lists.spread(urls, 10) == lists.spread(urls, 99) == urls


def test_lists_are_of_sites_that_can_be_served():
    assert set(lists.LISTS["mixed"]) == set(DOCS)
    assert max(growth.SIZES) == 100_000
