"""What a run is asked to do, and the identities that follow from it."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks import audit, extract
from tasks.audit.profile import Profile
from tasks.crawl.scope import ScopeKind
from tasks.host_ports import WRITTEN
from tasks.model import FetchOptions, RenderOptions, UserAgent
from tasks.urls import url_key

VERSION = 4
"""Raised when the same pages would give other results: earlier results then no longer stand in for new ones."""


class AccessRef(BaseModel):
    """Credentials as runs name them.

    Attributes:
        name: of the block, or ``environment``.
        key: salted hash of what it holds, 16 hex digits: who is shown other credentials may get other pages.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    key: str


class ScanOptions(BaseModel):
    """Wishes of one run; what is unset comes from the blocks, and where none is saved from their defaults.

    The data folder of a deployment comes from its ResultStore block alone; ``data`` is for local commands.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    crawler: str | None = Field(default=None, description="Name of a saved SEO Crawler block.")
    result_store: str | None = Field(default=None, description="Name of a saved SEO Result Store block.")
    access: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=200)] | None = Field(
        default=None,
        description="Name of a saved SEO Site Access block, or environment. Never for requests from outside.",
    )
    cluster: str | None = Field(default=None, description="Name of a saved SEO Cluster block.")
    data: str | None = Field(default=None, description="Data folder, absolute.")
    allow: tuple[Annotated[str, Field(json_schema_extra={"pattern": WRITTEN})], ...] = Field(
        default=(), description="Further host:port pairs that may be non-public."
    )
    concurrency: int | None = Field(default=None, ge=1, le=256, description="Connections per host.")
    rate: float | None = Field(default=None, ge=0, description="Requests a second per host; 0 for no limit.")
    user_agent: UserAgent | None = Field(default=None, description="User-Agent header.")
    max_age: float = Field(default=86400, ge=0, description="Seconds for which an earlier scan of a page is taken.")
    refresh: bool = Field(default=False, description="Fetch every page in full, whatever earlier runs know of it.")
    keep_html: bool | None = Field(default=None, description="Keep the compressed page sources.")
    render: bool = Field(default=False, description="Open each page in a browser, too. Needs the extra render.")
    profile: Profile = Field(default_factory=Profile, description="Rules to select, ignore or set.")


MAX_SHARDS = 64
CheckKind = Literal["external", "images"]
AnalyzeWhich = Annotated[str, Field(pattern=r"^(none|all|top:[1-9][0-9]{0,8})$")]
"""Which pages of a run are analysed; of a single page none or all."""


class CrawlRules(BaseModel):
    """Where a crawl goes.

    Attributes:
        start_url: as typed. root_url: where it led; the scope is taken from it.
        sitemaps: read them for further pages and to compare with.
        cut_traps: leave out what looks endless.
        check: what pages point at and the crawl does not fetch: what lies out of scope (``external``), images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_id: str
    start_url: str
    root_url: str = ""
    scope: ScopeKind = ScopeKind.FOLDER
    max_pages: int | None = Field(default=10_000, ge=1)
    max_depth: int | None = Field(default=None, ge=0)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sitemaps: bool = True
    obey_robots: bool = True
    cut_traps: bool = True
    check: tuple[CheckKind, ...] = ("external", "images")


class ScanSettings(BaseModel):
    """What all pages of a run share; plain data without secrets.

    Attributes:
        data: absolute data folder.
        analyze, changed_only, cluster, shards: as the run was started with; they are no part of any identity.
        revalidate: pages that earlier runs know are asked for conditionally.
        render: how pages are rendered; None where they are not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    options: FetchOptions = Field(default_factory=FetchOptions)
    profile: Profile = Field(default_factory=Profile)
    keep_html: bool = True
    max_age: float = 86400
    analyze: AnalyzeWhich = "none"
    changed_only: bool = False
    cluster: str | None = None
    shards: int = 1
    revalidate: bool = True
    access: AccessRef | None = None
    render: RenderOptions | None = None
    crawl: CrawlRules | None = None

    @property
    def realm(self) -> str:
        """Who fetches, as far as sites can tell by credentials; empty for anybody."""
        return self.access.key if self.access else ""

    @property
    def recipe(self) -> str:
        """Identity of how a page is fetched, read and judged, by this very code; 16 hex digits."""
        return _digest(f"{self._wishes} {code_digest()}")

    @property
    def _wishes(self) -> str:
        """Identity of how a page is wished to be fetched and judged."""
        fetching = self.options.model_dump(include={"user_agent", "max_body", "max_redirects"})
        judging = self.profile.model_dump(mode="json")
        further = [*([self.realm] if self.realm else ()), *(["rendered"] if self.render else ())]
        return _digest(json.dumps([VERSION, fetching, judging, self.keep_html, *further], sort_keys=True))

    def batch_id(self, project_id: str, urls: Iterable[str]) -> str:
        """Identity of a list in a project, whatever its order: 16 hex digits."""
        return _digest("\n".join([project_id, self._wishes, *sorted({url_key(url) for url in urls})]))

    def crawl_id(self) -> str:
        """Identity of a crawl: the same command goes on with the one it left unfinished."""
        return _digest("\n".join([self._wishes, rules_of(self).model_dump_json(exclude={"root_url"})]))

    def cache_key(self, store_id: str, batch_id: str, chunk_key: str) -> str:
        """Under which a chunk's result is cached."""
        return f"scan-v{VERSION}/{store_id}/{batch_id}/{self.recipe}-{chunk_key}"


def rules_of(settings: ScanSettings) -> CrawlRules:
    """Where the crawl goes.

    Raises:
        ValueError: it is none.
    """
    if settings.crawl is None:
        raise ValueError("not a crawl")
    return settings.crawl


@cache
def code_digest() -> str:
    """Identity of the code that reads and judges pages: what other code made is not taken for its work."""
    found = hashlib.blake2b(digest_size=8)
    for room in (extract, audit):
        folder = Path(room.__path__[0])
        for path in sorted(folder.rglob("*.py")):
            if "site" not in path.relative_to(folder).parts:  # judges every run anew
                found.update(path.read_bytes())
    return found.hexdigest()


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
