"""Typed events, one class each. Their names and fields are what other systems see."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """An event's payload; ``name`` is the event's."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: ClassVar[str]


class AnalyzeRequested(Event):
    """A scanned page is to be analysed; its facts are read from the store by id."""

    name = "page/analyze.requested"
    page_id: str
    url: str
    user_id: str


class NotificationRequested(Event):
    """A person is to be told."""

    name = "notification/send"
    user_id: str
    title: str
    message: str
    type: Literal["info", "success", "warning", "error"] = "info"
