"""What a command asks of a run."""

from dataclasses import dataclass
from pathlib import Path

from blocks import SiteAccess
from blocks.site_access import ENVIRONMENT
from tasks.audit.profile import Profile
from tasks.crawl.scope import ScopeKind
from tasks.scan.settings import CheckKind, CrawlRules, ScanOptions
from tasks.store import Limits
from tasks.urls import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """A command's wishes; ``max_age`` and ``timeout`` in seconds, unset ones come from the blocks and the flow.

    ``access``: name of credentials; for None the environment's, where it has any.

    ``shards``: machines that a list is divided among; for None as before, or one.

    ``analyze``: which pages, as flows take it; of a single page none or all.
    """

    data: Path
    project_id: str = "default"
    user_id: str = "local"
    allow: tuple[str, ...] = ()
    concurrency: int | None = None
    rate: float | None = None
    user_agent: str | None = None
    render: bool = False
    access: str | None = None
    max_age: float = 86400.0
    refresh: bool = False
    keep_html: bool | None = None
    timeout: float | None = None
    workers: int | None = None
    shards: int | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    analyze: str = "none"

    def for_flow(self) -> ScanOptions:
        """As flows take it, the data folder absolute.

        Raises:
            InputError: an unknown rule is selected or ignored.
        """
        return ScanOptions(
            data=str(self.data.resolve()),
            allow=self.allow,
            concurrency=self.concurrency,
            rate=self.rate,
            user_agent=self.user_agent,
            render=self.render,
            access=self.access or (ENVIRONMENT if SiteAccess.in_environment() else None),
            max_age=self.max_age,
            refresh=self.refresh,
            keep_html=self.keep_html,
            profile=Profile(select=self.select, ignore=self.ignore),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlOptions:
    """Where a crawl goes; ``time_budget`` in seconds."""

    start_url: str
    scope: ScopeKind = ScopeKind.FOLDER
    max_pages: int | None = 10_000
    max_depth: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sitemaps: bool = True
    obey_robots: bool = True
    cut_traps: bool = True
    check: tuple[CheckKind, ...] = ("external", "images")
    time_budget: float | None = None
    changed_only: bool = False

    def for_flow(self, project_id: str) -> CrawlRules:
        """The crawl's rules in the project.

        Raises:
            BadUrl: ``start_url`` cannot be fetched.
        """
        return CrawlRules(
            project_id=project_id,
            start_url=parse(self.start_url),
            scope=self.scope,
            max_pages=self.max_pages,
            max_depth=self.max_depth,
            include=self.include,
            exclude=self.exclude,
            sitemaps=self.sitemaps,
            obey_robots=self.obey_robots,
            cut_traps=self.cut_traps,
            check=self.check,
        )


@dataclass(frozen=True, slots=True)
class NewLimits:
    """Limits for a crawl that goes on: None as before; 0 pages for no limit; ``time_budget`` in seconds."""

    max_pages: int | None = None
    max_depth: int | None = None
    time_budget: float | None = None

    def instead_of(self, limits: Limits) -> Limits:
        """``limits`` with what is set here in their place."""
        pages = limits.max_pages if self.max_pages is None else self.max_pages or None
        return Limits(pages, limits.max_depth if self.max_depth is None else self.max_depth)


AS_BEFORE = NewLimits()
