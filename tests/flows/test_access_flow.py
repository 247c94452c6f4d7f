"""Flows take the name of credentials: they reach every process of a run, and no record of it."""

import sqlite3
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter

from blocks import SiteAccess
from flows.batch_scan import batch_scan
from flows.scan_page import scan_page
from tasks.errors import InputError
from tasks.store import Store

pytestmark = pytest.mark.usefixtures("prefect_db")

CANARY = "canary-4711-secret"
PAGES = 260
"""More than are scanned in the flow's own process."""


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in SiteAccess._environment:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def saved(site):
    """Saves an access to the site as ``staging``."""

    async def save(token=CANARY, **more):
        await SiteAccess(origins=[site.url("")], token=token, **more).save("staging", overwrite=True)

    await save()
    yield save
    await SiteAccess.adelete("staging")


def tokens(site):
    return {sent.get("authorization") for _, sent in site.heads}


@pytest.mark.usefixtures("saved")
async def test_every_process_of_a_run_has_them_and_no_record(site, options, tmp_path):
    site.pages = {f"/{n}": f"<!doctype html><title>Page number {n} of the site</title>" for n in range(PAGES)}
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{site.url(path)}\n" for path in site.pages))
    wishes = options.model_copy(update={"access": "staging", "rate": 0})
    run_id = await batch_scan(urls_file=str(listed), options=wishes)
    assert sorted(site.page_paths()) == sorted(site.pages)
    assert tokens(site) == {f"Bearer {CANARY}"}
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(name={"any_": ["batch-default-list"]}))
        tasks = await client.read_task_runs()
    kept = [run.model_dump_json() for run in (*runs, *tasks)]
    kept += [file.read_text(errors="replace") for file in (tmp_path / "data" / "results").rglob("*") if file.is_file()]
    with sqlite3.connect(f"file:{Path(options.data) / 'catalogue.sqlite'}?mode=ro", uri=True) as catalogue:
        kept += catalogue.iterdump()
    assert any(run_id in text for text in kept)
    assert any("staging" in text for text in kept)
    assert not any(CANARY in text for text in kept)


async def test_strangers_get_pages_of_their_own(site, options, saved):
    known = options.model_copy(update={"access": "staging"})
    for wishes, fetched in ((options, 1), (known, 2), (known, 2), (options, 3)):
        await batch_scan(urls=[site.url("/1")], options=wishes)
        assert site.paths().count("/1") == fetched
    await saved("another-4711-secret")
    await batch_scan(urls=[site.url("/1")], options=known)
    assert site.paths().count("/1") == 4


async def test_a_run_is_continued_with_its_access(site, options, saved, monkeypatch):
    def die(*_, **__):
        raise OSError("no space left")

    wishes = options.model_copy(update={"access": "staging"})
    with monkeypatch.context() as broken, pytest.raises(OSError, match="no space"):
        broken.setattr("tasks.scan.page_task.stage_single", die)
        broken.setattr("tasks.scan.page_task.fetch_and_parse.retries", 0)
        await scan_page(site.url("/1"), run_id="run-1", analyze=False, options=wishes)
    await saved("another-4711-secret")
    await scan_page(site.url("/1"), run_id="run-1", analyze=False, options=options)
    sent = [head.get("authorization") for url, head in site.heads if url == site.url("/1")]
    assert sent == [f"Bearer {CANARY}", "Bearer another-4711-secret"]


@pytest.mark.usefixtures("saved")
async def test_no_request_from_outside_uses_them(site, options):
    wishes = options.model_copy(update={"access": "staging"})
    with pytest.raises(InputError, match="leave access out"):
        await scan_page(site.url("/1"), request_id="evt-1", options=wishes)
    assert site.heads == []


async def test_an_access_that_is_not_there_is_named_with_the_remedy(site, options):
    wishes = options.model_copy(update={"access": "nowhere"})
    with pytest.raises(InputError, match="no seo-site-access block is saved as 'nowhere'"):
        await scan_page(site.url("/1"), options=wishes)
    with Store.open(options.data) as store:
        assert store.list_runs(10) == []


async def test_the_environment_is_used_where_it_is_named(site, options, monkeypatch):
    monkeypatch.setenv("SEO_ACCESS_ORIGINS", site.url(""))
    monkeypatch.setenv("SEO_ACCESS_COOKIES", f"sid={CANARY}")
    await scan_page(site.url("/1"), analyze=False, options=options)
    assert {sent.get("cookie") for _, sent in site.heads} == {None}
    site.heads.clear()
    await scan_page(site.url("/1"), analyze=False, options=options.model_copy(update={"access": "environment"}))
    assert {sent.get("cookie") for _, sent in site.heads} == {f"sid={CANARY}"}
