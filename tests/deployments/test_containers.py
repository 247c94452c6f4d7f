"""What Dockerfile, compose file and Kubernetes template name exists: settings, commands, extras, versions."""

import json
import re
import shlex
import tomllib
from importlib.metadata import version
from inspect import getsource
from pathlib import Path

import pytest
import yaml
from prefect.cli._app import _app as prefect_commands
from prefect.server.utilities import encryption
from prefect.settings import Settings
from prefect.settings.legacy import _get_valid_setting_names
from prefect_redis.client import RedisMessagingSettings

from blocks.ai_model import OPENROUTER_KEY
from deployments.cli.app import command_line
from flows.registry import SHARD_POOL, WORK_POOL
from tasks.scan.process import POOL_SIZE

FOLDER = Path(__file__).parents[2] / "deployments"
PROJECT = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
IMAGE = f"seo-scan:{version('seo-scan')}"
OURS = [service for service in SERVICES.values() if service["image"] == IMAGE]
KUBERNETES = json.loads((FOLDER / "kubernetes.json").read_text())
DOCKER = json.loads((FOLDER / "docker.json").read_text())
EXAMPLE = (FOLDER / "compose.env.example").read_text()
WRITABLE = "/tmp"  # noqa: S108 - of a container
VARIABLE = re.compile(r"\$\{([A-Z_]+):\?\}")


def settings_of_prefect():
    redis = RedisMessagingSettings
    of_redis = {f"{redis.model_config['env_prefix']}{field}".upper() for field in redis.model_fields}
    # The key for blocks is read from the environment alone.
    keys = set(re.findall(r"PREFECT_SERVER_ENCRYPTION_KEY", getsource(encryption)))
    return _get_valid_setting_names(Settings) | of_redis | keys


def commands():
    """Every command line of ours, word by word."""
    lines = [service["command"] for service in OURS]
    lines.append(json.loads(re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[0]))
    for line in lines:
        if line[:2] == ["sh", "-c"]:
            yield from (shlex.split(part) for part in line[2].split("&&"))
        else:
            yield line


def test_every_command_is_understood():
    known = {"seo": command_line(), "prefect": prefect_commands}
    found = [known[program].parse_args(words, exit_on_error=False)[0].__name__ for program, *words in commands()]
    assert found == ["upgrade", "start", "start_services", "store", "deploy", "start", "start", "start"]


def test_every_variable_is_a_setting_of_prefect():
    names = {name for service in OURS for name in service.get("environment", {})}
    names |= set(re.findall(r"\b(PREFECT_[A-Z_]+)=", DOCKERFILE))
    assert "PREFECT_SERVER_DOCKET_URL" in names
    assert names - settings_of_prefect() == set()


def test_every_secret_is_in_the_example_and_none_has_a_value():
    wanted = set(VARIABLE.findall((FOLDER / "compose.yaml").read_text()))
    given = dict(line.split("=", 1) for line in EXAMPLE.splitlines() if re.match(r"[A-Z_]+=", line))
    assert set(given) == wanted
    assert set(given.values()) <= {"", "seo:"}
    assert "SEO_" not in "".join(given)


@pytest.mark.parametrize("name", ["worker", "shards"])
def test_a_worker_is_shown_no_secret_of_the_server(name):
    assert set(VARIABLE.findall(json.dumps(SERVICES[name]))) == {"PREFECT_AUTH"}
    assert SERVICES[name]["env_file"] == [{"path": "worker.env", "required": False}]


def test_the_image_is_built_by_the_name_that_is_used():
    assert re.findall(r"-t (\S+)", DOCKERFILE) == [IMAGE, IMAGE]


def test_no_code_of_strangers_builds_the_image():
    assert "syntax=" not in DOCKERFILE  # names a program of a registry, by a tag that moves


