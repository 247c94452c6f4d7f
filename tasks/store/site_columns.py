"""Facts of a run as a whole: what robots.txt and sitemaps say, what pages point at, how they hang together.

Each table but ``graph`` has a record that its rows are made from; ``graph`` comes as a frame.
"""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Literal

from tasks.model import Reason
from tasks.store.takes import COUNT, FLAG, REAL, SMALL, TEXT, TEXTS, TIME, Column, FactTable, Key, microseconds, structs

TargetKind = Literal["external", "internal", "image", "probe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsFact:
    """The robots.txt of one origin, ``scheme://host:port``.

    Attributes:
        reason: why there was no answer; ``status`` is None then.
        syntax_errors: (line, text, why) of each line that means nothing.
    """

    origin: str
    status: int | None
    reason: Reason | None = None
    body: str = ""
    fetched_at: datetime
    syntax_errors: tuple[tuple[int, str, str], ...] = ()
    blocks_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapFact:
    """One sitemap file; ``parent`` is the index that names it."""

    url: str
    parent: str | None = None
    kind: str
    status: int | None
    reason: Reason | None = None
    entries: int = 0
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapEntryFact:
    """One URL of a sitemap; ``alternates`` are (lang, url)."""

    sitemap: str
    url: str
    lastmod: str | None = None
    alternates: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFact:
    """An address looked at and not scanned.

    Attributes:
        body_hash, title: of a probe.
    """

    url: str
    kind: TargetKind
    status: int | None
    reason: Reason | None = None
    location: str | None = None
    tries: int = 1
    checked_at: datetime
    body_hash: str | None = None
    title: str | None = None


SiteFact = RobotsFact | SitemapFact | SitemapEntryFact | TargetFact

_RUN = Column("run_id", TEXT, "The run.", Key.RUN)
_STATUS = Column("status", SMALL, "HTTP status; null where there was no answer.", attrgetter("status"))
_REASON = Column("reason", TEXT, "Why there was no answer.", attrgetter("reason"))

ROBOTS = FactTable(
    "robots",
    "The robots.txt of each origin of a crawl.",
    (
        _RUN,
        Column("origin", TEXT, "scheme://host:port.", attrgetter("origin")),
        _STATUS,
        _REASON,
        Column("body", TEXT, "Its text, the first 500 KiB.", attrgetter("body")),
        Column("fetched_at", TIME, "When it was fetched, UTC.", lambda fact: microseconds(fact.fetched_at)),
        Column(
            "syntax_errors",
            structs(line=SMALL, text=TEXT, why=TEXT),
            "Lines that mean nothing, and why.",
            attrgetter("syntax_errors"),
        ),
        Column("blocks_all", FLAG, "Nothing of the origin may be crawled by Googlebot.", attrgetter("blocks_all")),
    ),
)

SITEMAPS = FactTable(
    "sitemaps",
    "Every sitemap file that a crawl read, or was named to it and did not.",
    (
        _RUN,
        Column("url", TEXT, "Address of the file.", attrgetter("url")),
        Column("parent", TEXT, "The sitemap index that names it.", attrgetter("parent")),
        Column("kind", TEXT, "urlset, sitemapindex, rss, atom, text, or unknown where it is none.", attrgetter("kind")),
        _STATUS,
        _REASON,
        Column("entries", COUNT, "URLs it lists.", attrgetter("entries")),
        Column("errors", TEXTS, "What is wrong with it.", attrgetter("errors")),
    ),
)

SITEMAP_ENTRIES = FactTable(
    "sitemap_entries",
    "Every URL of every sitemap.",
    (
        _RUN,
        Column("sitemap", TEXT, "Address of the file.", attrgetter("sitemap")),
        Column("url", TEXT, "The URL, absolute.", attrgetter("url")),
        Column("lastmod", TEXT, "As written; null where absent.", attrgetter("lastmod")),
        Column("alternates", structs(lang=TEXT, url=TEXT), "Alternate languages.", attrgetter("alternates")),
    ),
)

TARGETS = FactTable(
    "targets",
    "What pages point at (links, canonicals, language versions, images) and the crawl looked at without scanning it.",
    (
        _RUN,
        Column("url", TEXT, "The address.", attrgetter("url")),
        Column(
            "kind",
            TEXT,
            "external, internal (on the host of the page), image, or probe: a page that cannot exist.",
            attrgetter("kind"),
        ),
        _STATUS,
        _REASON,
        Column("location", TEXT, "Where it redirects to.", attrgetter("location")),
        Column("tries", SMALL, "Requests made.", attrgetter("tries")),
        Column("checked_at", TIME, "Time of the last request, UTC.", lambda fact: microseconds(fact.checked_at)),
        Column("body_hash", TEXT, "Hash of a probe's answer.", attrgetter("body_hash")),
        Column("title", TEXT, "Title of a probe's answer.", attrgetter("title")),
    ),
)

DEPTH = Column(
    "depth",
    SMALL,
    "Followed links on the shortest path from the start of a crawl, redirects not counted; null where there is none.",
    attrgetter("depth"),
)

GRAPH = FactTable(
    "graph",
    "How the pages of a crawl hang together; also in site_pages.",
    (
        _RUN,
        Column("page_id", TEXT, "The page, as in pages.", attrgetter("page_id")),
        DEPTH,
        Column("inlinks", COUNT, "Other pages that link to it, straight or by a redirect.", attrgetter("inlinks")),
        Column(
            "followed_inlinks",
            COUNT,
            "Those with a link that is followed: nofollow neither on it nor on its page.",
            attrgetter("followed_inlinks"),
        ),
        Column(
            "contextual_inlinks",
            COUNT,
            "Those with a link outside of navigation, header and footer.",
            attrgetter("contextual_inlinks"),
        ),
        Column(
            "pagerank",
            REAL,
            "Internal PageRank, damping 0.85; sums up to 1 over a crawl. Of each pair of pages the best followed link "
            "counts: 1 in main or body, 0.5 in aside, 0.3 in nav and header, 0.1 in footer. A redirecting or "
            "canonicalised address passes all to the head of its cluster.",
            attrgetter("pagerank"),
        ),
        Column(
            "canonical_cluster",
            TEXT,
            "Page id of where its redirects and canonicals end; its own where it has none.",
            attrgetter("canonical_cluster"),
        ),
        Column(
            "duplicate_cluster",
            TEXT,
            "Page id of the first indexable page with (nearly) the same main text; null where no other page has it.",
            attrgetter("duplicate_cluster"),
        ),
    ),
)

CHANGES = FactTable(
    "changes",
    "Pages of a crawl that are new, changed or gone since the last crawl of the same site; the others did not change.",
    (
        _RUN,
        Column("page_id", TEXT, "The page, as in pages.", attrgetter("page_id")),
        Column("url", TEXT, "Address of the page as asked for.", attrgetter("url")),
        Column("change", TEXT, "new, changed, or gone: it answers 404 or 410 now.", attrgetter("change")),
        Column(
            "fields",
            TEXTS,
            "What differs: status, final address, title, description, h1, headings, text, canonical, robots, "
            "indexability, hreflang, language, links.",
            attrgetter("fields"),
        ),
    ),
)

SITE_TABLES = (ROBOTS, SITEMAPS, SITEMAP_ENTRIES, TARGETS, GRAPH, CHANGES)
