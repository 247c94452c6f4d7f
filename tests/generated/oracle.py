"""What is wrong with a generated site, read off its bytes alone: another way to the answers than planting them.

It knows nothing of drafts and findings. HTML is read by selectolax, robots.txt by protego, sitemaps by ElementTree;
networkx measures paths.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from xml.etree import ElementTree as ET

import networkx as nx
from protego import Protego

from tests.generated.reading import BASE, OTHER, Facts, facts, resolved, same, with_hosts
from tests.generated.reply import Reply
from tests.generated.site import GeneratedSite

NEAR = 0.9
DEPTH_LIMIT = 4


@dataclass
class Walk:
    """A walk over all of ``site`` from its start and its sitemaps."""

    site: GeneratedSite
    pages: dict[str, Facts] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        robots = Protego.parse(with_hosts(self.site.robots.body))
        ahead = [f"{BASE}/", *self.listed]
        seen = set(ahead)
        while ahead:
            url = ahead.pop()
            if not robots.can_fetch(url, "seo-scan"):
                self.blocked.add(url)
                continue
            for target in self._visit(url):
                if target.startswith(f"{BASE}/") and target not in seen:
                    seen.add(target)
                    ahead.append(target)

    def _visit(self, url: str) -> list[str]:
        reply = self.site.reply(url.removeprefix(BASE))
        self.statuses[url] = reply.status
        location = reply.header("Location")
        if location:
            self.redirects[url] = resolved(with_hosts(location.encode()))
            return [self.redirects[url]]
        if reply.status != 200 or not reply.content_type.startswith("text/html"):
            return []
        self.pages[url] = facts(reply)
        return [link.url for link in self.pages[url].links]

    @cached_property
    def listed(self) -> list[str]:
        """Addresses of this site in its sitemaps."""
        return [url for url in self._locs("/sitemap.xml") if url.startswith(f"{BASE}/")]

    def _locs(self, path: str) -> Iterator[str]:
        reply = self.site.reply(path)
        if reply.status != 200:
            return
        root = ET.fromstring(with_hosts(reply.body))  # noqa: S314 - our own file
        for loc in root.iterfind("{*}*/{*}loc"):
            url = (loc.text or "").strip()
            if root.tag.endswith("sitemapindex"):
                yield from self._locs(url.removeprefix(BASE))
            else:
                yield url

    def canonical(self, url: str) -> str:
        """The other address that the page names; empty where it names none."""
        stated = self.pages[url].canonical.partition("#")[0] if url in self.pages else ""
        return "" if not stated or same(stated, url) else stated

    @cached_property
    def indexable(self) -> dict[str, Facts]:
        return {url: page for url, page in self.pages.items() if not page.noindex and not self.canonical(url)}

    @cached_property
    def followed(self) -> "nx.DiGraph[str]":
        return self._graph(self._followed_links())

    @cached_property
    def linked(self) -> "nx.DiGraph[str]":
        return self._graph((url, link.url) for url, page in self.pages.items() for link in page.links)

    def _followed_links(self) -> Iterator[tuple[str, str]]:
        for url, page in self.pages.items():
            if not page.nofollow:
                yield from ((url, link.url) for link in page.links if not link.nofollow)

    def _graph(self, links: Iterable[tuple[str, str]]) -> "nx.DiGraph[str]":
        """Links among addresses of the site without those of a page to itself."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from([*self.statuses, *self.blocked])
        graph.add_edges_from((one, other) for one, other in links if one != other and other.startswith(f"{BASE}/"))
        return graph

    def depths(self, *, redirect_costs: int) -> dict[str, int]:
        graph = self.followed.copy()
        nx.set_edge_attributes(graph, 1, "cost")
        graph.add_edges_from(self.redirects.items(), cost=redirect_costs)
        costs = nx.single_source_dijkstra_path_length(graph, f"{BASE}/", weight="cost")
        return {url: int(cost) for url, cost in costs.items() if url.startswith(BASE)}

    def sources(self, graph: "nx.DiGraph[str]", url: str, *, over_redirects: bool) -> set[str]:
        """Pages that link to ``url``, also by way of addresses that redirect to it."""
        found = set(graph.predecessors(url))
        if over_redirects:
            for old, new in self.redirects.items():
                if new == url:
                    found |= self.sources(graph, old, over_redirects=True)
        return found - {url}

    def final(self, url: str) -> int:
        """Status at the end of all redirects; 0 where there is no end."""
        for _ in range(10):
            if url not in self.redirects:
                return self.statuses.get(url, 200)
            url = self.redirects[url]
        return 0

    def findings(self) -> set[tuple[str, str]]:
        """(rule, path) of everything wrong with pages."""
        parts = (
            self._duplicates(),
            self._same_text(),
            self._canonicals_needed(),
            self._canonicals(),
            self._links(),
            self._places(),
            self._languages(),
            self._sitemaps(),
        )
        return {(rule, url.removeprefix(BASE)) for part in parts for rule, url in part}

    def _alternates(self, url: str) -> set[str]:
        return set(self.pages[url].hreflang.values())

    def _duplicates(self) -> Iterator[tuple[str, str]]:
        for name in ("title", "description", "h1"):
            yield from ((f"{name}-duplicate", url) for url in self._shared(name, _folded))
        yield from (("content-exact-duplicate", url) for url in self._shared("text", str))

    def _shared(self, name: str, normal) -> Iterator[str]:
        groups = defaultdict(list)
        for url, page in self.indexable.items():
            if value := normal(getattr(page, name)):
                groups[value].append(url)
        for group in groups.values():
            for url in group:
                if any(self._apart(url, other) for other in group if other != url):
                    yield url

    def _apart(self, url: str, other: str) -> bool:
        return other not in self._alternates(url) and url not in self._alternates(other)

    def _same_text(self) -> Iterator[tuple[str, str]]:
        shingles = {url: _shingles(page.text) for url, page in self.indexable.items()}
        having = defaultdict(list)
        for url, found in shingles.items():
            for shingle in found:
                having[shingle].append(url)
        common = Counter(pair for urls in having.values() for pair in combinations(urls, 2))
        for (one, other), count in common.items():
            alike = count / len(shingles[one] | shingles[other])
            if NEAR <= alike < 1 and self._apart(one, other):
                yield from (("content-near-duplicate", one), ("content-near-duplicate", other))

    def _canonicals_needed(self) -> Iterator[tuple[str, str]]:
        doubled = {*self._shared("text", str), *(url for _, url in self._same_text())}
        yield from (("canonical-missing", url) for url in doubled if not self.pages[url].canonical)

    def _canonicals(self) -> Iterator[tuple[str, str]]:
        for url in self.pages:
            target = self.canonical(url)
            if not target.startswith(BASE):
                continue
            beyond = self.canonical(target)
            holding = {
                "canonical-to-redirect": target in self.redirects,
                "canonical-to-error": self.statuses.get(target, 0) >= 400,
                "canonical-to-noindex": target in self.pages and self.pages[target].noindex,
                "canonical-to-blocked": target in self.blocked,
                "canonical-loop": beyond == url,
                "canonical-chain": beyond not in {"", url},
            }
            yield from ((rule, url) for rule, holds in holding.items() if holds)

    def _links(self) -> Iterator[tuple[str, str]]:
        for url, page in self.pages.items():
            for target in {link.url for link in page.links}:
                if target.startswith(BASE):
                    status = self.final(target)
                    broken = status == 0 or (status >= 400 and status not in {401, 403})
                    if broken or target in self.redirects:
                        yield ("link-broken-internal" if broken else "link-to-redirect"), url
                elif target.startswith(OTHER) and self._status_elsewhere(target) >= 400:
                    yield "link-broken-external", url
            if any(map(self._image_broken, page.images)):
                yield "image-broken", url
        yield from (
            ("blocked-by-robots", url) for url in self.blocked if self.linked.in_degree(url) or url == f"{BASE}/"
        )

    def _status_elsewhere(self, url: str) -> int:
        return self._elsewhere(url).status

    def _elsewhere(self, url: str) -> Reply:
        reply = self.site.reply_elsewhere(url.removeprefix(OTHER))
        location = reply.header("Location")
        return self._elsewhere(with_hosts(location.encode())) if location else reply

    def _image_broken(self, url: str) -> bool:
        if url.startswith("data:"):
            return False
        reply = self._elsewhere(url) if url.startswith(OTHER) else self.site.reply(url.removeprefix(BASE))
        location = reply.header("Location")
        if location:
            return self._image_broken(resolved(location))
        return reply.status >= 400 or not reply.content_type.startswith("image/")

    def _places(self) -> Iterator[tuple[str, str]]:
        depths = self.depths(redirect_costs=0)
        for url in self.indexable.keys() - {f"{BASE}/"}:
            every = self.sources(self.linked, url, over_redirects=True)
            followed = self.sources(self.followed, url, over_redirects=True)
            if not every:
                yield "orphan-page", url
            elif not followed:
                yield "nofollow-inlinks-only", url
            elif len(followed) == 1:
                yield "near-orphan-page", url
            if depths.get(url, 0) > DEPTH_LIMIT:
                yield "click-depth-high", url

    def _languages(self) -> Iterator[tuple[str, str]]:
        mutual: nx.Graph[str] = nx.Graph()
        for url, page in self.pages.items():
            for target in set(page.hreflang.values()) - {url}:
                if target in self.redirects:
                    yield "hreflang-to-redirect", url
                elif self.statuses.get(target, 0) >= 400:
                    yield "hreflang-to-error", url
                elif target in self.pages and self.pages[target].noindex:
                    yield "hreflang-to-noindex", url
                elif target in self.pages and self.canonical(target):
                    yield "hreflang-to-noncanonical", url
                elif target in self.indexable and url not in self._alternates(target):
                    yield "hreflang-missing-return", url
                elif target in self.indexable:
                    mutual.add_edge(url, target)
        for members in nx.connected_components(mutual):
            yield from (("hreflang-cluster-incomplete", url) for url in members if members - self._alternates(url))

    def _sitemaps(self) -> Iterator[tuple[str, str]]:
        listed = set(self.listed)
        for url in listed:
            if url in self.redirects:
                yield "sitemap-url-redirect", url
            elif self.statuses.get(url, 0) >= 400:
                yield "sitemap-url-error", url
            elif url in self.blocked:
                yield "sitemap-url-blocked", url
            elif url in self.pages and self.pages[url].noindex:
                yield "sitemap-url-noindex", url
            elif self.canonical(url):
                yield "sitemap-url-noncanonical", url
        if listed:
            yield from (("sitemap-missing-page", url) for url in self.indexable.keys() - listed)


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(*(words[start:] for start in range(5)), strict=False))
