"""What chaos tests measured, kept for docs/reliability.md."""

import json
import os
import platform
import sys
import time
from pathlib import Path

import pytest

FIGURES = Path(__file__).with_name("figures.json")


@pytest.fixture(scope="session")
def short(pytestconfig):
    return pytestconfig.getoption("--short")


@pytest.fixture
def record(request, short):
    """Prints what a test measured as one line of JSON, and keeps it where `--record` is given.

    Called with the id of a promise of ``tests/chaos/report.py`` and its figures.
    """
    began = time.monotonic()

    def write(promise, **figures):
        measured = {
            "form": "short" if short else "long",
            "date": time.strftime("%Y-%m-%d"),
            "machine": machine(),
            "seconds": round(time.monotonic() - began),
            "figures": figures,
        }
        sys.stdout.write(f"figures {promise} {json.dumps(measured)}\n")
        if request.config.getoption("--record"):
            kept = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
            if not (short and kept.get(promise, {}).get("form") == "long"):
                kept[promise] = measured
            FIGURES.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n")

    return write


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    python = ".".join(map(str, sys.version_info[:2]))
    return f"{os.cpu_count()} cores {platform.machine()}, {memory:.0f} GB, {platform.system()}, Python {python}"
