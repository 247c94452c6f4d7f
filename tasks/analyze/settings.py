"""How a page is analysed: wishes of a run, and what is known of the model. Nothing here is secret."""

from pydantic import BaseModel, ConfigDict, Field


class AnalyzeOptions(BaseModel):
    """Wishes of one analysis; what is unset comes from the blocks.

    The data folder of a deployment comes from its ResultStore block alone; ``data`` is for local commands.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ai_model: str | None = Field(default=None, description="Name of a saved AI Model block.")
    result_store: str | None = Field(default=None, description="Name of a saved SEO Result Store block.")
    data: str | None = Field(default=None, description="Data folder, absolute.")
    page_run: str | None = Field(
        default=None, description="Run whose facts are read; unset: the analysis's own, else the newest."
    )
    template: int | None = Field(default=None, ge=1, description="Version of the prompt template; unset: the active.")
    offline: bool = Field(default=False, description="Advice from the rules alone, whatever key there is.")


class ModelSettings(BaseModel):
    """A model and what it may cost.

    Attributes:
        base_url: of an OpenAI-compatible server. fallbacks: models asked where ``model`` is not to be had.
        max_tokens: of one answer. timeout: of one call, seconds. concurrency: calls at once.
        price_in, price_out: US dollars for a million tokens, the highest of all models named.
        max_cost_per_run, max_cost_per_day: US dollars; None for no cap.
        allow: host:port pairs, as written in ``base_url``, that may be non-public or on any port.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = "https://openrouter.ai/api/v1"
    model: str = "openai/gpt-5-mini"
    fallbacks: tuple[str, ...] = ()
    max_tokens: int = 4000
    timeout: float = 120
    concurrency: int = 4
    price_in: float = 0.25
    price_out: float = 2.0
    max_cost_per_run: float | None = 1.0
    max_cost_per_day: float | None = 10.0
    allow: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """In the order of asking."""
        return tuple(dict.fromkeys((self.model, *self.fallbacks)))
