"""docs/cli.md: every command and option. Write it with ``python -m deployments.cli.manual``."""

import re
from pathlib import Path

from deployments.cli.app import EPILOGUE, command_line

PAGE = Path("docs/cli.md")

_OPENING = f"""\
# The command line

What `seo --help` and the `--help` of each command say. This page is generated: `python -m deployments.cli.manual`.

{EPILOGUE}

"""

# Under `python -m` Cyclopts writes the module that was started into each usage line.
_STARTED_BY = re.compile(r"^(seo [a-z ]+) -m \S+", re.MULTILINE)


def manual() -> str:
    """The page: the list of commands, then a section for each."""
    _, mark, commands = command_line().generate_docs().partition("**Commands**:\n")
    commands = _STARTED_BY.sub(r"\1", commands).rstrip()
    return f"{_OPENING}{mark}{commands}\n"


if __name__ == "__main__":
    PAGE.write_text(manual(), encoding="utf-8")
