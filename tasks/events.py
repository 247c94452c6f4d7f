"""Typed events, one class each. Their names and fields are what other systems see.

A *request* asks for work: a webhook, a trigger or the outbox starts the flow that does it. A *record* tells what was
done, under another name, so that it starts nothing.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from tasks.errors import BadUrl, InputError
from tasks.urls import HTTP_ONLY, MAX_URL_LENGTH, nameable, parse

MAX_EVENT_URLS = 500
HYDRATED = "__prefect_kind"
"""Prefect's server replaces an object with this key, wherever it stands in a parameter."""

MAX_ID = 128
Identity = Annotated[str, Field(min_length=1, max_length=MAX_ID, pattern=r"^[A-Za-z0-9_.@=-]+$")]
"""An id of ours or of another system; safe in channel names and in Prefect's resource ids."""

RUN_ID = r"^[A-Za-z0-9][A-Za-z0-9_.@=-]*$"
RunId = Annotated[str, Field(min_length=1, max_length=MAX_ID, pattern=RUN_ID)]
"""An id that also names folders: none means another one, such as ``..``."""


_IDENTITY: TypeAdapter[str] = TypeAdapter(Identity)


def identity_in(parameters: Mapping[str, Any], name: str) -> str | None:
    """The id that a run was given, which may not even have been looked at; None where it is none."""
    try:
        return _IDENTITY.validate_python(parameters.get(name), strict=True)
    except ValidationError:
        return None


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("has a NUL character, which cannot be stored: leave it out")
    return text


Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_without_nul)]
Text = Annotated[str, Field(min_length=1, max_length=5000), AfterValidator(_without_nul)]
Count = Annotated[int, Field(ge=0)]
NotificationType = Literal["info", "success", "warning", "error"]
BatchStatus = Literal["in-progress", "completed", "failed", "cancelled"]


class UnknownEvent(InputError):
    """No event of that name asks for work."""


