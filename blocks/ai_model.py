"""Which language model is asked, where, and what that may cost."""

import os
import re
from typing import ClassVar, Self

from pydantic import Field, HttpUrl, SecretStr

from blocks.settings import SettingsBlock

OPENROUTER_KEY = "OPENROUTER_API_KEY"
_OPENROUTER = re.compile(r"https://openrouter\.ai(:443)?(/|$)", re.IGNORECASE)


class AIModel(SettingsBlock):
    """A language model behind an OpenAI-compatible server.

    Attributes:
        api_key: Key of the server.
        base_url: Address of the server.
        model: Name of the model.
        fallbacks: Models asked where that one is not to be had.
        max_tokens: Length of one answer.
        timeout: Limit of one call.
        concurrency: Calls at once.
        price_in: Price of what is sent.
        price_out: Price of what is answered.
        max_cost_per_run: Cap on the cost of one run.
        max_cost_per_day: Cap on the cost of one day.
        allow: Servers that may be non-public or on any port.

    Example:
        Load a stored block and read its model:
        ```python
        from blocks import AIModel

        model = AIModel.load("BLOCK_NAME")
        print(model.model, model.base_url)
        ```
    """

    _block_type_name = "SEO AI Model"
    _block_type_slug = "seo-ai-model"
    _logo_url = HttpUrl("https://cdn.jsdelivr.net/npm/lucide-static@0.471.0/icons/sparkles.svg")
    _documentation_url = HttpUrl("https://github.com/seo-scan/seo-scan#blocks")
    _description = "A language model behind an OpenAI-compatible server, with caps on what it may cost."
    _environment: ClassVar[dict[str, str]] = {
        "SEO_MODEL_KEY": "api_key",
        "SEO_MODEL_URL": "base_url",
        "SEO_MODEL": "model",
        "SEO_MODEL_FALLBACKS": "fallbacks",
        "SEO_MODEL_MAX_TOKENS": "max_tokens",
        "SEO_MODEL_TIMEOUT": "timeout",
        "SEO_MODEL_CONCURRENCY": "concurrency",
        "SEO_MODEL_PRICE_IN": "price_in",
        "SEO_MODEL_PRICE_OUT": "price_out",
        "SEO_MAX_COST_PER_RUN": "max_cost_per_run",
        "SEO_MAX_COST_PER_DAY": "max_cost_per_day",
        "SEO_MODEL_ALLOW": "allow",
    }

    api_key: SecretStr = Field(default=SecretStr(""), description="Key of the server. Without one no model is asked.")
    base_url: str = Field(
        default="https://openrouter.ai/api/v1", description="Address of an OpenAI-compatible server, up to its version."
    )
    model: str = Field(default="openai/gpt-5-mini", min_length=1, description="Name of the model at that server.")
    fallbacks: list[str] = Field(
        default_factory=list, description="Models asked in this order where the first is not to be had."
    )
    max_tokens: int = Field(default=4000, ge=100, le=100_000, description="Length of one answer, tokens.")
    timeout: float = Field(default=120, gt=0, le=3600, description="Limit of one call, seconds.")
    concurrency: int = Field(default=4, ge=1, le=64, description="Calls at once in one run.")
    price_in: float = Field(
        default=0.25, ge=0, description="US dollars for a million tokens sent. The highest of all models named."
    )
    price_out: float = Field(
        default=2.0, ge=0, description="US dollars for a million tokens answered. The highest of all models named."
    )
    max_cost_per_run: float | None = Field(
        default=1.0, ge=0, description="US dollars that one run may cost. Unset for no cap."
    )
    max_cost_per_day: float | None = Field(
        default=10.0, ge=0, description="US dollars that one day (UTC) may cost in a data folder. Unset for no cap."
    )
    allow: list[str] = Field(
        default_factory=list,
        description="Pairs host:port, as written in the address, that may be non-public or on any port.",
    )

    def with_environment(self) -> Self:
        """As every block; ``OPENROUTER_API_KEY``, meant for other programs too, goes to OpenRouter and nobody else."""
        block = super().with_environment()
        theirs = os.environ.get(OPENROUTER_KEY)
        if not theirs or os.environ.get("SEO_MODEL_KEY") or not _OPENROUTER.match(block.base_url):
            return block
        return block.model_copy(update={"api_key": SecretStr(theirs)})
