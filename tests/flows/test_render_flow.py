"""Who may have pages rendered, with what; no browser is started here."""

import importlib.util

import pytest

from blocks import Crawler
from flows.batch_scan import batch_scan
from flows.scan_page import scan_page
from tasks.errors import InputError
from tasks.model import RenderOptions
from tasks.scan import task as room
from tasks.scan.settings import ScanSettings
from tasks.store import Store

pytestmark = pytest.mark.usefixtures("prefect_db")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in Crawler._environment:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """A file that could be a browser."""
    path = tmp_path / "chromium"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setenv("SEO_BROWSER", str(path))
    return str(path)


@pytest.fixture
def wishes(options):
    return options.model_copy(update={"render": True})


def runs_of(options):
    with Store.open(options.data) as store:
        return store.list_runs(10)


async def test_no_request_from_outside_opens_a_browser(site, wishes, browser):
    for flow, given in ((scan_page, {"url": site.url("/1")}), (batch_scan, {"urls": [site.url("/1")]})):
        with pytest.raises(InputError, match="SEO_RENDER_FROM_OUTSIDE"):
            await flow(**given, request_id="evt-1", options=wishes)
    assert (site.heads, runs_of(wishes)) == ([], [])
    assert browser


async def test_but_where_its_operator_lets_it(wishes, browser, monkeypatch):
    monkeypatch.setenv("SEO_RENDER_FROM_OUTSIDE", "true")
    settings = await room.load_settings(wishes, request_id="evt-1")
    assert settings.render == RenderOptions(browser=browser)
    assert not settings.revalidate


@pytest.mark.usefixtures("browser")
async def test_no_page_is_rendered_with_credentials(site, wishes):
    both = wishes.model_copy(update={"access": "staging"})
    with pytest.raises(InputError, match="without credentials"):
        await scan_page(site.url("/1"), options=both)
    assert site.heads == []


async def test_a_browser_that_is_not_there_is_named_with_the_remedy(site, wishes, monkeypatch, tmp_path):
    monkeypatch.setenv("SEO_BROWSER", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"no browser at .*nowhere.*SEO_BROWSER"):
        await scan_page(site.url("/1"), options=wishes)
    monkeypatch.delenv("SEO_BROWSER")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt install chromium"):
        await scan_page(site.url("/1"), options=wishes)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "playwright" else find(name))
    with pytest.raises(InputError, match="uv sync --extra render"):
        await scan_page(site.url("/1"), options=wishes)
    assert (site.heads, runs_of(wishes)) == ([], [])


def test_rendered_pages_are_another_list_and_another_recipe():
    plain = ScanSettings(data="/data")
    shown = plain.model_copy(update={"render": RenderOptions()})
    elsewhere = plain.model_copy(update={"render": RenderOptions(browser="/opt/chrome")})
    assert plain.recipe != shown.recipe == elsewhere.recipe
    assert plain.batch_id("tea", ["https://e.com/"]) != shown.batch_id("tea", ["https://e.com/"])
