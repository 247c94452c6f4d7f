"""The nouns. What is made by the thousand is a frozen dataclass; none knows Prefect, a client or a file.

Addresses are absolute and as requested on the wire; times are aware UTC; lengths say their unit.
"""

from tasks.model.answers import Answer, FetchFailure, Hop, Response
from tasks.model.fetching import FetchOptions, HostDemand, HostShare, RenderOptions, UserAgent, sendable_agent
from tasks.model.pages import (
    Canonical,
    Heading,
    HeadText,
    Hreflang,
    Image,
    Link,
    MetaRefresh,
    Page,
    PageType,
    Position,
    Resource,
    ResourceKind,
    Robots,
    StructuredData,
)
from tasks.model.rendering import SMALL_PIXELS, Behaviour, Rendered, Snapshot
from tasks.model.states import Outcome, PageState, Reason, Severity
from tasks.model.verdicts import EarlierFacts, Evidence, Issue, Revalidation, RuleResult, ScannedPage, Verdict

__all__ = [
    "SMALL_PIXELS",
    "Answer",
    "Behaviour",
    "Canonical",
    "EarlierFacts",
    "Evidence",
    "FetchFailure",
    "FetchOptions",
    "HeadText",
    "Heading",
    "Hop",
    "HostDemand",
    "HostShare",
    "Hreflang",
    "Image",
    "Issue",
    "Link",
    "MetaRefresh",
    "Outcome",
    "Page",
    "PageState",
    "PageType",
    "Position",
    "Reason",
    "RenderOptions",
    "Rendered",
    "Resource",
    "ResourceKind",
    "Response",
    "Revalidation",
    "Robots",
    "RuleResult",
    "ScannedPage",
    "Severity",
    "Snapshot",
    "StructuredData",
    "UserAgent",
    "Verdict",
    "sendable_agent",
]
