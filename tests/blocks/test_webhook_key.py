"""The webhook's key keeps Prefect's standards and never shows itself."""

import pytest
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import ValidationError

from blocks import WebhookKey

CANARY = "canary-4711-secret"


class TestWebhookKey(BlockStandardTestSuite):
    @pytest.fixture
    def block(self):
        return WebhookKey

    def test_has_a_valid_image(self, block):
        """Prefect's own test downloads it."""
        assert str(block._logo_url).startswith("https://")


def test_the_environment_wins(monkeypatch):
    monkeypatch.setenv("SEO_WEBHOOK_KEY", CANARY)
    key = WebhookKey(secret="saved-and-overridden").with_environment()
    assert key.secret.get_secret_value() == CANARY
    assert CANARY not in repr(key)
    assert CANARY not in key.model_dump_json()


def test_without_a_secret_nothing_is_taken(monkeypatch):
    monkeypatch.delenv("SEO_WEBHOOK_KEY", raising=False)
    assert WebhookKey().with_environment().secret.get_secret_value() == ""


def test_a_short_secret_is_refused_without_being_told(monkeypatch):
    monkeypatch.setenv("SEO_WEBHOOK_KEY", "canary")
    with pytest.raises(ValueError, match=r"^environment variable SEO_WEBHOOK_KEY: .*16 characters") as refused:
        WebhookKey().with_environment()
    assert "canary" not in str(refused.value)
    with pytest.raises(ValidationError):
        WebhookKey(secret="short")
