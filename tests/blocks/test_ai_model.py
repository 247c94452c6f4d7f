import pytest
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import ValidationError

from blocks import AIModel
from blocks.ai_model import OPENROUTER_KEY
from tasks.analyze.settings import ModelSettings

KEY = "sk-canary-51aa"


class TestAIModel(BlockStandardTestSuite):
    @pytest.fixture
    def block(self):
        return AIModel

    def test_has_a_valid_image(self, block):
        """Prefect's own test downloads it."""
        assert str(block._logo_url).startswith("https://")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in (OPENROUTER_KEY, *AIModel._environment):
        monkeypatch.delenv(name, raising=False)


def test_defaults_are_those_of_an_analysis():
    fields = set(ModelSettings.model_fields)
    mine = AIModel().model_dump(include=fields)
    assert ModelSettings.model_validate(mine) == ModelSettings()
    assert (AIModel().base_url, AIModel().model) == ("https://openrouter.ai/api/v1", "openai/gpt-5-mini")


def test_every_field_has_a_variable():
    assert set(AIModel._environment.values()) == set(AIModel.model_fields)


def test_our_own_key_variable_wins(monkeypatch):
    monkeypatch.setenv(OPENROUTER_KEY, "sk-other")
    assert AIModel().with_environment().api_key.get_secret_value() == "sk-other"
    monkeypatch.setenv("SEO_MODEL_KEY", KEY)
    assert AIModel().with_environment().api_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    "address",
    ["https://openrouter.ai/api/v1", "https://OpenRouter.ai:443/api/v1", "https://openrouter.ai"],
)
def test_the_key_for_openrouter_goes_to_openrouter(address, monkeypatch):
    monkeypatch.setenv(OPENROUTER_KEY, KEY)
    monkeypatch.setenv("SEO_MODEL_URL", address)
    assert AIModel(api_key="sk-saved").with_environment().api_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    "address",
    [
        "https://models.example/api/v1",
        "https://openrouter.ai.models.example/api/v1",
        "https://models.example/https://openrouter.ai/api/v1",
        "https://openrouter.ai@models.example/api/v1",
        "https://openrouter.ai\\@models.example/api/v1",
        "https://openrouter.ai:8443/api/v1",
        "http://openrouter.ai/api/v1",
        "http://127.0.0.1:8080/v1",
    ],
)
@pytest.mark.parametrize("saved", ["", "sk-saved"])
def test_the_key_for_openrouter_goes_nowhere_else(address, saved, monkeypatch):
    monkeypatch.setenv(OPENROUTER_KEY, KEY)
    assert AIModel(base_url=address, api_key=saved).with_environment().api_key.get_secret_value() == saved
    monkeypatch.setenv("SEO_MODEL_URL", address)
    assert AIModel(api_key=saved).with_environment().api_key.get_secret_value() == saved
    monkeypatch.setenv("SEO_MODEL_KEY", "sk-any")
    assert AIModel(api_key=saved).with_environment().api_key.get_secret_value() == "sk-any"


def test_lists_and_caps_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("SEO_MODEL_FALLBACKS", "a/b, c/d")
    monkeypatch.setenv("SEO_MODEL_ALLOW", "127.0.0.1:8080")
    monkeypatch.setenv("SEO_MAX_COST_PER_RUN", "0.5")
    found = AIModel().with_environment()
    assert (found.fallbacks, found.allow, found.max_cost_per_run) == (["a/b", "c/d"], ["127.0.0.1:8080"], 0.5)


def test_the_key_is_shown_nowhere(monkeypatch):
    monkeypatch.setenv("SEO_MODEL_KEY", KEY)
    monkeypatch.setenv("SEO_MODEL_TIMEOUT", "soon")
    with pytest.raises(ValueError, match="SEO_MODEL_TIMEOUT='soon'") as refused:
        AIModel().with_environment()
    block = AIModel(api_key=KEY)
    assert KEY not in f"{refused.value} {block!r} {block.model_dump_json()}"


@pytest.mark.parametrize(
    "values",
    [{"model": ""}, {"max_tokens": 1}, {"timeout": 0}, {"concurrency": 0}, {"price_in": -1}, {"max_cost_per_day": -1}],
)
def test_settings_that_make_no_sense_cannot_be_saved(values):
    with pytest.raises(ValidationError):
        AIModel(**values)
