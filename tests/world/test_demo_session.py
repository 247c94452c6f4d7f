"""The sessions in the pages are those of the installed command, flow and temporary server included."""

import re
import subprocess
from pathlib import Path

import pytest

from deployments.demo.transcript import COMMANDS, shortened, stable

pytestmark = pytest.mark.world

ROOT = Path(__file__).parents[2]
ABOUT_THE_MOMENT = re.compile(
    r"^(starting a temporary Prefect server|run \S+: crawling|(reading|putting|looking|judging) |\d+/\d+ pages,).*\n",
    re.MULTILINE,
)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_demo_prints_what_the_page_shows(name, tmp_path, seo, environment):
    done = subprocess.run(
        [seo, *COMMANDS[name].split()[1:]],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=True,
    )
    printed = ABOUT_THE_MOMENT.sub("", shortened(stable(done.stdout)))
    page = (ROOT / name).read_text(encoding="utf-8")
    assert f"```console\n$ uv run {COMMANDS[name]}\n{printed}```\n" in page
