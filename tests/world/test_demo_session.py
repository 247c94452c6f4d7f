"""The session in README is that of the installed command, flow and temporary server included."""

import re
import subprocess
from pathlib import Path

import pytest

from deployments.demo.transcript import shortened, stable

pytestmark = pytest.mark.world

README = Path(__file__).parents[2] / "README.md"
ABOUT_THE_MOMENT = re.compile(
    r"^(starting a temporary Prefect server|run \S+: crawling|(reading|putting|looking|judging) |\d+/\d+ pages,).*\n",
    re.MULTILINE,
)


def test_the_demo_prints_what_the_readme_shows(tmp_path, seo, environment):
    done = subprocess.run(
        [seo, "demo"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=True,
    )
    printed = ABOUT_THE_MOMENT.sub("", shortened(stable(done.stdout)))
    assert f"```console\n$ uv run seo demo\n{printed}```\n" in README.read_text(encoding="utf-8")
