"""How long it takes from an event that asks for a scan to the start of its run, each when the one before is done.

Starts a Prefect server on a new database, ``seo serve`` and ``seo api``, and sends each event by the signed webhook,
then emits as many to Prefect:

    python tests/benchmarks/event_latency.py --events 20 --poll 1
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
from servers import DATABASES, servers, wait

from deployments.api.signature import SIGNATURE_HEADER, TIME_HEADER, sign
from tasks.events import ScanRequested
from tasks.urls import page_id

SECRET = "a-secret-of-the-benchmark"
FLOWS = ["scan-page", "analyze-page", "send-notification"]
UNDER_WAY = ["SCHEDULED", "PENDING", "RUNNING", "CANCELLING"]
Send = Callable[[ScanRequested], None]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=20)
    arguments.add_argument("--poll", type=int, default=10, help="seconds between `seo serve`'s looks for work")
    arguments.add_argument("--database", choices=DATABASES, default="sqlite", help="of Prefect's server")
    wanted = arguments.parse_args()
    settings = {
        "PREFECT_RUNNER_POLL_FREQUENCY": str(wanted.poll),
        "SEO_SCANS_PER_MINUTE": "10000",
        "SEO_WEBHOOK_KEY": SECRET,
    }
    with contextlib.ExitStack() as running:
        prefect = running.enter_context(servers(wanted.database, **settings))
        running.enter_context(prefect.serving())
        base, _ = running.enter_context(prefect.door())
        ways: dict[str, Send] = {"webhook": partial(_by_webhook, base), "emitted": partial(_emitted, prefect.api)}
        for way, send in ways.items():
            load = os.getloadavg()[0]
            taken = [_measured(prefect.api, way, number, send, wanted.poll) for number in range(wanted.events + 1)][1:]
            figures = {
                "by": way,
                "poll_s": wanted.poll,
                "database": wanted.database,
                "load": load,
                "events": len(taken),
            }
            print(json.dumps({**figures, **_figures(taken)}))  # noqa: T201 - the result


def _measured(api: str, way: str, number: int, send: Send, poll: int) -> tuple[float, float]:
    """Seconds from the event to the flow run, and to its start."""
    url = f"https://seo-scan.invalid/{way}/{number}"
    asked_for = {"flows": {"name": {"any_": FLOWS}}, "flow_runs": {"state": {"type": {"any_": UNDER_WAY}}}}
    wait(lambda: not _runs(api, **asked_for), "the end of all runs")
    time.sleep(random.uniform(0, poll))  # not to keep step with the looks for work
    sent = time.time()
    send(ScanRequested(page_id=page_id("default", url), url=url, user_id="local"))
    wait(lambda: bool(_scan(api, url).get("start_time")), f"the run of {url}")
    run = _scan(api, url)
    created, started = (datetime.fromisoformat(run[name]).timestamp() - sent for name in ("created", "start_time"))
    return created, started


def _scan(api: str, url: str) -> dict[str, Any]:
    """The flow run that scans ``url``; empty where there is none yet."""
    newest = _runs(api, flows={"name": {"any_": ["scan-page"]}})
    return next((run for run in newest if run["parameters"].get("url") == url), {})


def _runs(api: str, **filters: Any) -> list[dict[str, Any]]:
    asked = {**filters, "sort": "EXPECTED_START_TIME_DESC", "limit": 2}
    found: list[dict[str, Any]] = (
        httpx.post(f"{api}/flow_runs/filter", json=asked, timeout=60).raise_for_status().json()
    )
    return found


def _by_webhook(base: str, event: ScanRequested) -> None:
    body = json.dumps({"id": str(uuid4()), "name": event.name, "data": event.model_dump()})
    now = str(int(time.time()))
    headers = {TIME_HEADER: now, SIGNATURE_HEADER: sign(SECRET, now, body.encode())}
    httpx.post(f"{base}/webhooks/events", content=body, headers=headers, timeout=30).raise_for_status()


def _emitted(api: str, event: ScanRequested) -> None:
    emitted = {
        "id": str(uuid4()),
        "occurred": datetime.now().astimezone().isoformat(),
        "event": event.name,
        "resource": {"prefect.resource.id": event.resource_id},
        "payload": event.model_dump(),
    }
    httpx.post(f"{api}/events", json=[emitted], timeout=30).raise_for_status()


def _figures(taken: list[tuple[float, float]]) -> dict[str, float]:
    """Quantiles in seconds."""
    found = {}
    for name, values in zip(("created", "started"), zip(*taken, strict=True), strict=True):
        cuts = statistics.quantiles(values, n=20, method="inclusive")
        found |= {f"{name}_p50_s": round(cuts[9], 2), f"{name}_p95_s": round(cuts[18], 2)}
    return found


if __name__ == "__main__":
    main()
