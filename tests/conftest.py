"""Settings for every test: a Prefect home of its own, no telemetry, `--short` for the chaos tests."""

import os
import tempfile

os.environ.setdefault("PREFECT_HOME", tempfile.mkdtemp(prefix="seo-scan-prefect-"))
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")


def pytest_addoption(parser):
    parser.addoption("--short", action="store_true", help="run the short form of the chaos tests")


def pytest_terminal_summary(terminalreporter):
    if terminalreporter.config.getoption("markexpr") == "not world and not chaos":
        terminalreporter.write_line(
            "Tests marked world and chaos were deselected: .ci/worlds installs what they need, .ci/run runs all."
        )
