"""Where deployments keep their data: what the block says, absolute, and nothing else."""

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


async def test_without_a_server_the_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(PrefectAbsent, match=r"`prefect server start`.*prefect config set PREFECT_API_URL="):
        await require_api()
