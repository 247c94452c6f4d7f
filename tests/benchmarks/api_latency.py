"""How long the door takes from ``POST /projects/{id}/scan`` to 202, requests one after another.

Starts a Prefect server on a new database, deploys the flows and runs ``seo api``, each on a free port and in a folder
of its own:

    python tests/benchmarks/api_latency.py --requests 200 --database postgresql

The runs only queue up; with ``--serving`` they are done beside it, on the same cores.
"""

import argparse
import contextlib
import json
import os
import statistics
import time

import httpx
from servers import DATABASES, cpu_seconds, servers

WARM_UP = 5


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--requests", type=int, default=200)
    arguments.add_argument("--database", choices=DATABASES, default="sqlite", help="of Prefect's server")
    arguments.add_argument("--serving", action="store_true", help="do the runs meanwhile, by `seo serve`")
    wanted = arguments.parse_args()
    with contextlib.ExitStack() as running:
        prefect = running.enter_context(servers(wanted.database, SEO_SCANS_PER_MINUTE="10000"))
        if wanted.serving:
            running.enter_context(prefect.serving())
        else:
            prefect.run("seo", "deploy")
        base, door = running.enter_context(prefect.door())
        token = prefect.key()
        load, before = os.getloadavg()[0], (cpu_seconds(door), cpu_seconds(prefect.server))
        try:
            taken = _measured(base, token, wanted.requests)
        except httpx.HTTPError as error:
            raise SystemExit(f"{error}\n{prefect.log('api')[-2000:]}") from None
        used = (cpu_seconds(door) - before[0], cpu_seconds(prefect.server) - before[1])
    print(json.dumps({"database": wanted.database, "load": load, **_figures(taken, *used)}))  # noqa: T201 - the result


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


def _figures(taken: list[float], door_cpu: float, server_cpu: float) -> dict[str, float]:
    cuts = statistics.quantiles(taken, n=100)
    asked = len(taken) + WARM_UP
    found = {
        "p50_ms": cuts[49],
        "p95_ms": cuts[94],
        "p99_ms": cuts[98],
        "max_ms": max(taken),
        "door_cpu_ms": 1000 * door_cpu / asked,
        "server_cpu_ms": 1000 * server_cpu / asked,
    }
    return {"requests": len(taken), **{name: round(value, 1) for name, value in found.items()}}


if __name__ == "__main__":
    main()
