"""A real Prefect server, `seo serve` and a worker, each with a home of its own."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError

from tasks.store import Store
from tests.loopback import free_port, wait_for

STOP_SECONDS = 30


def until(found, seconds=180, every=0.25, what=""):
    """The first true value of ``found()``; a machine that is busy with others takes its time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(every)
    raise AssertionError(f"{what or found} did not come about in {seconds} s")


def processes_with(*markers):
    """Ids of live processes whose environment has all of the markers."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            alive = (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            environment = (process / "environ").read_bytes()
            if alive and all(marker.encode() in environment for marker in markers):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def kill_all(marker):
    """Ends all processes whose environment has that."""
    for process in processes_with(marker):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _answer(request, tries):
    """Prefect's server on SQLite may be locked for a minute by its own services; what may be asked twice is."""
    for left in reversed(range(tries)):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
                return answer.read()
        except TimeoutError:
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


@dataclass
class World:
    """One Prefect server; ``seo`` and ``prefect`` run against it, in ``folder``."""

    folder: Path
    port: int
    scripts: Path
    environment: dict[str, str]
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def api(self):
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def data(self):
        return self.folder / "data"

    def start(self, name, *command, cwd=None, **environment):
        log = (self.folder / f"{name}.log").open("ab")
        self.running[name] = subprocess.Popen(
            [str(self.scripts / command[0]), *map(str, command[1:])],
            env={**self.environment, **environment},
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        return self.running[name]

    def start_server(self):
        self.start("server", "prefect", "server", "start", "--port", self.port)
        wait_for(f"{self.api}/health", 120)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace").replace("\0", "")

    def stop(self, name, number=signal.SIGTERM):
        """Ends what was started under that name; its exit status."""
        process = self.running.pop(name)
        process.send_signal(number)
        try:
            return process.wait(STOP_SECONDS)
        finally:
            self._kill_group(process)

    def interrupt(self, name):
        """Ctrl-C, which a terminal sends to all that runs in it; the exit status."""
        os.killpg(self.running[name].pid, signal.SIGINT)
        return self.running.pop(name).wait(STOP_SECONDS)

    def kill(self, name):
        process = self.running.pop(name)
        self._kill_group(process)
        process.wait(STOP_SECONDS)

    def _kill_group(self, process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def run(self, *command, timeout=120, cwd=None):
        return subprocess.run(
            [str(self.scripts / command[0]), *map(str, command[1:])],
            env=self.environment,
            cwd=cwd or self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def ask_for(self, flow, **parameters):
        """Has a worker run the flow's deployment."""
        done = self.run("prefect", "deployment", "run", f"{flow}/default", "--params", json.dumps(parameters))
        assert done.returncode == 0, done.stderr

    def put(self, path, body):
        """Until a busy SQLite server takes it."""
        until(lambda: self.post(path, body, "PUT", refused=503) is not None, what=f"an answer to PUT {path}")

    def post(self, path, body, method="POST", refused=None):
        """The answer; None for the status ``refused``, which a busy SQLite server gives."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.api}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
        )
        try:
            content = _answer(request, tries=3 if path.endswith(("/filter", "/events")) else 1)
        except HTTPError as error:
            if error.code == refused:
                return None
            raise AssertionError(f"{path}: {error.code} {error.read()[:500]}") from None
        return json.loads(content) if content else {}

    def get(self, path):
        return json.loads(_answer(f"{self.api}{path}", tries=3))

    def flow_runs(self, flow, **parameters):
        """The flow's runs with those parameters."""
        found = self.post("/flow_runs/filter", {"flows": {"name": {"any_": [flow]}}, "limit": 200})
        return [run for run in found if all(run["parameters"].get(name) == value for name, value in parameters.items())]

    def ended(self, flow, seconds=240, **parameters):
        """The only run of the flow with those parameters, when it has ended."""

        def final():
            runs = self.flow_runs(flow, **parameters)
            final = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
            return runs if runs and all(run["state_type"] in final for run in runs) else None

        (run,) = until(final, seconds, what=f"the end of {flow} {parameters}")
        return run

    def idle(self):
        states = ["PENDING", "RUNNING", "CANCELLING"]
        found = self.post("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": states}}}, "limit": 1})
        return not found

    def events(self, *names, **more):
        page = self.post("/events/filter", {"filter": {"event": {"name": list(names)}, **more}, "limit": 50})
        return page["events"]


@contextmanager
def prefect_world(folder, *, database=None, inherited=os.environ, **settings):
    """A world of its own, with a server that has started; Prefect keeps its records in SQLite, or in that database."""
    kept = {name: value for name, value in inherited.items() if not name.startswith(("PREFECT_", "SEO_", "PUSHER_"))}
    port = free_port()
    environment = {
        **kept,
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
        **settings,
    }
    world = World(folder=folder, port=port, scripts=Path(sys.executable).parent, environment=environment)
    with database or nullcontext() as address:
        if address:
            asynchronous = address.replace("postgresql:", "postgresql+asyncpg:")
            environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = asynchronous
        try:
            world.start_server()
            yield world
        finally:
            for name in list(world.running):
                world.kill(name)
            kill_all(f"PREFECT_HOME={folder}")  # runs of `seo serve` have left its group


def slow_crawl(world, docs_site, user):
    """A crawl of a page a second; its run id, when it has pages."""
    started = world.run(
        *("prefect", "deployment", "run", "crawl-site/default", "-p", f"start_url={docs_site.base}/py/index.html"),
        *("-p", f"user_id={user}", "-p", "max_pages=200", "-p", 'options={"rate": 1}'),
    )
    assert started.returncode == 0, started.stderr

    def crawling():
        with Store.open(world.data) as store:
            runs = [run for run in store.list_runs() if run.user_id == user]
            return next((run for run in runs if run.first_request_at and run.prefect_flow_run_id), None)

    return until(crawling, what="a crawl under way")
