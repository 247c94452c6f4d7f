"""A seeded site with faults planted for every site rule, and all that a right crawl says of it."""

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from xml.sax.saxutils import escape

from tests.generated import plants_content, plants_links, plants_statements
from tests.generated.builder import HOME, Builder, Planted
from tests.generated.draft import ELSEWHERE, ORIGIN, Draft
from tests.generated.reply import Reply, error, plain

NOT_FOUND = error(404)

RUN_RULES = (
    "robots-txt-unreachable",
    "robots-txt-blocks-all",
    "robots-txt-syntax",
    "missing-page-not-404",
    "noindex-share-high",
)
"""Rules that speak of the site, not of one of its pages."""

PAGE_RULES = (
    *("title-duplicate", "description-duplicate", "h1-duplicate"),
    *("canonical-to-redirect", "canonical-to-error", "canonical-to-noindex", "canonical-to-blocked"),
    *("canonical-chain", "canonical-loop"),
    *("link-broken-internal", "link-to-redirect", "nofollow-inlinks-only"),
    *("orphan-page", "near-orphan-page", "click-depth-high"),
    *("hreflang-missing-return", "hreflang-to-redirect", "hreflang-to-error", "hreflang-cluster-incomplete"),
    *("hreflang-to-noindex", "hreflang-to-noncanonical"),
    *("sitemap-url-redirect", "sitemap-url-error", "sitemap-url-noindex", "sitemap-url-noncanonical"),
    *("sitemap-url-blocked", "sitemap-missing-page"),
    *("blocked-by-robots", "content-exact-duplicate", "content-near-duplicate"),
    *("link-broken-external", "image-broken"),
)
SITE_RULES = (*PAGE_RULES, *RUN_RULES)

RAISED_RULES = ("canonical-missing",)
"""Rules of single pages whose faults, seen in the whole site, are warnings. Their notices are not planted."""

CHECKED_RULES = frozenset({"link-broken-external", "image-broken"})
"""What only a crawl that checks external links and images can tell."""

UNKNOWN_WHEN_INCOMPLETE = frozenset({"orphan-page", "near-orphan-page", "nofollow-inlinks-only", "click-depth-high"})
"""What a link that was not seen yet could turn around."""

ROBOTS = """\
# the shop's rules
User-agent: otherbot
Disallow: /

User-agent: *
Crawl-delay: 0
Disallow: /private/
Allow: /private/open
Disallow: /*?sort=
Disallow:
"""
BAD_LINES = "Disalow /checkout/\nNoSuchDirective: yes\nDisallow: basket/\n"


@dataclass(frozen=True, slots=True)
class Edge:
    """A link on a page that a crawl reads; ``followed`` where neither it nor its page says nofollow."""

    source: str
    target: str
    position: str
    followed: bool


@dataclass(frozen=True)
class GeneratedSite:
    """A site and the truth about it. All paths are with their query, as on the wire.

    Attributes:
        pages: what each path answers but robots.txt and the sitemaps; a path that is not here is not there.
        drafts: the pages with status 200 among them, as planned.
        elsewhere: what the second host answers.
        planted: findings about pages.
        outcomes: fail or pass of rules on the site as a whole; what a variant makes pointless to ask is left out.
        blocked: paths that robots.txt disallows.
        missing: answer to any path that is not there.
    """

    seed: int | str
    pages: dict[str, Reply]
    drafts: dict[str, Draft]
    elsewhere: dict[str, Reply]
    robots: Reply
    sitemaps: dict[str, Reply]
    planted: frozenset[Planted]
    outcomes: dict[str, str]
    blocked: frozenset[str]
    missing: Reply = NOT_FOUND

    @property
    def expected(self) -> set[tuple[str, str]]:
        """(rule, path) of every finding about a page."""
        return {(planted.rule, planted.path) for planted in self.planted}

    def reply(self, path: str) -> Reply:
        if path == "/robots.txt":
            return self.robots
        return self.sitemaps.get(path) or self.pages.get(path) or self.missing

    def reply_elsewhere(self, path: str) -> Reply:
        return self.elsewhere.get(path) or NOT_FOUND

    @property
    def read(self) -> list[Draft]:
        """The pages whose links a crawl sees."""
        return [draft for path, draft in self.drafts.items() if path not in self.blocked]

    @cached_property
    def edges(self) -> list[Edge]:
        """Every link of one page to another path of the site, repeated ones too."""
        return [
            Edge(draft.path, anchor.path, anchor.position, not (anchor.nofollow or draft.nofollow))
            for draft in self.read
            for anchor in draft.anchors
            if anchor.internal
        ]

    @cached_property
    def depth(self) -> dict[str, int]:
        """Followed links from the start to each path that answers there; a redirect is no link."""
        followed: dict[str, list[str]] = {}
        for edge in self.edges:
            if edge.followed:
                followed.setdefault(edge.source, []).append(edge.target)
        found = {HOME: 0}
        ahead = deque([HOME])
        while ahead:
            path = ahead.popleft()
            goal = self._redirect_goal(path)
            if goal and goal not in found:
                found[goal] = found[path]
                ahead.appendleft(goal)
            for target in followed.get(path, ()):
                if target not in found:
                    found[target] = found[path] + 1
                    ahead.append(target)
        return found

    def _redirect_goal(self, path: str) -> str:
        """Path that ``path`` redirects to on this site; empty where it does not."""
        reply = self.pages.get(path)
        location = reply.header("Location") if reply else None
        return location if location and location.startswith("/") else ""

    @cached_property
    def reached(self) -> set[str]:
        """Every path that a crawl of links, redirects and sitemaps finds, blocked ones too."""
        found = set(self.listed) | {HOME}
        ahead = [*found]
        links: dict[str, set[str]] = {}
        for edge in self.edges:
            links.setdefault(edge.source, set()).add(edge.target)
        while ahead:
            path = ahead.pop()
            for target in {*links.get(path, ()), self._redirect_goal(path)} - found - {""}:
                found.add(target)
                ahead.append(target)
        return found

    @property
    def fetched(self) -> set[str]:
        """Every path that a crawl asks for but robots.txt, sitemaps, images and its probes."""
        return self.reached - self.blocked

    @cached_property
    def listed(self) -> list[str]:
        """Paths in the sitemaps."""
        return [
            line.partition("</loc>")[0].removeprefix(ORIGIN).replace("&amp;", "&")
            for reply in self.sitemaps.values()
            if b"<urlset" in reply.body
            for line in reply.body.decode().split("<loc>")[1:]
            if line.startswith(ORIGIN)
        ]


