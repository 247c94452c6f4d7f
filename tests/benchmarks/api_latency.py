"""How long the door takes from ``POST /projects/{id}/scan`` to 202, requests one after another.

Starts a Prefect server on SQLite, deploys the flows and runs ``seo api``, each on a free port and in a folder of its
own:

    python tests/benchmarks/api_latency.py --requests 200 --serving

With ``--serving`` the flows are done beside it, on the same cores; without, the runs only queue up.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

SCRIPTS = Path(sys.executable).parent
WARM_UP = 5


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--requests", type=int, default=200)
    arguments.add_argument("--serving", action="store_true", help="do the runs meanwhile, by `seo serve`")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, contextlib.ExitStack() as running:
        folder, prefect, port = Path(place), _free_port(), _free_port()
        environment = _environment(folder, prefect)
        running.enter_context(_started(environment, folder, "prefect", "server", "start", "--port", str(prefect)))
        _wait(f"http://127.0.0.1:{prefect}/api/health")
        _run(environment, folder, "seo", "blocks", "store", str(folder / "data"))
        if wanted.serving:
            running.enter_context(_started(environment, folder, "seo", "serve"))
            _wait_for_line(folder / "serve.log", "Ctrl-C ends it")
        else:
            _run(environment, folder, "seo", "deploy")
        token = _run(environment, folder, "seo", "keys", "add", "local", "--data", str(folder / "data")).strip()
        door = ("seo", "api", "--port", str(port), "--max-waiting", "100000")
        running.enter_context(_started(environment, folder, *door))
        _wait(f"http://127.0.0.1:{port}/health")
        try:
            taken = _measured(f"http://127.0.0.1:{port}", token, wanted.requests)
        except httpx.HTTPError as error:
            raise SystemExit(f"{error}\n{(folder / 'api.log').read_text(errors='replace')[-2000:]}") from None
    print(json.dumps(_figures(taken), indent=2))  # noqa: T201 - the result


def _measured(base: str, token: str, count: int) -> list[float]:
    """Milliseconds of each request after the first few."""
    taken = []
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        for number in range(WARM_UP + count):
            began = time.perf_counter()
            answer = client.post("/projects/default/scan", json={"url": f"https://seo-scan.invalid/{number}"})
            taken.append(1000 * (time.perf_counter() - began))
            answer.raise_for_status()
    return taken[WARM_UP:]


def _figures(taken: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(taken, n=100)
    found = {"p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98], "max_ms": max(taken)}
    return {"requests": len(taken), **{name: round(value, 1) for name, value in found.items()}}


def _environment(folder: Path, prefect: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SEO_"))}
    return {
        **kept,
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_API_URL": f"http://127.0.0.1:{prefect}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # hundreds of runs that nobody takes are marked late every few seconds, and SQLite stands still meanwhile
        "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
        "SEO_SCANS_PER_MINUTE": "10000",
        "DO_NOT_TRACK": "1",
    }


@contextlib.contextmanager
def _started(environment: dict[str, str], folder: Path, command: str, *arguments: str) -> Iterator[None]:
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [SCRIPTS / command, *arguments], env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _run(environment: dict[str, str], folder: Path, command: str, *arguments: str) -> str:
    done = subprocess.run(
        [SCRIPTS / command, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _wait(url: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).is_success:
                return
        time.sleep(0.2)
    raise SystemExit(f"nothing answers at {url}")


def _wait_for_line(log: Path, line: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while line not in log.read_text(errors="replace"):
        if time.monotonic() > end:
            raise SystemExit(f"{log.name} does not say {line!r}:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
