"""What we start tells nobody of itself."""

import json
import os
import subprocess
import sys

from deployments.cli.prefect_server import SETTINGS

ASK = """
import json, os
from prefect.settings import get_current_settings
print(json.dumps([get_current_settings().server.analytics_enabled, os.environ["DO_NOT_TRACK"]]))
"""
STARTED = """
import os, sys
sys.argv = ["seo", "--help"]
from deployments.cli.start import main
try:
    main()
finally:
    sys.stderr.write(os.environ["DO_NOT_TRACK"])
    sys.stderr.flush()
"""


def quiet_environment():
    return {name: value for name, value in os.environ.items() if "TRACK" not in name and "ANALYTICS" not in name}


def test_the_temporary_server_sends_no_analytics():
    asked = subprocess.run(
        [sys.executable, "-c", ASK], env={**quiet_environment(), **SETTINGS}, capture_output=True, text=True, check=True
    )
    assert json.loads(asked.stdout) == [False, "1"]


def test_the_command_asks_not_to_be_tracked():
    started = subprocess.run(
        [sys.executable, "-c", STARTED], env=quiet_environment(), capture_output=True, text=True, check=True
    )
    assert started.stderr.endswith("1")
