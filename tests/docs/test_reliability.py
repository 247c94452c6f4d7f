import json

from tests.chaos.record import FIGURES
from tests.chaos.report import PAGE, PROMISES, written


def test_the_figures_are_those_that_were_recorded():
    page, figures = PAGE.read_text(), json.loads(FIGURES.read_text())
    assert page == written(page, figures), "stale: run `uv run python -m tests.chaos.report`"


def test_every_figure_belongs_to_a_promise():
    figures = json.loads(FIGURES.read_text())
    assert figures.keys() <= {name for promise in PROMISES for name in promise.ids}
