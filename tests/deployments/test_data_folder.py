"""Where deployments keep their data: what the block says, absolute, and nothing else."""

import os
from types import SimpleNamespace

import pytest
from prefect.context import FlowRunContext

from blocks import ResultStore
from deployments.prefect_api import PrefectAbsent, require_api, save_folder, saved_folder
from tasks.errors import InputError


@pytest.fixture
async def no_block_stays(prefect_db):  # noqa: ARG001 - its server
    yield
    await ResultStore.adelete("default")


@pytest.mark.usefixtures("no_block_stays")
async def test_the_saved_block_is_needed_and_has_to_be_absolute(tmp_path, monkeypatch):
    monkeypatch.setenv("SEO_DATA", str(tmp_path / "mine"))
    with pytest.raises(InputError, match=r"no SEO Result Store block is saved as 'default'.*`seo blocks store"):
        await saved_folder()
    await ResultStore(path="data", keep_html=False).asave("default")
    with pytest.raises(InputError, match=r"relative folder 'data'.*`seo blocks store"):
        await saved_folder()
    await save_folder(tmp_path / "data")
    assert await saved_folder() == tmp_path / "data"
    assert (await ResultStore.aload("default")).keep_html is False


@pytest.fixture
def deployed(monkeypatch):
    run = SimpleNamespace(flow_run=SimpleNamespace(deployment_id="d"))
    monkeypatch.setattr(FlowRunContext, "get", lambda: run)


def test_a_local_run_may_name_its_folder(tmp_path):
    assert ResultStore(path="data").folder_of_run(str(tmp_path)) == str(tmp_path)


@pytest.mark.usefixtures("deployed")
def test_a_deployments_run_may_not(tmp_path):
    store = ResultStore(path=str(tmp_path))
    assert store.folder_of_run() == str(tmp_path)
    with pytest.raises(ValueError, match="only the SEO Result Store block says"):
        store.folder_of_run("/elsewhere")
    with pytest.raises(ValueError, match="relative folder 'data'"):
        ResultStore(path="data").folder_of_run()


@pytest.mark.usefixtures("deployed")
def test_the_environment_does_not_move_it(monkeypatch):
    monkeypatch.setenv("SEO_DATA", "/elsewhere")
    monkeypatch.setenv("SEO_KEEP_HTML", "false")
    store = ResultStore(path="/srv/seo").with_environment()
    assert (store.path, store.keep_html) == ("/srv/seo", False)


@pytest.fixture
def variables(monkeypatch):
    """What a store looks for, none of it set; the block's own changes are undone."""
    for name in SHARED_VARIABLES:
        monkeypatch.setenv(name, "")


SHARED_VARIABLES = (
    *("SEO_CATALOGUE_URL", "SEO_FACTS_URL", "AWS_ENDPOINT_URL"),
    *("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
)


@pytest.mark.usefixtures("variables")
def test_database_and_bucket_are_handed_on_and_shown_nowhere(tmp_path, monkeypatch):
    block = ResultStore(
        path=str(tmp_path),
        catalogue_url="postgresql://ann:canary@db/seo",
        facts_url="s3://b/x",
        s3_secret_access_key="canary",
    )
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert block.folder_of_run(str(tmp_path / "given")) == str(tmp_path / "given")
    assert [os.environ[name] for name in SHARED_VARIABLES] == [
        *("postgresql://ann:canary@db/seo", "s3://b/x", "", "eu-west-1", "", "canary")
    ]
    assert "canary" not in f"{block!r}{block}{block.model_dump_json()}"


@pytest.mark.usefixtures("deployed", "variables")
def test_the_environment_moves_neither_database_nor_bucket_of_a_deployments_block(monkeypatch):
    monkeypatch.setenv("SEO_CATALOGUE_URL", "postgresql://elsewhere/seo")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    saved = ResultStore(path="/srv/seo", catalogue_url="postgresql://db/seo")
    block = saved.with_environment()
    assert block.shared() == {"SEO_CATALOGUE_URL": "postgresql://db/seo", "AWS_REGION": "eu-west-1"}
    assert ResultStore(path="/srv/seo").with_environment().shared()["SEO_CATALOGUE_URL"] == "postgresql://elsewhere/seo"


@pytest.mark.usefixtures("no_block_stays", "variables")
async def test_the_variables_are_saved_with_the_folder(tmp_path, monkeypatch):
    assert await save_folder(tmp_path / "data") == []
    monkeypatch.setenv("SEO_CATALOGUE_URL", "postgresql://ann:canary@db/seo")
    monkeypatch.setenv("SEO_FACTS_URL", "s3://b/x")
    monkeypatch.setenv("SEO_KEEP_HTML", "false")
    assert await save_folder(tmp_path / "data") == ["SEO_CATALOGUE_URL", "SEO_FACTS_URL"]
    monkeypatch.setenv("SEO_CATALOGUE_URL", "")
    saved = await ResultStore.aload("default")
    assert (saved.catalogue_url.get_secret_value(), saved.facts_url) == ("postgresql://ann:canary@db/seo", "s3://b/x")
    assert (saved.path, saved.keep_html) == (str(tmp_path / "data"), True)


async def test_without_a_server_the_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(PrefectAbsent, match=r"`prefect server start`.*prefect config set PREFECT_API_URL="):
        await require_api()