def test_commands_read_the_data_folder_that_workers_write():
    [data] = re.findall(r"\bSEO_DATA=(\S+)", DOCKERFILE)
    assert f"data:{data}" in SERVICES["worker"]["volumes"]
    assert SERVICES["deploy"]["command"][2].startswith(f"seo blocks store {data} ")


def test_the_extras_exist():
    [default] = re.findall(r'^ARG EXTRAS="(.*)"$', DOCKERFILE, re.MULTILINE)
    shown = re.findall(r'EXTRAS="([^"]*)"', DOCKERFILE)
    built = {service["build"]["args"]["EXTRAS"] for service in OURS}
    named = {extra for extras in (default, *shown, *built) for extra in extras.split()}
    assert named >= {"redis", "dask"}
    assert named <= set(PROJECT["project"]["optional-dependencies"])


def test_the_image_has_what_the_wheel_is_made_of():
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    assert copied == set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    let_in = set(re.findall(r"^!(.*)$", (FOLDER / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    assert let_in == {*copied, "pyproject.toml", "uv.lock", "README.md", "LICENSE", "tests/benchmarks/pyproject.toml"}
    assert all((FOLDER.parent / name).exists() for name in let_in)
    paths = [source["path"] for source in PROJECT["tool"]["uv"]["sources"].values() if "path" in source]
    assert {f"{path}/pyproject.toml" for path in paths} <= let_in  # else the lock cannot be checked


def test_python_is_one_that_the_project_supports():
    [python] = re.findall(r"^ARG PYTHON=(\d+\.\d+)\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert f"Programming Language :: Python :: {python}" in PROJECT["project"]["classifiers"]


def test_nothing_of_ours_runs_as_root_or_writes_elsewhere():
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    assert re.findall(r"\b(?:PREFECT_)?HOME=(\S+)", DOCKERFILE) == [WRITABLE, f"{WRITABLE}/prefect"]
    for service in OURS:
        assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], [WRITABLE])
        assert service["security_opt"] == ["no-new-privileges:true"]
    pod = KUBERNETES["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/data", WRITABLE]


def test_only_prefect_is_published_and_on_loopback():
    assert [port for service in SERVICES.values() for port in service.get("ports", ())] == ["127.0.0.1:4200:4200"]


def test_workers_take_the_pool_that_is_deployed_to():
    pools = [words[words.index("--pool") + 1] for words in commands() if "--pool" in words]
    assert pools == [WORK_POOL, SHARD_POOL, WORK_POOL]
    assert not any("--work-queue" in words for words in commands())  # they take all of them


@pytest.mark.parametrize("template", [KUBERNETES, DOCKER], ids=["kubernetes.json", "docker.json"])
def test_a_template_of_jobs_uses_every_variable_and_no_other(template):
    variables = template["variables"]["properties"]
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(template["job_configuration"])))
    assert used == set(variables)
    assert variables["image"]["default"] == IMAGE
    [home] = re.findall(r"\bPREFECT_HOME=(\S+)", DOCKERFILE)
    assert variables["env"]["default"] == {"PREFECT_HOME": home}  # a worker hands its own settings on
    assert all(description.endswith(".") for description in (each["description"] for each in variables.values()))


def test_a_container_of_docker_may_do_as_little_as_the_others():
    made = DOCKER["job_configuration"]
    assert (made["privileged"], made["auto_remove"]) == (False, True)
    least = SERVICES["worker"]
    made = made["container_create_kwargs"]
    assert (made["read_only"], made["cap_drop"], made["security_opt"], made["init"]) == (
        *(least["read_only"], least["cap_drop"], least["security_opt"], least["init"]),
    )
    assert [f"{place}:{how}".removesuffix(":") for place, how in made["tmpfs"].items()] == least["tmpfs"]


def test_the_template_of_kubernetes_says_what_a_job_takes():
    variables = KUBERNETES["variables"]["properties"]
    assert POOL_SIZE <= 4
    assert "four at most" in variables["cpu"]["description"]
    assert OPENROUTER_KEY in variables["secret"]["description"]
