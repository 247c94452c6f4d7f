"""Why a model gave no advice."""

from enum import StrEnum

from tasks.errors import SeoScanError


class Failure(StrEnum):
    """The end of an exchange with a model that brought no usable answer."""

    KEY_REFUSED = "key-refused"
    NO_CREDIT = "no-credit"
    FORBIDDEN = "forbidden"
    NO_SUCH_MODEL = "no-such-model"
    BAD_REQUEST = "bad-request"
    TIMED_OUT = "timed-out"
    RATE_LIMITED = "rate-limited"
    UNAVAILABLE = "unavailable"
    UNREACHABLE = "unreachable"
    ADDRESS_REFUSED = "address-refused"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    NONSENSE = "nonsense"
    PROMPT_LEAKED = "prompt-leaked"
    BUDGET_SPENT = "budget-spent"
    HELD_ELSEWHERE = "held-elsewhere"


PASSING = frozenset({Failure.TIMED_OUT, Failure.RATE_LIMITED, Failure.UNAVAILABLE, Failure.UNREACHABLE})
"""The same question may be answered a little later."""

ANOTHER_MODEL = PASSING - {Failure.UNREACHABLE} | {Failure.NO_SUCH_MODEL}
"""Another model of the same server may answer."""

ALL_ALIKE = frozenset(
    {
        Failure.KEY_REFUSED,
        Failure.NO_CREDIT,
        Failure.NO_SUCH_MODEL,
        Failure.UNREACHABLE,
        Failure.ADDRESS_REFUSED,
        Failure.BUDGET_SPENT,
    }
)
"""What stands in the way of one page stands in the way of all."""


class AnalysisFailed(SeoScanError):
    """The model gave no advice on a page; its text holds neither keys nor text of the page.

    Attributes:
        reason: the class of failure.
    """

    def __init__(self, reason: Failure, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(reason, detail)

    def __str__(self) -> str:
        return f"no advice from the model: {self.reason} ({self.detail})"


class CallFailed(AnalysisFailed):
    """One call to the model failed.

    Attributes:
        status: HTTP status, or the code of an error inside a 200; 0 where there was no answer.
        retry_after: seconds the server asks to wait.
    """

    def __init__(self, reason: Failure, detail: str, *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(reason, detail)
        self.status = status
        self.retry_after = retry_after

    @property
    def may_have_cost(self) -> bool:
        """The server may have worked for it without telling what it took."""
        return self.reason in {Failure.TIMED_OUT, Failure.UNAVAILABLE} and not self.status
