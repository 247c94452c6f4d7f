"""What goes into and comes out of the services: requests, people told, advice, model calls, keys.

Times are aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tasks.events import NotificationType

Origin = Literal["local", "api", "webhook", "trigger", "outbox"]
Priority = Literal["high", "medium", "low"]
Source = Literal["llm", "rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who answers a request.

    Attributes:
        run_id: the run that answers it, of whoever was first.
        first: this claim is the one that counts; else someone else does the work.
        confirmed: the start of its flow is certain.
        flow_run_id: Prefect's id of the run, where known.
    """

    request_id: str
    run_id: str
    flow: str
    first: bool
    confirmed: bool
    flow_run_id: str | None
    claimed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A claimed request.

    Attributes:
        payload: JSON text, as given.
        flow_run_id: Prefect's id of the run, where known.
        begun_at: when its flow began to work, if it did.
        ended_as: failed or cancelled, where the run of Prefect ended so that was to answer it.
    """

    request_id: str
    run_id: str
    flow: str
    user_id: str
    payload: str
    origin: Origin
    claimed_at: datetime
    flow_run_id: str | None = None
    begun_at: datetime | None = None
    ended_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A message to whoever listens on a channel now."""

    channel: str
    event: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What a person was told; ``run_id`` is empty where it is about no run."""

    id: int
    key: str
    user_id: str
    title: str
    message: str
    type: NotificationType
    read: bool
    created_at: datetime
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A version of the prompt; exactly one is active."""

    version: int
    name: str
    text: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecommendation:
    """Advice on a page.

    Attributes:
        findings: fingerprints of the issues it rests on.
        rules: their rules.
        proposed_title, proposed_description, proposed_json_ld: ready to use; empty where none is proposed.
    """

    title: str
    description: str
    priority: Priority
    category: str
    findings: tuple[str, ...]
    rules: tuple[str, ...]
    proposed_title: str = ""
    proposed_description: str = ""
    proposed_json_ld: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation(NewRecommendation):
    """Advice as stored; ``model`` is empty and ``template_version`` None where no model gave it."""

    id: int
    run_id: str
    page_id: str
    url: str
    source: Source
    model: str
    template_version: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model answered to this key before."""

    key: str
    text: str
    model: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The model is the holder's to ask, until then."""

    key: str
    holder: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Someone else is asking the model, until then at most."""

    key: str
    holder: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What model calls came to; dollars.

    Attributes:
        calls: settled ones.
        cost: of those.
        reserved: for calls under way, or that died on the way.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    reserved: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What pages belong to; ``site`` is its address, empty where it has none."""

    project_id: str
    owner: str
    site: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key without its token, which is not stored."""

    key_id: str
    user_id: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key as made: the token is shown this once."""

    key_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPage:
    """A page of a project, whatever the run; ``last_run_id`` is empty where none has finished it."""

    page_id: str
    project_id: str
    url: str
    last_run_id: str
