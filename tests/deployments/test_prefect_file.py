"""deployments/prefect.yaml, compared with the registry and with what `seo serve` serves."""

import yaml
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.events.schemas.deployment_triggers import DeploymentTriggerTypes
from prefect.flows import load_flow_from_entrypoint
from pydantic import TypeAdapter

from deployments.automations import silent_runs
from deployments.deploy import QUEUES
from deployments.prefect_file import FILE, prefect_file
from deployments.schedules import name_for
from deployments.serve import SERVED_FLOWS, deployment_of, opening
from deployments.triggers import SETTLES, triggers_of
from flows.registry import FLOWS, TAG, WORK_POOL

DEPLOYMENTS = yaml.safe_load(FILE.read_text())["deployments"]


def test_the_file_is_as_the_registry_writes_it():
    assert FILE.read_text() == prefect_file(), "python -m deployments.prefect_file"


def test_it_has_every_flow_of_the_registry_with_its_defaults():
    for entry, deployment in zip(FLOWS.values(), DEPLOYMENTS, strict=True):
        assert (deployment["name"], deployment["entrypoint"]) == ("default", entry.path)
        assert deployment["work_pool"]["name"] == entry.pool
        assert deployment["work_pool"]["work_queue_name"] == entry.queue
        assert deployment["concurrency_limit"] == {"limit": entry.concurrency_limit, "collision_strategy": "ENQUEUE"}
        assert load_flow_from_entrypoint(deployment["entrypoint"]).name == entry.name
    assert {entry.queue for entry in FLOWS.values() if entry.pool == WORK_POOL} == set(QUEUES)


def test_its_triggers_are_those_of_the_code_letter_for_letter():
    for entry, deployment in zip(FLOWS.values(), DEPLOYMENTS, strict=True):
        read = TypeAdapter(list[DeploymentTriggerTypes]).validate_python(deployment["triggers"])
        assert [trigger.model_dump() for trigger in read] == [trigger.model_dump() for trigger in triggers_of(entry)]


async def test_what_is_served_is_named_by_module_and_belongs_to_no_work_pool():
    for entry in SERVED_FLOWS:
        served = await deployment_of(entry)
        assert (served.name, served.entrypoint, served.paused) == ("default", entry.path, False)
        assert {"work_pool_name", "work_queue_name"} <= served.model_fields_set
        assert (served.work_pool_name, served.concurrency_limit) == (None, entry.concurrency_limit)
        assert served.concurrency_options.collision_strategy == ConcurrencyLimitStrategy.ENQUEUE
        assert served.enforce_parameter_schema


def test_shards_have_a_work_pool_that_no_run_waits_in():
    assert [entry.name for entry in FLOWS.values() if entry.pool != WORK_POOL] == ["scan-shard"]
    assert [entry.name for entry in FLOWS.values() if entry not in SERVED_FLOWS] == ["scan-shard"]


def test_neither_a_failing_settlement_nor_a_shard_is_settled():
    untold = {SETTLES, "scan-shard"}
    assert [TAG in entry.tags for entry in FLOWS.values()] == [entry.name not in untold for entry in FLOWS.values()]
    (related,) = {trigger.match_related.root["prefect.resource.id"] for trigger in triggers_of(FLOWS[SETTLES])}
    assert related == f"prefect.tag.{TAG}"


def test_a_shard_whose_machine_is_gone_crashes_like_any_run():
    watched = silent_runs().trigger.match_related.root["prefect.resource.id"]
    assert watched == [f"prefect.tag.{tag}" for tag in (TAG, *FLOWS["scan-shard"].tags)]


def test_the_opening_names_every_flow_and_what_starts_it(tmp_path):
    text = "\n".join(opening(tmp_path, 3, "http://127.0.0.1:4200"))
    assert f"at most 3 runs at once; results go to {tmp_path}" in text
    for entry in SERVED_FLOWS:
        (line,) = (line for line in text.splitlines() if line.strip().startswith(f"{entry.deployment} "[:-1]))
        assert entry.event is None or line.endswith(f"on {entry.event.name}")


def test_schedules_are_named_after_their_site():
    assert name_for("https://Tea.example/Green%20Tea/?a=1") == "tea-example-green-20tea-a-1"
    assert name_for("https://xn--tea/") == "xn-tea"
    assert len(name_for("https://a.example/" + "x" * 500)) == 60
