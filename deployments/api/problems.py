"""Every answer that is a refusal: one shape, words for people, never a stack trace."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

CODES: Mapping[int, str] = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "timeout",
    409: "conflict",
    413: "too-large",
    421: "wrong-host",
    422: "invalid",
    429: "too-many-waiting",
    500: "internal",
    503: "unavailable",
}
AUTHENTICATE = {"WWW-Authenticate": 'Bearer realm="seo-scan"'}


class Problem(BaseModel):
    """Why a request was refused."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(description="What kind of refusal; stable.", examples=["not-found"])
    message: str = Field(description="What is wrong and the remedy, for people.")
    fields: dict[str, str] = Field(
        default_factory=dict, description="What is wrong with each field, by its dotted name."
    )


class Refused(Exception):
    """The request is refused; raised anywhere, answered as a ``Problem``."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})

    def answer(self) -> JSONResponse:
        problem = Problem(code=CODES.get(self.status, "refused"), message=self.message, fields=self.fields)
        return JSONResponse(problem.model_dump(), self.status, self.headers)


def unauthenticated(
    message: str = "give an API key: Authorization: Bearer seo_…; `seo keys add USER` makes one",
) -> Refused:
    return Refused(401, message, headers=AUTHENTICATE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of these refusals."""
    return {status: {"model": Problem, **_meaning(status)} for status in statuses}


def _meaning(status: int) -> dict[str, Any]:
    meaning: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if status == 401:  # noqa: PLR2004 - the status itself
        meaning["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
    if status == 429:  # noqa: PLR2004 - the status itself
        meaning["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "required": True, "description": "Seconds to wait."}
        }
    return meaning


async def on_unusable(_: Request, error: Exception) -> JSONResponse:
    """Answers FastAPI's validation errors: by field, without the values, which may be secret."""
    if not isinstance(error, RequestValidationError):
        raise TypeError(type(error).__name__)
    fields = {_named(problem["loc"]): _told(problem["msg"]) for problem in error.errors()}
    return Refused(422, "the request is not as the API describes it: see fields", fields=fields).answer()


async def on_http(_: Request, error: Exception) -> JSONResponse:
    """Answers what the framework refuses: no such route, no such method, a body it cannot read."""
    if not isinstance(error, HTTPException):
        raise TypeError(type(error).__name__)
    if error.status_code == 400:  # noqa: PLR2004 - FastAPI's word for a body that is no JSON it can read
        return Refused(422, "the body cannot be read as JSON", fields={"body": "unreadable"}).answer()
    message = {404: "no such route: GET /openapi.json lists them", 405: "that method is not offered here"}
    told = message.get(error.status_code, HTTPStatus(error.status_code).phrase)
    return Refused(error.status_code, told, headers=error.headers).answer()


def _named(location: Sequence[int | str]) -> str:
    """The field's dotted name; where all is wrong, or it is a place in unreadable text, the part of the request."""
    where, *steps = location
    return ".".join(map(str, steps)) if steps and isinstance(steps[0], str) else str(where)


def _told(message: str) -> str:
    if message.startswith("Input should be a valid dictionary"):
        return "send a JSON object, and with it Content-Type: application/json"
    return message.removeprefix("Value error, ")
