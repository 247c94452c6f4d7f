"""The channel keeps Prefect's standards, takes what the environment says and keeps its secret."""

import pytest
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import ValidationError

from blocks import PusherChannel

SECRET = "canary-pusher-secret"


class TestPusherChannel(BlockStandardTestSuite):
    @pytest.fixture
    def block(self):
        return PusherChannel

    def test_has_a_valid_image(self, block):
        """Prefect's own test downloads it."""
        assert str(block._logo_url).startswith("https://")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in PusherChannel._environment:
        monkeypatch.delenv(name, raising=False)


def test_names_that_prefect_stores_it_by():
    names = PusherChannel.get_block_type_name(), PusherChannel.get_block_type_slug()
    assert names == ("SEO Pusher Channel", "seo-pusher-channel")


def test_every_field_has_a_variable():
    assert sorted(PusherChannel._environment.values()) == sorted(PusherChannel.model_fields)


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("PUSHER_APP_ID", "1001", "app_id", "1001"),
        ("PUSHER_KEY", "tea", "key", "tea"),
        ("PUSHER_CLUSTER", "eu", "cluster", "eu"),
        ("PUSHER_HOST", "127.0.0.1", "host", "127.0.0.1"),
        ("PUSHER_PORT", "6001", "port", 6001),
        ("PUSHER_SSL", "false", "ssl", False),
        ("PUSHER_PUBLIC_NAMES", "true", "public_names", True),
        ("SEO_PUBLIC_URL", "https://seo.example", "public_url", "https://seo.example"),
        ("SEO_NOTIFY", "slack-webhook/a, custom-webhook/b", "extra", ["slack-webhook/a", "custom-webhook/b"]),
    ],
)
def test_the_environment_wins(monkeypatch, name, text, field, value):
    monkeypatch.setenv(name, text)
    found = PusherChannel(cluster="us2", port=443).with_environment()
    assert getattr(found, field) == value


def test_the_secret_comes_from_the_environment_and_is_shown_nowhere(monkeypatch):
    monkeypatch.setenv("PUSHER_SECRET", SECRET)
    channel = PusherChannel(app_id="1", key="k").with_environment()
    assert channel.secret.get_secret_value() == SECRET
    assert channel.missing == ()
    assert SECRET not in repr(channel) + str(channel) + channel.model_dump_json()
    monkeypatch.setenv("PUSHER_PORT", "tea")
    with pytest.raises(ValueError, match=r"^environment variable PUSHER_PORT='tea': ") as raised:
        channel.with_environment()
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, ("app_id", "key", "secret")),
        ({"app_id": "1", "secret": "s"}, ("key",)),
        ({"app_id": "1", "key": "k", "secret": "s"}, ()),
    ],
)
def test_what_is_missing(values, missing):
    channel = PusherChannel(**values)
    assert channel.missing == missing
    if missing:
        with pytest.raises(ValueError, match=f"lacks {', '.join(missing)}$"):
            channel.get_client()


@pytest.mark.parametrize(
    "values", [{"app_id": "tea"}, {"port": 0}, {"port": 65536}, {"public_url": "javascript:alert(1)"}]
)
def test_what_makes_no_sense_cannot_be_saved(values):
    with pytest.raises(ValidationError):
        PusherChannel(**values)


@pytest.mark.parametrize(
    "host", ["ws.example.com:6001", "https://ws.example.com", "ws.example.com/app", "::1", "wß.example"]
)
def test_what_is_more_than_a_host_is_named(monkeypatch, host):
    monkeypatch.setenv("PUSHER_HOST", host)
    with pytest.raises(ValueError, match=rf"^environment variable PUSHER_HOST='{host}': give the name alone"):
        PusherChannel().with_environment()


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({}, ("https", "api.pusherapp.com", 443)),
        ({"host": "[::1]"}, ("https", "[::1]", 443)),
        ({"cluster": "eu"}, ("https", "api-eu.pusher.com", 443)),
        ({"host": "127.0.0.1", "port": 6001, "ssl": False}, ("http", "127.0.0.1", 6001)),
    ],
)
def test_its_client_is_the_librarys(values, address):
    client = PusherChannel(app_id="1", key="k", secret=SECRET, **values).get_client()
    inner = client._pusher_client
    assert (inner.scheme, inner.host, inner.port) == address
    assert client.authenticate("private-user-ann", "1.2")["auth"].startswith("k:")
