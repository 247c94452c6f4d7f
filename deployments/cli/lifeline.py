"""Whether Prefect's server is there while a command's flow runs, and for how long it may be away."""

import asyncio
import time
from collections.abc import Callable

from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

from tasks.errors import InputError, SeoScanError
from tasks.urls import nameable

LOOK_EVERY = 5.0
LOOK_AGAIN = 1.0
ANSWER_SECONDS = 10.0
LEAST_PATIENCE = 10.0


class PrefectUnreachable(InputError):
    """The Prefect API that is configured does not answer."""


class PrefectGone(SeoScanError):
    """Prefect's server went away in mid-run; the flow waits for it, and can end only with the process.

    Attributes:
        stopped: somebody stopped the run meanwhile.
    """

    def __init__(self, why: str, *, stopped: bool) -> None:
        super().__init__(why)
        self.stopped = stopped


async def check_api() -> None:
    """Raises PrefectUnreachable where the configured API does not answer."""
    async with get_client() as client:
        error = await client.api_healthcheck()
    if error is not None:
        raise PrefectUnreachable(
            f"{api_name()} does not answer ({error}): start it, or unset PREFECT_API_URL to have a temporary one"
        )


def api_name() -> str:
    """Prefect's API and its address, without the password that may be in it."""
    return f"Prefect's API at {nameable(get_current_settings().api.url or '')}"


def patience() -> float:
    """Seconds that Prefect's own client goes on asking: 2 before its first further try, then twice as many each time.

    ``PREFECT_CLIENT_MAX_RETRIES`` says how many tries.
    """
    return max(LEAST_PATIENCE, 2.0 ** (get_current_settings().client.max_retries + 1) - 2)


class Lifeline:
    """Asks Prefect's server every few seconds whether it is there; ``tell`` hears when that changes.

    Attributes:
        away: it did not answer when it was last asked.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.away = False
        self._tell = tell
        self._heard_at = time.monotonic()

    @property
    def away_for(self) -> float:
        """Seconds since its last answer; 0 where it is not away."""
        return time.monotonic() - self._heard_at if self.away else 0.0

    @property
    def lost(self) -> bool:
        """True where its return is waited for no more."""
        return self.away_for > patience()

    @property
    def pause(self) -> float:
        """Seconds until it is to be asked again."""
        return LOOK_AGAIN if self.away else LOOK_EVERY

    async def look(self) -> None:
        """Asks once."""
        try:
            # A client that never had an answer tells at once of a refused connection.
            async with asyncio.timeout(ANSWER_SECONDS):
                await check_api()
        except Exception:  # noqa: BLE001 - whatever stands in the way
            if not self.away:
                self._tell(f"{api_name()} does not answer; its return is waited for, up to {patience():.0f} s")
            self.away = True
        else:
            if self.away:
                self._tell(f"{api_name()} answers again")
            self.away, self._heard_at = False, time.monotonic()
