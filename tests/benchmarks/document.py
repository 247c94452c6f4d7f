"""docs/benchmarks.md: text by hand, and between two comments for each section what was measured."""

import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "benchmarks.md"
SECTIONS = (
    "speed-mixed",
    "speed-java",
    "starts",
    "orchestration",
    "growth-batch",
    "growth-crawl",
    "site-rules",
    "parts",
    "profile",
)
NOT_MEASURED = "Not measured yet."


def begin(section: str) -> str:
    return f"<!-- measured: {section} -->"


def end(section: str) -> str:
    return f"<!-- end of {section} -->"


def filled(page: str, section: str, text: str) -> str:
    """``page`` with ``text`` in the section.

    Raises:
        ValueError: it has not exactly one such section.
    """
    found = re.compile(f"({re.escape(begin(section))}\n).*?({re.escape(end(section))})", re.DOTALL)
    written, places = found.subn(lambda match: f"{match[1]}\n{text.strip()}\n\n{match[2]}", page)
    if places != 1:
        raise ValueError(f"{places} sections are named {section}, not one")
    return written


def write(docs: Path, section: str, text: str) -> None:
    """Into the page in the folder ``docs``; where there is none it begins as the project's own."""
    path = docs / PAGE.name
    page = (path if path.is_file() else PAGE).read_text(encoding="utf-8")
    docs.mkdir(parents=True, exist_ok=True)
    path.write_text(filled(page, section, text), encoding="utf-8")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown; the first column is left, numbers are right."""
    lines = [heads, ["---", *("--:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def circumstances(*packages: str) -> str:
    """Machine, date and load before the measurement, and the versions of what was measured."""
    versions = ", ".join(f"{package} {version(package)}" for package in ("seo-scan", "prefect", *packages))
    return (
        f"{date.today().isoformat()}, {_processor()}, {os.cpu_count()} cores, {_memory():.0f} GB, "  # noqa: DTZ011 - of the machine's clock
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}; "
        f"load before {os.getloadavg()[0]:.2f}; {versions}."
    )


def _processor() -> str:
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
