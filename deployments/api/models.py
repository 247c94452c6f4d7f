"""What the routes take and give, as OpenAPI tells it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tasks.errors import BadUrl
from tasks.events import MAX_EVENT_URLS, NotificationType
from tasks.model import Severity
from tasks.urls import MAX_URL_LENGTH, parse

IDENTITY = r"^[A-Za-z0-9_.@=-]+$"
MAX_ID = 2**63 - 1


def _fetchable(text: str) -> str:
    try:
        return parse(text)
    except BadUrl as error:
        raise ValueError(str(error)) from None


WebAddress = Annotated[
    str,
    AfterValidator(_fetchable),
    Field(
        min_length=1, max_length=MAX_URL_LENGTH, json_schema_extra={"format": "uri"}, examples=["https://example.com/"]
    ),
]
"""An address that can be fetched, as it is fetched."""


class Given(BaseModel):
    """What a client sends: nothing but what is named."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(frozen=True)


class IssuesWanted(Given):
    """Which issues of a project."""

    rule: Annotated[str | None, Field(min_length=1, max_length=128, pattern=IDENTITY)] = None
    severity: Severity | None = None
    run_id: Annotated[
        str | None,
        Field(
            min_length=1, max_length=128, pattern=IDENTITY, description="As this run saw them; else as last scanned."
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0, le=MAX_ID)] = 0


class NotificationsWanted(Given):
    """Which notifications."""

    unread: Annotated[bool, Field(description="Only those not marked as read.")] = False
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    after: Annotated[int | None, Field(ge=0, le=MAX_ID, description="The last one you know, by its id.")] = None


class ScanWanted(Given):
    """A page to scan."""

    url: WebAddress


class BatchWanted(Given):
    """Pages to scan; addresses that cannot be fetched become results that say so."""

    urls: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=MAX_URL_LENGTH)], ...],
        Field(min_length=1, max_length=MAX_EVENT_URLS, examples=[["https://example.com/", "https://example.com/tea"]]),
    ]


class ScanQueued(Answer):
    """A page's scan waits for its turn."""

    message: Literal["Scan queued"] = "Scan queued"
    page_id: str = Field(description="The page, for `GET /pages/{page_id}`; the same in every run.")
    run_id: str = Field(description="The run that scans it, for `GET /batches/{id}`.")


class BatchQueued(Answer):
    """A batch waits for its turn."""

    message: Literal["Batch queued"] = "Batch queued"
    run_id: str = Field(description="The run that scans the list, for `GET /batches/{id}`.")
    total_pages: int = Field(description="Addresses in the list.")


class EventAccepted(Answer):
    """An event's work waits for its turn, or was asked for before."""

    message: Literal["Event accepted"] = "Event accepted"
    id: str = Field(description="The event.")
    run_id: str = Field(description="The run that does the work: of the first event with this id.")


class PageIssue(Answer):
    """What is wrong with a page."""

    rule: str
    severity: Severity
    category: str
    message: str
    evidence: dict[str, Any]
    fingerprint: str = Field(description="The same in every run in which the same is wrong.")


class PageScan(Answer):
    """The newest scan of a page; docs/data.md describes the facts."""

    run_id: str
    page_id: str
    url: str
    final_url: str | None
    status: int | None
    outcome: str
    reason: str | None
    redirects: list[dict[str, Any]]
    facts: dict[str, Any]
    rendered: dict[str, Any] | None = Field(description="What a browser made of it, where one opened it.")
    issues: list[PageIssue]


class PageAdvice(Answer):
    """A recommendation."""

    title: str
    description: str
    priority: Literal["high", "medium", "low"]
    category: str
    source: str = Field(description="llm, or rules where no model was asked.")
    findings: list[str] = Field(description="Fingerprints of the issues it rests on.")
    rules: list[str]
    proposed_title: str = ""
    proposed_description: str = ""
    proposed_json_ld: str = ""


class KnownPage(Answer):
    """A page and what is known of it."""

    page_id: str
    project_id: str
    url: str
    scan: PageScan | None = Field(description="Null until its first scan is stored.")
    recommendations: list[PageAdvice]


class RunStatus(Answer):
    """Where a run stands."""

    run_id: str
    kind: str = Field(description="scan, batch or crawl; of other work its flow, such as analyze-page.")
    state: str = Field(description="queued, running, completed, failed, interrupted or cancelled.")
    project_id: str
    batch_id: str = ""
    total_pages: int = 0
    done: int = 0
    failed: int = 0
    errors: int = Field(default=0, description="Issues of severity error.")
    warnings: int = 0
    notices: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    incomplete_reason: str | None = None


class BatchStatus(Answer):
    """The runs of a batch, newest first."""

    id: str = Field(description="As asked for.")
    runs: list[RunStatus]


class ProjectIssue(Answer):
    """An issue of a page of the project."""

    run_id: str
    page_id: str = Field(description="Empty for the site as a whole.")
    url: str
    rule: str
    severity: Severity
    category: str
    message: str
    evidence: dict[str, Any]
    fingerprint: str


class ProjectIssues(Answer):
    """Issues, most severe first."""

    project_id: str
    issues: list[ProjectIssue]
    next_offset: int | None = Field(description="`offset` of what follows; null at the end.")


class NotificationOut(Answer):
    """What a user was told."""

    id: int
    title: str
    message: str
    type: NotificationType
    read: bool
    created_at: datetime
    run_id: str = Field(description="Empty where it is about no run.")


class Notifications(Answer):
    """A user's newest notifications; with `after`, the oldest of those that came after that one."""

    notifications: list[NotificationOut]


class NotificationChange(Given):
    """What can be changed of a notification."""

    read: Literal[True]


class ChannelAuth(Answer):
    """What a Pusher client shows to subscribe."""

    auth: str = Field(description="`key:signature`.")


class Health(Answer):
    """Whether the door works."""

    status: Literal["ok", "degraded"]
    prefect: Literal["ok", "away"]
