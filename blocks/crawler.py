"""How pages are asked for."""

from typing import ClassVar

from pydantic import Field, HttpUrl

from blocks.settings import SettingsBlock


class Crawler(SettingsBlock):
    """Limits and manners of the requests that are made.

    Attributes:
        user_agent: User-Agent header.
        allow: Hosts that may be non-public or on any port.
        concurrency: Connections per host.
        rate: Requests a second per host.
        scans_per_minute: Runs that a user may begin from outside.
        browser: Browser that renders pages.
        render_from_outside: Whether requests from outside may have pages rendered.

    Example:
        Load a stored block and read its limits:
        ```python
        from blocks import Crawler

        crawler = Crawler.load("BLOCK_NAME")
        print(crawler.rate)
        ```
    """

    _block_type_name = "SEO Crawler"
    _block_type_slug = "seo-crawler"
    _logo_url = HttpUrl("https://cdn.jsdelivr.net/npm/lucide-static@0.471.0/icons/bug.svg")
    _documentation_url = HttpUrl("https://github.com/seo-scan/seo-scan#blocks")
    _description = "Limits and manners of the requests that are made to the sites being scanned."
    _environment: ClassVar[dict[str, str]] = {
        "SEO_USER_AGENT": "user_agent",
        "SEO_ALLOW": "allow",
        "SEO_CONCURRENCY": "concurrency",
        "SEO_RATE": "rate",
        "SEO_DEADLINE": "deadline",
        "SEO_MAX_BODY": "max_body",
        "SEO_SCANS_PER_MINUTE": "scans_per_minute",
        "SEO_BROWSER": "browser",
        "SEO_RENDER_FROM_OUTSIDE": "render_from_outside",
    }

    user_agent: str = Field(default="", description="User-Agent header. Empty for the product's own name.")
    allow: list[str] = Field(
        default_factory=list,
        description="Pairs host:port, as written in URLs, that may be non-public or on any port.",
    )
    concurrency: int = Field(default=8, ge=1, le=256, description="Connections per host for a whole data folder.")
    rate: float | None = Field(
        default=None,
        ge=0,
        description="Requests a second per host for a whole data folder. 0 for no limit. Unset for 10, loopback hosts "
        "unlimited.",
    )
    deadline: float = Field(default=60, gt=0, description="Seconds for one URL, redirects included.")
    max_body: int = Field(default=15 * 1024 * 1024, gt=0, description="Largest body read, bytes.")
    scans_per_minute: int = Field(
        default=10,
        ge=1,
        le=10_000,
        description="Runs a minute that each user may begin by HTTP, webhook or event. Further ones wait.",
    )
    browser: str = Field(default="", description="Path of Chromium or Chrome. Empty to look for an installed one.")
    render_from_outside: bool = Field(
        default=False,
        description="Let runs that are asked for by HTTP, webhook or event open pages in a browser.",
    )
