"""What benchmarks run against: a Prefect server and whatever uses it, in a folder of their own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.loopback import free_port

SCRIPTS = Path(sys.executable).parent
DATABASES = ("sqlite", "postgresql")
WAIT_SECONDS = 120.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Servers:
    """A Prefect server that answers.

    Attributes:
        folder: home, logs and data folder.
        api: address of Prefect's API.
        server: its process.
        environment: of whatever is to use it.
    """

    folder: Path
    api: str
    server: subprocess.Popen[bytes]
    environment: dict[str, str]

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def run(self, command: str, *arguments: str) -> str:
        """What the command printed."""
        done = subprocess.run(
            [SCRIPTS / command, *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """`seo serve`, once it serves."""
        with _started(self.environment, self.folder, "seo", "serve"):
            wait(lambda: "Ctrl-C ends it" in self.log("serve"), f"`seo serve`: see {self.folder}/serve.log")
            yield

    @contextlib.contextmanager
    def door(self) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
        """The address and process of a `seo api`, once it answers; however much waits."""
        port = free_port()
        with _started(
            self.environment, self.folder, "seo", "api", "--port", str(port), "--max-waiting", "100000"
        ) as api:
            base = f"http://127.0.0.1:{port}"
            wait(lambda: _answers(f"{base}/health"), base)
            yield base, api

    def key(self) -> str:
        """An API key of the local user."""
        return self.run("seo", "keys", "add", "local", "--data", self.data).strip()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")


@contextlib.contextmanager
def servers(database: str, **settings: str) -> Iterator[Servers]:
    """A Prefect server on a new ``database``, one of ``DATABASES``, that knows the data folder; with these settings."""
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SEO_"))},
            "PREFECT_HOME": str(folder / "home"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            # it would write a line for each run that waits, all at once, and SQLite stands still meanwhile
            "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            **settings,
        }
        if database == "postgresql":
            environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = running.enter_context(_postgresql())
        command = ("prefect", "server", "start", "--port", str(port))
        server = running.enter_context(_started(environment, folder, *command))
        wait(lambda: _answers(f"{environment['PREFECT_API_URL']}/health"), environment["PREFECT_API_URL"])
        found = Servers(folder, environment["PREFECT_API_URL"], server, environment)
        found.run("seo", "blocks", "store", found.data)
        yield found


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """What the process has used up so far, without its children."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wait(found: Callable[[], bool], what: str) -> None:
    """Until it is found."""
    end = time.monotonic() + WAIT_SECONDS
    while not found():
        if time.monotonic() > end:
            raise SystemExit(f"waited {WAIT_SECONDS:.0f} s for {what}")
        time.sleep(0.25)


@contextlib.contextmanager
def _started(
    environment: dict[str, str], folder: Path, command: str, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [SCRIPTS / command, *arguments], env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _postgresql() -> Iterator[str]:
    """The address of an empty PostgreSQL database on loopback, as Debian's ``postgresql`` installs the server."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        raise SystemExit("no PostgreSQL: apt-get install postgresql")
    # it refuses to run as root
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, "postgres")
        control, cluster, port = str(programs[-1] / "pg_ctl"), f"{folder}/cluster", free_port()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="

        def run(*arguments: str) -> None:
            subprocess.run(
                [*user, control, "-D", cluster, "-s", *arguments], check=True, stdout=subprocess.DEVNULL, cwd=folder
            )

        run("initdb", "-o", "-U prefect --auth=trust --encoding=UTF8")
        run("start", "-w", "-l", f"{folder}/log", "-o", options)
        try:
            yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
        finally:
            run("stop", "-m", "immediate")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False
