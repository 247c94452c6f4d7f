"""The healthy site that faults are planted in: a shop of categories, lists, products and their reviews.

Every ordinary page is indexable, self-canonical, listed in a sitemap, at most four links deep and linked from several
pages, so that a finding on it is a mistake of whoever found it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.generated.draft import Anchor, Draft
from tests.generated.reply import Reply, error, redirect
from tests.generated.words import Words

HOME = "/"
MAIN_WORDS = 230
"""More than content-thin asks for."""

CATEGORIES = ("green-tea", "black-tea", "white-tea", "oolong", "herbal", "teaware")
LISTS = ("loose-leaf", "in-bags", "samplers", "organic")


@dataclass(frozen=True, slots=True)
class Planted:
    """A finding that a right crawl reports.

    Attributes:
        path: of the page it is reported on.
        target: of the link, canonical, alternate or image; empty where the finding has none.
        severity: where the rule's own does not apply.
    """

    rule: str
    path: str
    target: str = ""
    severity: str = ""


class Builder:
    """Plans a site. ``take`` gives a product to spoil, ``host`` one to link from that nothing else happens to."""

    def __init__(
        self, seed: int | str, products: int, categories: Sequence[str] = CATEGORIES, lists: Sequence[str] = LISTS
    ) -> None:
        self.rng = random.Random(seed)
        self.words = Words(self.rng)
        self.drafts: dict[str, Draft] = {}
        self.replies: dict[str, Reply] = {}
        self.elsewhere: dict[str, Reply] = {}
        self.planted: set[Planted] = set()
        self.listed_too: list[str] = []
        """What sitemaps name beside the drafts."""
        self.blocked: set[str] = set()
        self.alternates_in_sitemap: set[str] = set()
        self.home_linked = self.rng.random() < 0.5
        self._products: dict[str, list[Draft]] = {}
        self._numbers = iter(range(1, 100_000))
        self._categories = categories
        self._skeleton(lists)
        self.add_products(products)
        ordinary = [draft for drafts in self._products.values() for draft in drafts]
        self.rng.shuffle(ordinary)
        third = len(ordinary) // 3
        self._hosts, self._spare = ordinary[:third], ordinary[third:]

    def draft(self, path: str, **changes) -> Draft:
        """A healthy page that nothing links to."""
        words = self.words
        title = words.title()
        made = Draft(path, title, words.description(), f"About {title}", words.text(MAIN_WORDS), canonical=path)
        for name, value in changes.items():
            setattr(made, name, value)
        if path in self.drafts or path in self.replies:
            raise ValueError(f"two pages at {path}")
        self.drafts[path] = made
        return made

    def linked(self, path: str, **changes) -> Draft:
        """A healthy page that two hosts link to."""
        made = self.draft(path, **changes)
        self.link_twice(path)
        return made

    def link_twice(self, path: str) -> None:
        for host in self.hosts(2):
            self.link(host, path)

    def take(self) -> Draft:
        return self._spare.pop()

    def host(self) -> Draft:
        return self.rng.choice(self._hosts)

    def hosts(self, count: int) -> list[Draft]:
        return self.rng.sample(self._hosts, count)

    def link(self, source: Draft, target: str, *, rel: str = "", position: str = "main", text: str = "") -> None:
        source.anchors.append(Anchor(target, text or self.words.anchor(), rel, position))

    def plant(self, rule: str, path: str, target: str = "", severity: str = "") -> None:
        self.planted.add(Planted(rule, path, target, severity))

    def path(self, folder: str) -> str:
        """A new path."""
        return f"/{folder}/{next(self._numbers):04}"

    def redirect(self, target: str, status: int = 301, path: str = "") -> str:
        """Path of a new redirect to ``target``."""
        path = path or self.path("old")
        self.replies[path] = redirect(target, status)
        return path

    def error(self, status: int) -> str:
        """Path of a new page that answers ``status``."""
        path = self.path("gone")
        self.replies[path] = error(status)
        return path

    def link_to_redirect(self, target: str) -> None:
        """A host links to ``target``, which redirects."""
        source = self.host()
        self.link(source, target)
        self.plant("link-to-redirect", source.path, target)

    def link_to_broken(self, target: str) -> None:
        """A host links to ``target``, which answers with an error."""
        source = self.host()
        self.link(source, target)
        self.plant("link-broken-internal", source.path, target)

    def add_products(self, count: int) -> None:
        """``count`` more products, spread over the lists."""
        folders = sorted(self._products)
        for number in range(count):
            folder = folders[number % len(folders)]
            path = f"{folder}{self.rng.choice(LISTS)}-{next(self._numbers):04}/"
            self._products[folder].append(self.draft(path))

    def finish(self) -> None:
        """Puts in what hangs on all other pages: navigation and lists."""
        for folder, products in self._products.items():
            for number, product in enumerate(products):
                self.link(self.drafts[folder], product.path)
                for neighbour in (products[number - 1], products[(number + 1) % len(products)]):
                    self.link(product, neighbour.path, position="aside")
                self.link(product, folder, position="nav")
        for draft in self.drafts.values():
            self._surround(draft)

    def _skeleton(self, lists: Sequence[str]) -> None:
        self.draft(HOME)
        for path in ("/about/", "/contact/"):
            self.draft(path)
        for category in self._categories:
            above = self.draft(f"/{category}/")
            for name in lists:
                folder = f"/{category}/{name}/"
                self.draft(folder)
                self.link(above, folder)
                self._products[folder] = []

    def add_reviews(self) -> None:
        """Two reviews of some products, four links deep; they link to each other."""
        for product in self.hosts(6):
            pair = [self.draft(f"{product.path}reviews/{number}") for number in (1, 2)]
            for review, other in zip(pair, reversed(pair), strict=True):
                self.link(product, review.path)
                self.link(review, product.path)
                self.link(review, other.path)

    def _surround(self, draft: Draft) -> None:
        menu = [Anchor(f"/{name}/", name.replace("-", " ").capitalize(), position="nav") for name in self._categories]
        if self.home_linked:
            menu.insert(0, Anchor(HOME, "Home", position="nav"))
        small = [Anchor(path, path.strip("/").capitalize(), position="footer") for path in ("/about/", "/contact/")]
        draft.anchors = [*menu, *draft.anchors, *small]
