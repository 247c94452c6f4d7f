"""Real components, started by the tests themselves. A missing one is a failure, not a skip."""

import os
from pathlib import Path

import pytest

from tests.docs_sites import DOCS, docs_sites


@pytest.fixture(scope="session")
def docs_site(tmp_path_factory):
    with docs_sites(tmp_path_factory.mktemp("nginx"), DOCS) as site:
        yield site


@pytest.fixture(scope="session")
def seo():
    """The command's path."""
    return str(Path(os.sys.executable).parent / "seo")


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory):
    return tmp_path_factory.mktemp("prefect-home")


@pytest.fixture(scope="session")
def environment(prefect_home):
    """Of a user who has configured nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SEO_", "COLUMNS"))}
    return {**kept, "PREFECT_HOME": str(prefect_home), "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def served_environment(environment, prefect_api):
    """Of a user who has a Prefect server: commands start at once."""
    return {**environment, "PREFECT_API_URL": prefect_api}
