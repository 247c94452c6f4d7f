"""The blocks keep Prefect's standards, and are found where an operator or the environment put them."""

import pytest
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import ValidationError

from blocks import Cluster, Crawler, ResultStore
from tasks.model import FetchOptions


class Standards(BlockStandardTestSuite):
    def test_has_a_valid_image(self, block):
        """Prefect's own test downloads it."""
        assert str(block._logo_url).startswith("https://")


class TestCrawler(Standards):
    @pytest.fixture
    def block(self):
        return Crawler


class TestCluster(Standards):
    @pytest.fixture
    def block(self):
        return Cluster


class TestResultStore(Standards):
    @pytest.fixture
    def block(self):
        return ResultStore


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in (*Cluster._environment, *Crawler._environment, *ResultStore._environment):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def save(prefect_db):  # noqa: ARG001 - wanted for what it starts
    """Saves a block until the test ends."""
    saved = []

    async def save(block, name):
        await block.save(name)
        saved.append((block, name))

    yield save
    for block, name in saved:
        await block.adelete(name)


def test_names_that_prefect_stores_blocks_by():
    found = {(block.get_block_type_name(), block.get_block_type_slug()) for block in (Cluster, Crawler, ResultStore)}
    assert found == {
        ("SEO Cluster", "seo-cluster"),
        ("SEO Crawler", "seo-crawler"),
        ("SEO Result Store", "seo-result-store"),
    }


def test_defaults_are_those_of_a_fetch():
    fields = set(Crawler.model_fields) & set(FetchOptions.model_fields)
    assert Crawler().model_dump(include=fields) == {**FetchOptions().model_dump(include=fields), "allow": []}


@pytest.mark.parametrize("block", [Cluster, Crawler, ResultStore])
def test_every_field_has_a_variable(block):
    assert sorted(block._environment.values()) == sorted(block.model_fields)


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("SEO_USER_AGENT", "tea/1", "user_agent", "tea/1"),
        ("SEO_ALLOW", "127.0.0.1:8000, [::1]:80,", "allow", ["127.0.0.1:8000", "[::1]:80"]),
        ("SEO_CONCURRENCY", "3", "concurrency", 3),
        ("SEO_RATE", "0", "rate", 0.0),
        ("SEO_DEADLINE", "1.5", "deadline", 1.5),
        ("SEO_MAX_BODY", "1000", "max_body", 1000),
    ],
)
def test_the_environment_wins(monkeypatch, name, text, field, value):
    monkeypatch.setenv(name, text)
    saved = Crawler(user_agent="saved/1", concurrency=2, rate=5)
    assert saved.with_environment().model_dump() == {**saved.model_dump(), field: value}


def test_the_environment_names_the_folder_and_what_it_keeps(monkeypatch, tmp_path):
    monkeypatch.setenv("SEO_DATA", str(tmp_path))
    monkeypatch.setenv("SEO_KEEP_HTML", "false")
    store = ResultStore(path="elsewhere").with_environment()
    assert (store.folder(), store.keep_html) == (tmp_path, False)


def test_without_variables_a_block_is_itself(monkeypatch):
    monkeypatch.setenv("SEO_RATE", "")
    saved = Crawler(rate=5)
    assert saved.with_environment() is saved


@pytest.mark.parametrize(
    ("block", "name", "text"),
    [
        (Crawler, "SEO_RATE", "fast"),
        (Crawler, "SEO_RATE", "-1"),
        (Crawler, "SEO_CONCURRENCY", "257"),
        (Crawler, "SEO_DEADLINE", "0"),
        (Cluster, "SEO_CLUSTER", "dask"),
        (Cluster, "SEO_CLUSTER", "http://127.0.0.1:8786"),
        (ResultStore, "SEO_DATA", " "),
        (ResultStore, "SEO_KEEP_HTML", "perhaps"),
        (ResultStore, "SEO_KEEP_RUNS", "for ever"),
        (ResultStore, "SEO_KEEP_RUNS", "90"),
        (ResultStore, "SEO_KEEP_RUNS", "6m"),
        (ResultStore, "SEO_KEEP_RUNS", "0.0d"),
    ],
)
def test_an_unusable_variable_is_named_with_its_value(monkeypatch, block, name, text):
    monkeypatch.setenv(name, text)
    with pytest.raises(ValueError, match=f"^environment variable {name}='{text}': "):
        block().with_environment()


@pytest.mark.parametrize("values", [{"concurrency": 0}, {"rate": -1}, {"deadline": 0}, {"max_body": 0}])
def test_limits_that_make_no_sense_cannot_be_saved(values):
    with pytest.raises(ValidationError):
        Crawler(**values)


def test_a_relative_folder_is_that_of_the_current_directory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert ResultStore().folder() == tmp_path / "data"


async def test_a_block_is_found_by_name_then_as_default_then_as_its_class(save, monkeypatch):
    assert await Crawler.named() == Crawler()
    await save(Crawler(rate=3), "default")
    await save(Crawler(rate=4, concurrency=2), "gentle")
    assert (await Crawler.named()).rate == 3
    assert (await Crawler.named("gentle")).rate == 4
    monkeypatch.setenv("SEO_RATE", "7")
    found = await Crawler.named("gentle")
    assert (found.rate, found.concurrency) == (7, 2)


@pytest.mark.usefixtures("prefect_db")
async def test_an_unknown_name_is_told_with_the_remedy():
    with pytest.raises(ValueError, match=r"no seo-result-store block is saved as 'nope': .* `seo blocks register`"):
        await ResultStore.named("nope")
