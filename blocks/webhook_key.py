"""What outside systems sign their requests with."""

from typing import ClassVar

from pydantic import Field, HttpUrl, SecretStr, field_validator

from blocks.settings import SettingsBlock

MIN_LENGTH = 16


class WebhookKey(SettingsBlock):
    """A secret shared with those who may send requests.

    Attributes:
        secret: The shared secret.

    Example:
        Load a stored block and see whether requests can be taken:
        ```python
        from blocks import WebhookKey

        key = WebhookKey.load("BLOCK_NAME")
        print(bool(key.secret.get_secret_value()))
        ```
    """

    _block_type_name = "SEO Webhook Key"
    _block_type_slug = "seo-webhook-key"
    _logo_url = HttpUrl("https://cdn.jsdelivr.net/npm/lucide-static@0.471.0/icons/key-round.svg")
    _documentation_url = HttpUrl("https://github.com/seo-scan/seo-scan#blocks")
    _description = "A secret shared with the systems that may send signed requests."
    _environment: ClassVar[dict[str, str]] = {"SEO_WEBHOOK_KEY": "secret"}

    secret: SecretStr = Field(
        default=SecretStr(""), description="Shared secret, 16 characters or more. Empty to take no requests."
    )

    @field_validator("secret")
    @classmethod
    def _not_short(cls, secret: SecretStr) -> SecretStr:
        if 0 < len(secret.get_secret_value()) < MIN_LENGTH:
            raise ValueError(f"a secret needs {MIN_LENGTH} characters or more")
        return secret