class BadEvent(InputError):
    """An event whose payload is not as its name says.

    Attributes:
        fields: what is wrong, by the field's dotted name.
    """

    def __init__(self, name: str, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        told = "; ".join(f"{field}: {problem}" for field, problem in fields.items())
        super().__init__(f"event {name}: {told}: docs/events.md has its schema")


def _fetchable(url: str) -> str:
    try:
        parse(url)
    except BadUrl as error:
        raise ValueError(str(error)) from None
    return url


def _keepable(entry: str) -> str:
    try:
        fetched = parse(entry)
    except BadUrl:
        return nameable(entry, MAX_URL_LENGTH - 1)  # and an ellipsis
    return fetched if "\0" in entry else entry


Entry = Annotated[str, Field(max_length=MAX_URL_LENGTH), AfterValidator(_keepable)]
"""A line of a list; what cannot be fetched stands as it can be named, without what may be a password."""
Url = Annotated[
    str, Field(min_length=1, max_length=MAX_URL_LENGTH), AfterValidator(_without_nul), AfterValidator(_fetchable)
]
StartUrl = Annotated[str, Field(min_length=1, json_schema_extra={"pattern": HTTP_ONLY})]
"""Of a flow's form: Prefect refuses what its schema does not take before there is a run."""


class Event(BaseModel):
    """An event's payload.

    Attributes:
        name: of the event.
        about: the field whose value identifies what the event is about, and the kind of thing that is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    name: ClassVar[str]
    about: ClassVar[tuple[str, str]]

    @property
    def resource_id(self) -> str:
        """What Prefect knows the thing by, e.g. ``seo.page.1f3a``."""
        field, kind = self.about
        return f"seo.{kind}.{getattr(self, field)}"


class ScanRequested(Event):
    """A page is to be scanned."""

    name = "page/scan.requested"
    about = ("page_id", "page")
    page_id: Identity
    url: Url
    user_id: Identity


class AnalyzeRequested(Event):
    """A scanned page is to be analysed; its facts are read from the store by id."""

    name = "page/analyze.requested"
    about = ("page_id", "page")
    page_id: Identity
    url: Url
    user_id: Identity


class BatchRequested(Event):
    """Pages of a project are to be scanned: ``urls``, or the list of the batch ``batch_id``."""

    name = "project/batch.scan"
    about = ("project_id", "project")
    project_id: Identity
    user_id: Identity
    urls: Annotated[tuple[Entry, ...], Field(max_length=MAX_EVENT_URLS)] = ()
    batch_id: Identity | None = None

    @model_validator(mode="after")
    def _one_list(self) -> "BatchRequested":
        if bool(self.urls) == (self.batch_id is not None):
            raise ValueError("give either urls or batch_id")
        return self


class NotificationRequested(Event):
    """A person is to be told."""

    name = "notification/send"
    about = ("user_id", "user")
    user_id: Identity
    title: Line
    message: Text
    type: NotificationType = "info"


class CancelRequested(Event):
    """A run is to be cancelled, and its user told."""

    name = "run/cancel.requested"
    about = ("run_id", "run")
    run_id: RunId
    user_id: Identity


class BatchProgressed(Event):
    """Where a batch or a crawl stands."""

    name = "batch/progress.updated"
    about = ("project_id", "project")
    project_id: Identity
    user_id: Identity
    batch_id: Identity
    run_id: RunId
    total_pages: Count
    done: Count
    failed: Count
    status: BatchStatus


class ScanAccepted(Event):
    """A page's scan was queued as a run."""

    name = "page/scan.accepted"
    about = ("page_id", "page")
    page_id: Identity
    url: Url
    user_id: Identity
    run_id: RunId


class ScanCompleted(Event):
    """A page was scanned; ``status`` is the last answer's, 0 where there was none."""

    name = "page/scan.completed"
    about = ("page_id", "page")
    page_id: Identity
    url: Url
    user_id: Identity
    run_id: RunId
    outcome: Literal["completed", "failed", "skipped", "quarantined"]
    status: Count = 0
    errors: Count = 0
    warnings: Count = 0
    notices: Count = 0


class AnalysisCompleted(Event):
    """A page was analysed."""

    name = "page/analysis.completed"
    about = ("page_id", "page")
    page_id: Identity
    url: Entry
    user_id: Identity
    run_id: RunId
    recommendation_count: Count
    status: Literal["complete", "failed"]


class BatchFinished(Event):
    """A batch or a crawl ended."""

    name = "batch/finished"
    about = ("project_id", "project")
    project_id: Identity
    user_id: Identity
    batch_id: Identity
    run_id: RunId
    total_pages: Count
    completed: Count
    failed: Count
    status: BatchStatus


RequestEvent = ScanRequested | AnalyzeRequested | BatchRequested | NotificationRequested | CancelRequested
REQUESTS: Mapping[str, type[RequestEvent]] = {
    event.name: event
    for event in (ScanRequested, AnalyzeRequested, BatchRequested, NotificationRequested, CancelRequested)
}
RECORDS: Mapping[str, type[Event]] = {
    event.name: event for event in (BatchProgressed, ScanAccepted, ScanCompleted, AnalysisCompleted, BatchFinished)
}


def cancelled_key(run_id: str, epoch: int = 0) -> str:
    """Under which a run's cancellation is told, once, whoever notices it; epoch 0 is before it began."""
    return f"{run_id}:{epoch}:cancelled"


def read_request(name: str, payload: Mapping[str, Any]) -> RequestEvent:
    """The event of that name that asks for work.

    Raises:
        UnknownEvent: no such event; names those there are.
        BadEvent: naming each field that is wrong.
    """
    kind = REQUESTS.get(name)
    if kind is None:
        raise UnknownEvent(f"no event {name[:100]!r} asks for work: there are {', '.join(REQUESTS)}")
    hydrated = next(_hydrated(payload), None)
    if hydrated is not None:
        raise BadEvent(name, {hydrated: f"the key {HYDRATED} is refused"})
    try:
        return kind.model_validate_json(json.dumps(payload))
    except ValidationError as error:
        raise BadEvent(name, problems(error)) from None


def problems(error: ValidationError) -> dict[str, str]:
    """What is wrong, by dotted field name; without the values, which may be secret."""
    return {
        ".".join(str(step) for step in problem["loc"]) or "payload": problem["msg"].removeprefix("Value error, ")
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    }


def _hydrated(value: object, path: str = "payload") -> Iterator[str]:
    """Where the key that Prefect replaces stands, however deep; a stack, since depth is an outsider's choice."""
    open_: list[tuple[str, object]] = [(path, value)]
    while open_:
        path, value = open_.pop()
        if isinstance(value, Mapping):
            if HYDRATED in value:
                yield path
            open_ += [(f"{path}.{key}"[:200], inner) for key, inner in value.items()]
        elif isinstance(value, list | tuple):
            open_ += [(f"{path}.{index}"[:200], inner) for index, inner in enumerate(value)]
