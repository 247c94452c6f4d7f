"""deployments/prefect.yaml: the flows for workers. Write it with ``python -m deployments.prefect_file``."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deployments.automations import HEARTBEAT_SECONDS
from deployments.triggers import triggers_of
from flows.registry import DAILY, DEPLOYMENT, FLOWS, SHARD_POOL, WORK_POOL, FlowEntry

FILE = Path(__file__).with_name("prefect.yaml")

_OPENING = f"""\
# Deployments for workers. This file is generated from flows/registry.py: `python -m deployments.prefect_file`.
#
#   seo deploy                                creates the work pools and queues, and applies this file
#   prefect worker start --pool {WORK_POOL}
#   prefect worker start --pool {SHARD_POOL}   for shards of lists, which may be on any machine
#
# Crawls at set times: `seo schedule add SITE --cron '0 3 * * *'`; an empty list of schedules keeps those there are.
# Deploying again sets the schedule of maintain-store anew.
# Flows are named by module: a worker needs seo-scan installed, in whatever directory it runs.
"""


_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*( [a-z-]+)*", re.ASCII)
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def prefect_file() -> str:
    """The file's text."""
    # no pull step: the code is installed where the worker runs
    content = {
        "name": "seo-scan",
        "build": [],
        "push": [],
        "pull": [],
        "deployments": [_deployment(entry) for entry in FLOWS.values()],
    }
    return "\n".join((_OPENING, *_block(content, ""), ""))


def _deployment(entry: FlowEntry) -> dict[str, Any]:
    return {
        "name": DEPLOYMENT,
        "entrypoint": entry.path,
        "description": entry.description,
        "tags": list(entry.tags),
        "paused": False,
        "concurrency_limit": {"limit": entry.concurrency_limit, "collision_strategy": "ENQUEUE"},
        "work_pool": {
            "name": entry.pool,
            "work_queue_name": entry.queue,
            "job_variables": {"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS)}},
        },
        "schedules": [{"cron": entry.cron, "timezone": "UTC", "slug": DAILY}] if entry.cron else [],
        "triggers": [_ordered(trigger.model_dump(mode="json", exclude_unset=True)) for trigger in triggers_of(entry)],
    }


def _ordered(trigger: dict[str, Any]) -> dict[str, Any]:
    return {"type": "event", **trigger, "expect": sorted(trigger["expect"])}


def _block(value: Any, indent: str) -> Iterator[str]:
    """Lines of YAML; all of it is what JSON can say."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _entry(f"{indent}{_scalar(key)}:", inner, f"{indent}  ")
    else:
        for inner in value:
            first, *rest = _block(inner, f"{indent}  ") if isinstance(inner, dict) else (f"{indent}  {_scalar(inner)}",)
            yield f"{indent}- {first.lstrip()}"
            yield from rest


def _entry(lead: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, str) and "\n" in value:
        yield f"{lead} |-"
        yield from (f"{indent}{line}" for line in value.split("\n"))
    elif isinstance(value, dict | list) and value:
        yield lead
        yield from _block(value, indent)
    else:
        yield f"{lead} {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    FILE.write_text(prefect_file(), encoding="utf-8")