def generate(seed: int | str, pages: int = 450) -> GeneratedSite:
    """The site of ``seed``, with ``pages`` pages that answer with status 200.

    Raises:
        ValueError: the faults alone need more pages.
    """
    site = Builder(seed, products=230)
    site.add_reviews()
    plants_content.plant(site)
    plants_links.plant(site)
    plants_statements.plant(site)
    if len(site.drafts) > pages:
        raise ValueError(f"{len(site.drafts)} pages are needed for all faults")
    site.add_products(pages - len(site.drafts))
    site.finish()
    faulty = {"robots-txt-syntax"} | {planted.rule for planted in site.planted}
    robots = plain(ROBOTS + BAD_LINES + f"Sitemap: {ORIGIN}/sitemap.xml\n")
    return finished(site, seed, robots, {rule: "fail" if rule in faulty else "pass" for rule in SITE_RULES})


def finished(site: Builder, seed: int | str, robots: Reply, outcomes: dict[str, str], **changes) -> GeneratedSite:
    """What ``site`` came to."""
    return GeneratedSite(
        seed=seed,
        pages={path: draft.reply() for path, draft in site.drafts.items()} | site.replies,
        drafts=site.drafts,
        elsewhere=site.elsewhere,
        robots=robots,
        planted=frozenset(site.planted),
        outcomes=outcomes,
        blocked=frozenset(site.blocked),
        **({"sitemaps": sitemaps(site)} | changes),
    )


def sitemaps(site: Builder) -> dict[str, Reply]:
    """An index of two files, the second one compressed."""
    entries = [_entry(draft, site) for draft in site.drafts.values() if draft.listed]
    entries += [f"<url><loc>{ORIGIN}{escape(path)}</loc></url>" for path in site.listed_too]
    entries.append(f"<url><loc>{ELSEWHERE}/fine</loc></url>")
    site.rng.shuffle(entries)
    half = len(entries) // 2
    names = ("/sitemaps/one.xml", "/sitemaps/two.xml.gz")
    index = "".join(f"<sitemap><loc>{ORIGIN}{name}</loc></sitemap>" for name in names)
    return {
        "/sitemap.xml": _xml(
            f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{index}</sitemapindex>'
        ),
        names[0]: _xml(_urlset(entries[:half])),
        names[1]: _xml(_urlset(entries[half:]), gzip=True),
    }


def _entry(draft: Draft, site: Builder) -> str:
    alternates = "".join(
        f'<xhtml:link rel="alternate" hreflang="{lang}" href="{ORIGIN}{escape(path)}"/>'
        for lang, path in (draft.hreflang if draft.path in site.alternates_in_sitemap else ())
    )
    return f"<url><loc>{ORIGIN}{escape(draft.path)}</loc><lastmod>2026-11-02</lastmod>{alternates}</url>"


def _urlset(entries: list[str]) -> str:
    lines = "\n".join(entries)
    return (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
        f"{lines}\n</urlset>"
    )


def _xml(text: str, *, gzip: bool = False) -> Reply:
    kind = "application/gzip" if gzip else "application/xml"
    return Reply(body=f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode(), content_type=kind, gzip=gzip)
