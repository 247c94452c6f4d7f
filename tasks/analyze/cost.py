"""What a call may cost, and did."""

import math
from dataclasses import dataclass

from tasks.analyze.settings import ModelSettings

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server says a call took; ``cost`` in US dollars, None where it does not say."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None


def most(prompt_bytes: int, max_tokens: int, settings: ModelSettings) -> float:
    """US dollars that a call can cost at the settings' prices: a token stands for one byte or more."""
    return (prompt_bytes * settings.price_in + max_tokens * settings.price_out) / MILLION


def cost_of(usage: Usage, settings: ModelSettings) -> float:
    """US dollars: what the server charged, else its tokens at the settings' prices."""
    if usage.cost is not None and math.isfinite(usage.cost) and usage.cost >= 0:
        return usage.cost
    return (usage.prompt_tokens * settings.price_in + usage.completion_tokens * settings.price_out) / MILLION
