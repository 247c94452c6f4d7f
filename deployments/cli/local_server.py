"""Gives a command a Prefect server where none is configured. Imports nothing heavy: it runs before all else."""

import os
import socket
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, ClassVar

from tasks.errors import SeoScanError

START_SECONDS = 120


class ServerNotStarted(SeoScanError):
    """The temporary Prefect server did not come up."""


class LocalServer:
    """A temporary Prefect server that lives as long as this process; ``current`` is the one it has."""

    current: "ClassVar[LocalServer | None]" = None

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.api_url = f"http://127.0.0.1:{port}/api"
        self.ready = False
        self._process = process
        self._log = log

    @classmethod
    def start(cls) -> "LocalServer":
        """Starts it and returns at once; its address is ``PREFECT_API_URL`` from here on.

        Raises:
            ServerNotStarted: the folder of its files cannot be written.
        """
        home = prefect_home()
        log = home / "seo-scan-server.log"
        try:
            home.mkdir(parents=True, exist_ok=True)
            opened = log.open("ab")
        except OSError as error:
            raise ServerNotStarted(
                f"cannot write {error.filename} for a temporary Prefect server ({error.strerror}): "
                "set PREFECT_HOME to a folder that can be written"
            ) from None
        with socket.create_server(("127.0.0.1", 0)) as listening, opened as output:
            number = listening.fileno()
            process = subprocess.Popen(  # noqa: S603 - our own module
                [
                    sys.executable,
                    "-m",
                    "deployments.cli.prefect_server",
                    str(number),
                    str(home / "seo-scan-server.lock"),
                ],
                pass_fds=(number,),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the command; the server ends when the command has
            )
            server = cls(process, listening.getsockname()[1], log)
        os.environ["PREFECT_API_URL"] = server.api_url
        os.environ["SEO_TEMPORARY_SERVER"] = server.api_url  # read by tasks/scan/places_task.py
        cls.current = server
        return server

    def wait(self) -> None:
        """Returns when it answers.

        Raises:
            ServerNotStarted: with the last lines it wrote.
        """
        try:
            # The socket already listens: the request waits in its queue until the server takes it.
            with urllib.request.urlopen(f"{self.api_url}/health", timeout=START_SECONDS) as answer:  # noqa: S310 - loopback
                answer.read()
            self.ready = True
        except (urllib.error.URLError, OSError) as error:
            lines = self._log.read_text(errors="replace").splitlines()[-5:]
            raise ServerNotStarted(
                f"the temporary Prefect server did not start ({error}); its log is {self._log}:\n"
                + "\n".join(lines)
                + "\nStart one yourself with `prefect server start` and set PREFECT_API_URL."
            ) from None


def prefect_home() -> Path:
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()


def api_is_configured() -> bool:
    """True where Prefect's own settings name an API: environment, .env, prefect.toml, pyproject.toml or profile."""
    if os.environ.get("PREFECT_API_URL"):
        return True
    if any(line.startswith("PREFECT_API_URL=") for line in _lines(Path(".env"))):
        return True
    project = _toml(Path("pyproject.toml"))
    if _dig(_toml(Path("prefect.toml")), "api", "url") or _dig(project, "tool", "prefect", "api", "url"):
        return True
    profiles = _toml(Path(os.environ.get("PREFECT_PROFILES_PATH") or prefect_home() / "profiles.toml"))
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active")
    return bool(_dig(profiles, "profiles", str(active), "PREFECT_API_URL"))


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines() if path.is_file() else []


def _toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}  # Prefect reads it next and says what is wrong with it


def _dig(table: dict[str, Any], *path: str) -> object:
    found: object = table
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found
